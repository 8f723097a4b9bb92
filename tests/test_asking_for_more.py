"""Asking the admins for more tokens and sessions: offered, sent, granted, declined, made again."""

from __future__ import annotations

import time
from collections.abc import Callable

from handlers.access_requests import amounts
from sandbox.telegram_state import ChatMessage
from tests.harness import ADMIN_ID, BotHarness, until
from tests.test_account import shown

# ---------------------------------------------------------------------- asking for more


def out_of_turns(harness: BotHarness) -> tuple[object, ChatMessage]:
    """Return a writer whose tokens have run out, and the sentence about it."""
    person = harness.writer()
    harness.db.change("user", {"id": 1}, balance=10)
    person.press("▶️ Дальше")
    return person, person.wait("Ходы кончились")


def test_without_an_admin_there_is_nobody_to_ask(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(ADMIN_IDS="")
    harness.start()
    _, said = out_of_turns(harness)
    assert "администратор бота не на связи" in shown(said) and not said.labels


def test_an_admin_who_never_began_a_chat_cannot_be_asked(harness: BotHarness) -> None:
    _, said = out_of_turns(harness)
    assert "администратор бота не на связи" in shown(said) and not said.labels


def test_a_request_is_granted_by_the_first_admin_and_past_for_the_second(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness(ADMIN_IDS=f"{ADMIN_ID},901")
    app = harness.start()
    first, second = harness.new_person(ADMIN_ID, "Админ"), harness.new_person(901, "Второй")
    out_of_turns(harness)
    person = harness.telegram.user(1)
    person.tap("🙋 Попросить ещё")
    person.wait("Передал администратору")
    request = first.wait("просит ещё токенов")
    second.wait("просит ещё токенов")
    assert "Анна" in shown(request) and "(1)" in shown(request) and "Осталось 10" in shown(request)
    usual, small = amounts(app.config)
    assert [label.replace("\xa0", " ") for label in request.labels] == [
        f"➕ {usual // 1000} 000 токенов",
        f"➕ {small // 1000} 000 токенов",
        "🚫 Отказать",
    ]
    assert "уже у администратора" in str(person.tap("🙋 Попросить ещё").wait_answer().text)
    first.tap(request.labels[1])
    assert "плюс 10 000 токенов" in shown(first.wait("✅"))
    assert "10 000 токенов" in shown(person.wait("🎁"))
    assert second.tap("🚫 Отказать").wait_answer().text == "Эта просьба уже решена"
    until(lambda: not second.last.labels)
    assert harness.db.balance() == 10_010
    assert not [message for message in person.bot_messages if "пока не дал" in message.text]
    harness.says("И пошло дальше.")
    person.send("▶️ Дальше")
    person.wait("И пошло дальше.")


def test_a_declined_user_hears_it_and_may_ask_again(harness: BotHarness) -> None:
    admin = harness.new_person(ADMIN_ID, "Админ")
    out_of_turns(harness)
    person = harness.telegram.user(1)
    for _ in range(2):
        person.tap("🙋 Попросить ещё")
        person.wait("Передал администратору")
        admin.wait("просит ещё токенов")
        admin.tap("🚫 Отказать")
        admin.wait("отказано")
        person.wait("пока не дал больше")
    assert harness.db.balance() == 10


def test_a_request_that_nobody_answers_may_be_made_again_after_three_days(harness: BotHarness) -> None:
    admin = harness.new_person(ADMIN_ID, "Админ")
    out_of_turns(harness)
    person = harness.telegram.user(1)
    person.tap("🙋 Попросить ещё")
    old = admin.wait("просит ещё токенов")
    asked_at = harness.db.value("user", "asked_more_at", id=1)
    harness.db.add("user", {"id": 1}, asked_more_at=-300000)
    until(lambda: time.time() >= asked_at + 1)
    person.tap("🙋 Попросить ещё")
    person.wait("Передал администратору")
    assert admin.tap(old.labels[0], old).wait_answer().text == "Эта просьба уже решена"
    assert harness.db.balance() == 10


def test_used_up_sessions_are_asked_for_and_count_beside_the_limit(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_SESSIONS_PER_USER=1)
    harness.start()
    admin = harness.new_person(ADMIN_ID, "Админ")
    person = harness.writer()
    for answer in ("🏠 Меню", "📖 Новая история", "Детектив", "Сыщик", "Порт", "Пропустить", "✨ Начать историю"):
        person.send(answer)
        person.wait()
    assert person.wait("начато 1 из 1", since=0).labels == ("📚 Мои истории", "🙋 Попросить ещё")
    person.tap("📚 Мои истории")
    full = person.wait("Ваши истории: 1")
    assert full.labels[0].startswith("Смотритель Маяк") and harness.db.value("user", "step", id=1) == "summary"
    person.tap("🙋 Попросить ещё")
    assert "начато 1 из 1" in shown(admin.wait("просит ещё сессий"))
    admin.tap("➕ 10 сессий")
    person.wait("разрешил вам ещё 10 сессий")
    harness.says("Начало второе.")
    person.send("✨ Начать историю")
    person.wait("Начало второе.")
    harness.db.change("user", {"id": 1}, sessions=11)
    for answer in ("🏠 Меню", "📖 Новая история", "Детектив", "Сыщик", "Порт", "Пропустить", "✨ Начать историю"):
        person.send(answer)
        person.wait()
    person.wait("начато 11 из 11", since=0)


def test_the_profile_offers_to_ask_when_little_is_left(harness: BotHarness) -> None:
    admin = harness.new_person(ADMIN_ID, "Админ")
    person = harness.new_person()
    person.press("👤 Профиль")
    assert "🙋 Попросить ещё" not in person.wait("👤 Анна").labels
    harness.db.change("user", {"id": 1}, balance=3000)
    person.press("👤 Профиль")
    assert "🙋 Попросить ещё" in person.wait("👤 Анна").labels
    person.send("/balance")
    person.wait("Осталось")
    person.tap("🙋 Попросить ещё")
    assert "Осталось 3 000" in shown(admin.wait("просит ещё токенов"))
