"""A dead, slow or lying outside: Telegram, the services that give credentials, the tokenizer, the disk.

How the model itself may fail stands in `test_turn_failures.py`, and every way of a single call in `test_delivery.py`.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.model_faults import Behaviour
from sandbox.models import ModelServers
from sandbox.telegram import TelegramServer
from sandbox.users import ChatUser
from tests.bot_database import Not
from tests.harness import BotHarness, until

AWAY = "Не получилось обработать запрос, попробуйте позже"
HELP = "Мы пишем историю вдвоём"
LOCKED = "хранилище не отвечает"


def count(person: ChatUser, text: str) -> int:
    """How many messages of the bot hold this text."""
    return sum(text in message.text for message in person.bot_messages)


# ---------------------------------------------------------------------- Telegram


def test_telegram_that_is_away_at_the_start_is_waited_for(models: ModelServers, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with TelegramServer() as elsewhere:
        harness = BotHarness(tmp_path, elsewhere, models, TELEGRAM_API_URL=f"http://127.0.0.1:{port}")
        app = harness.start()
        try:
            assert not app.source.begun.wait(0.3)
            with TelegramServer(port=port) as server:
                person = server.user(1)
                person.send("/start")
                person.wait("Кнопки под сообщением")
                assert server.violations == []
                harness.close()
        finally:
            harness.close()


@pytest.mark.parametrize("method", ["getUpdates", "sendMessage"])
@pytest.mark.parametrize("fault", ["502", "502 after", "not JSON", "dropped", "slow", "500", "429"])
def test_whatever_telegram_answers_nothing_is_lost(harness: BotHarness, method: str, fault: str) -> None:
    person, other = harness.new_person(1), harness.new_person(2)
    faults = harness.telegram.faults
    if fault == "502":
        faults.bad_gateway(method, times=2)
    elif fault == "502 after":
        faults.bad_gateway(method, after=True)
    elif fault == "not JSON":
        faults.not_json(method)
    elif fault == "dropped":
        faults.drop(method)
    elif fault == "slow":
        faults.hang(method, 0.3, times=3)
    else:
        faults.refuse(method, int(fault), retry_after=1 if fault == "429" else None)
    person.send("/help")
    other.send("/help")
    for each in (person, other):
        each.wait(HELP)
    until(harness.settled)
    twice = fault == "502 after" and method == "sendMessage"
    assert count(person, HELP) + count(other, HELP) == 2 + twice


def test_a_message_whose_receipt_is_lost_is_shown_twice_at_most_and_order_holds(harness: BotHarness) -> None:
    person = harness.writer()
    harness.telegram.faults.drop("sendMessage", after=True)
    for number in (1, 2, 3):
        harness.says(f"Часть {number}.")
        person.send(f"Слова {number}.")
    person.wait("Часть 3.")
    until(harness.settled)
    parts = [message.text for message in person.bot_messages if message.text.startswith("Часть")]
    assert sorted(set(parts)) == list(dict.fromkeys(parts)) == ["Часть 1.", "Часть 2.", "Часть 3."]
    assert len(parts) <= 4
    harness.check_books()


def test_a_chat_told_to_wait_delays_nobody_else(harness: BotHarness) -> None:
    person, other = harness.new_person(1), harness.new_person(2)
    harness.telegram.faults.refuse("sendMessage", 429, retry_after=2, chat_id=1)
    person.send("/help")
    until(lambda: any(call.status == 429 for call in harness.telegram.called("sendMessage")))
    other.send("/help")
    other.wait(HELP)
    assert count(person, HELP) == 0
    person.wait(HELP)
    assert count(person, HELP) == 1


def test_a_second_copy_is_named_in_the_log_and_waited_for(
    make_harness: Callable[..., BotHarness], caplog: pytest.LogCaptureFixture
) -> None:
    harness = make_harness()
    conflict = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    harness.telegram.faults.refuse("getUpdates", 409, conflict)
    harness.start()
    until(lambda: "another copy of this bot is polling" in caplog.text)
    person = harness.telegram.user(1)
    person.send("/start")
    person.wait("Кнопки под сообщением")


def test_two_copies_on_two_machines_are_told_of_each_other_by_telegram(
    make_harness: Callable[..., BotHarness], caplog: pytest.LogCaptureFixture
) -> None:
    """Each on a database of its own, as after a restore on a second machine while the first still runs."""
    here = make_harness()
    here.start()
    person = here.new_person()
    there = make_harness(DATABASE_PATH=here.folder / "second.db", LOG_FILE=here.folder / "second.txt")
    second = there.process()
    until(lambda: "another copy of this bot is polling" in caplog.text, 30)
    assert "Conflict: terminated by other getUpdates request" in caplog.text
    here.stop()
    person.send("/help")
    person.wait(HELP)
    assert count(person, HELP) == 1
    here.kill(second)


def test_markup_that_telegram_cannot_read_arrives_as_plain_text(harness: BotHarness) -> None:
    person = harness.new_person()
    harness.telegram.faults.refuse("sendMessage", 400, "Bad Request: can't parse entities: unclosed tag at byte 7")
    person.send("/help")
    assert "<b>" not in person.wait(HELP).text


def test_answers_to_somebody_who_blocked_the_bot_end_and_coming_back_works(harness: BotHarness) -> None:
    person, other = harness.writer(1), harness.new_person(2)
    harness.says("Никто этого не увидит.", first_chunk_s=0.3)
    person.press("▶️ Дальше")
    until(lambda: len(harness.prompts()) == 2)
    person.block()
    until(harness.settled)
    assert count(person, "Никто этого не увидит.") == 0
    harness.check_books()
    other.send("/help")
    other.wait(HELP)
    person.unblock()
    person.send("/whole_story")
    person.wait("Никто этого не увидит.")


# ---------------------------------------------------------------------- credentials and counting


def test_credentials_that_cannot_be_had_are_a_sentence_and_it_recovers(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(YANDEX_API_KEY="")
    harness.models.faults.rule = lambda received: Behaviour(status=503) if received.kind == "metadata" else None
    harness.start()
    person = harness.at_summary()
    person.press("✨ Начать историю")
    assert person.wait(AWAY).labels == ("🔁 Повторить",)
    until(harness.settled)
    harness.check_books()
    assert harness.db.total("call", "charged") == 0
    harness.models.faults.rule = None
    harness.says("Всё-таки начало.")
    person.tap("🔁 Повторить")
    person.wait("Всё-таки начало.")


def test_a_token_that_ended_is_renewed_once_without_a_word(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(YANDEX_API_KEY="")
    harness.start()
    person = harness.writer()
    assert len(harness.models.of("metadata")) == 1
    harness.models.revoke_tokens()
    harness.models.faults.default = Behaviour(text="Дальше по новому ключу.")
    person.press("▶️ Дальше")
    person.wait("Дальше по новому ключу.")
    assert len(harness.models.of("metadata")) == 2
    assert count(person, AWAY) == 0
    until(harness.settled)
    harness.check_books()


def test_a_tokenizer_that_is_away_near_the_limit_stops_nothing(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_ANSWER=300, MAX_TOKENS_PER_REQUEST=1400)  # so few have a prompt of their own
    harness.start()
    harness.writer(1)
    held = harness.db.value("call", "reserved")
    harness.stop()
    harness.settings["MAX_TOKENS_PER_REQUEST"] = str((held - 300) * 11 // 10)
    harness.models.faults.rule = lambda received: Behaviour(drop=True) if received.kind == "tokenizer" else None
    harness.start()
    person = harness.at_summary(2)
    harness.says("Начало второе.")
    person.press("✨ Начать историю")
    person.wait("Начало второе.")
    assert harness.models.of("tokenizer")


# ---------------------------------------------------------------------- the disk


def test_what_comes_while_the_database_is_locked_is_answered_afterwards(harness: BotHarness) -> None:
    person, writer = harness.new_person(1), harness.writer(2)
    harness.says("Написано под замком.", first_chunk_s=0.3)
    writer.press("▶️ Дальше")
    until(lambda: len(harness.prompts()) == 2)
    with harness.locked():
        person.send("/help")
        person.wait(LOCKED)
        writer.wait(LOCKED)
        assert count(person, HELP) == 0
    person.wait(HELP)
    writer.wait("Написано под замком.", since=0)
    until(harness.settled)
    assert (count(person, LOCKED), count(writer, LOCKED)) == (1, 1)
    assert (count(person, HELP), count(writer, "Написано под замком.")) == (1, 1)
    assert len(harness.prompts()) == 2
    harness.check_books()


def test_a_turn_that_meets_a_locked_database_before_its_call_is_asked_when_the_lock_goes(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness(MODEL_SLOTS=1)
    harness.start()
    first, second = harness.at_summary(1), harness.at_summary(2)
    held = harness.holds("Начало первое.", "Начало второе.")
    first.press("✨ Начать историю")
    until(lambda: len(harness.prompts()) == 1)
    second.press("✨ Начать историю")
    second.wait("Вы в очереди")
    with harness.locked():
        held.set()
        first.wait(LOCKED, timeout=15)
    first.wait("Начало первое.", since=0)
    second.wait("Начало второе.", since=0)
    assert not [message for message in second.bot_messages if "🔁 Повторить" in message.labels]
    until(harness.settled)
    harness.check_books()


def test_on_a_full_disk_everybody_is_told_once_and_answered_when_there_is_space(harness: BotHarness) -> None:
    person = harness.writer()
    long = "Долгие слова о море. " * 190
    with harness.full_disk():
        person.send(long)
        person.wait(LOCKED)
        person.state.clock = lambda: time.time() + 60  # later, as asked: no piece of the first message
        person.send(long)
        until(lambda: len(harness.telegram.called("getUpdates")) > 0)
        assert not harness.db.count("inbox", state=Not("done"))
        harness.models.faults.default = Behaviour(text="Место нашлось.")
    person.until(lambda: count(person, "Место нашлось.") == 2)
    assert count(person, LOCKED) == 1
    until(harness.settled)
    harness.check_books()
