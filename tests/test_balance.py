"""What a new user is given, and what comes back each day."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from database import Database
from tests.harness import BotHarness


def test_tokens_come_back_once_a_day_and_up_to_the_first_gift(tmp_path: Path) -> None:
    db = Database(tmp_path / "bot.db")
    db.users.register(1, None, "А", None, language="ru", balance=1000, now=1)

    def balance() -> int:
        user = db.users.get(1)
        assert user is not None
        return user.balance

    assert db.users.refill(1, 300, 1200, day=10) and balance() == 1200
    assert not db.users.refill(1, 300, 1200, day=10) and balance() == 1200
    assert db.users.refill(1, 300, 1000, day=11) and balance() == 1200  # what was granted beyond it stays
    db.close()


def test_a_daily_gift_lets_a_user_write_on(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(USER_TOKENS=4000, USER_TOKENS_PER_DAY=3000)
    harness.start()
    person = harness.writer()
    harness.db.change("user", balance=10, refilled_on=0)
    harness.says("Новый день.")
    person.press("▶️ Дальше")
    person.wait("Новый день.")


def test_a_model_that_yandex_offers_the_openai_way_only_is_asked_that_way(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness(YANDEX_MODEL="deepseek-v4-flash")
    harness.start()
    harness.writer(words="Рассказано иначе.")
    asked = harness.models.of("completion")[-1]
    assert asked.path == "/v1/chat/completions" and asked.body["model"] == "gpt://b1gsandbox/deepseek-v4-flash"
    assert asked.headers["openai-project"] == "b1gsandbox" and "stream_options" not in asked.body
