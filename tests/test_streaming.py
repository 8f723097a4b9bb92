"""`STREAMING`: answers shown by drafts, by edits of a message, or only when they are whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.telegram_state import ChatMessage
from sandbox.users import ChatUser
from tests.growing import STOP, delete, each_mode, growing_message, stop_growing, wait_growing
from tests.harness import BotHarness, until
from tests.test_groups import BOT, club
from tests.toasts import STRANGER

BEGUN = "Он шёл по берегу. Он бежал. Он летел над самой водой, не касаясь её. "
WHOLE = BEGUN + "Он летел и летел, и под ним было одно только море, и прилетел."
SLOW: dict[str, Any] = {"chunks": 2, "chunk_s": 0.7}  # the first half of an answer is shown for a while
Started = Callable[[str], BotHarness]


@pytest.fixture
def started(make_harness: Callable[..., BotHarness]) -> Started:
    """Start a bot in a mode."""

    def start(mode: str) -> BotHarness:
        harness = make_harness(STREAMING=mode)
        harness.start()
        return harness

    return start


def held(harness: BotHarness, text: str = WHOLE, **behaviour: Any) -> None:
    """Order an answer that stops growing before its end."""
    harness.says(text, **({"chunks": 2, "hang_after": 1} | behaviour))


def chatting(harness: BotHarness, user_id: int = 1) -> ChatUser:
    person = harness.new_person(user_id)
    person.press("💬 Чат")
    person.wait("💬 Чат")
    return person


def showing(person: ChatUser, text: str) -> list[ChatMessage]:
    return [message for message in person.bot_messages if text in message.text]


# ── every mode ──


@each_mode
def test_an_answer_is_one_message_and_grows_as_the_mode_says(started: Started, mode: str) -> None:
    harness = started(mode)
    person = harness.at_summary()
    harness.says(WHOLE, **SLOW)
    person.press("✨ Начать историю")
    grown = growing_message(person, "Он шёл") if mode == "edit" else None
    if mode == "draft":
        assert person.wait_draft("Он шёл").can_stop
    whole = person.wait("и прилетел.")
    until(harness.settled)
    assert whole.text == WHOLE and not whole.labels and person.draft is None
    assert len(showing(person, "Он шёл")) == 1
    if grown is not None:
        assert grown.id == whole.id
    else:
        assert not whole.edited
    assert bool(harness.telegram.called("sendMessageDraft")) == (mode == "draft")
    assert not harness.db.count("growing")


@pytest.mark.parametrize(("mode", "way"), [("edit", "⏹"), ("edit", "стоп"), ("off", "стоп")])
def test_a_stop_keeps_the_text_so_far_in_one_message(started: Started, mode: str, way: str) -> None:
    harness = started(mode)
    person = harness.writer()
    held(harness)
    person.press("▶️ Дальше")
    if mode == "off":
        until(lambda: len(harness.prompts()) == 2)
    else:
        wait_growing(person, "самой водой", mode)
    if way == "⏹":
        stop_growing(person, mode)
    else:
        person.send(way)
    person.wait("⏹ Остановил", timeout=5)
    until(harness.settled)
    [kept] = showing(person, "Он шёл")
    assert kept.text.startswith(BEGUN.partition(". ")[0]) and not kept.labels and person.draft is None
    harness.says("И вернулся.")
    person.send("Потом он устал.")
    person.wait("И вернулся.")
    until(harness.settled)
    harness.check_books()


# ── edits ──


def test_a_late_press_of_the_stop_button_does_not_hit_the_next_turn(started: Started) -> None:
    harness = started("edit")
    person = harness.writer()
    harness.says(WHOLE, **SLOW)
    person.press("▶️ Дальше")
    old = growing_message(person, "Он шёл").buttons[0][0].data
    person.wait("и прилетел.")
    held(harness, "Другое. " * 20)
    person.press("▶️ Дальше")
    new = growing_message(person, "Другое.")
    update = {"data": old, "id": "1", "chat_instance": "1", "from": {"id": 1, "is_bot": False, "first_name": "Анна"}}
    chat = {"id": 1, "type": "private", "first_name": "Анна"}
    update["message"] = {"message_id": new.id, "date": 1, "chat": chat, "text": "-"}
    harness.telegram.raw_update({"callback_query": update})
    until(lambda: not harness.db.open_updates() or harness.db.count("inbox", state="done"))
    assert harness.db.open_turns()
    assert person.tap(STOP, new).wait_answer().text == "Останавливаюсь"
    person.wait("⏹ Остановил")
    harness.telegram.api.violations.clear()  # the invented query has no id to answer to


def test_an_answer_of_which_nothing_is_kept_is_taken_away(started: Started) -> None:
    harness = started("edit")
    person = harness.writer()
    harness.says("Он шёл по берегу, " * 12, chunks=3, chunk_s=0.7, cut_after=2)  # no whole sentence
    person.press("▶️ Дальше")
    half = growing_message(person, "Он шёл")
    told = person.wait(lambda message: "🔁 Повторить" in message.labels)
    until(harness.settled)
    assert told.id != half.id and not showing(person, "Он шёл") and not harness.db.count("growing")


def test_an_answer_broken_off_stays_in_its_message_and_another_try_replaces_it(started: Started) -> None:
    harness = started("edit")
    person = chatting(harness)
    harness.says(WHOLE * 2, chunks=3, chunk_s=0.7, cut_after=2)
    person.send("Кто там?")
    half = growing_message(person, "Он шёл")
    told = person.wait(lambda message: "🔁 Повторить" in message.labels)
    until(harness.settled)
    assert [message.id for message in showing(person, "Он шёл")] == [half.id]
    harness.says(WHOLE)
    person.tap("🔁 Повторить", told)
    whole = person.wait("и прилетел.")
    until(harness.settled)
    assert [message.id for message in showing(person, "Он шёл")] == [whole.id]


def test_a_variant_grows_and_gets_its_buttons(started: Started) -> None:
    harness = started("edit")
    person = harness.writer()
    harness.says(WHOLE, **SLOW)
    person.press("🔄 Другой вариант")
    grown = growing_message(person, "Он шёл")
    whole = person.wait("и прилетел.")
    until(harness.settled)
    assert whole.id == grown.id and whole.labels == ("◀", "2/2", "▶")
    assert not showing(person, "Начало.")
    person.tap("◀", whole)
    assert person.wait("Начало.").id == whole.id


def test_an_answer_whose_message_the_user_deletes_comes_anew(started: Started) -> None:
    harness = started("edit")
    person = harness.writer()
    harness.says(WHOLE, **SLOW)
    person.press("▶️ Дальше")
    delete(person, growing_message(person, "Он шёл"))
    whole = person.wait("и прилетел.")
    until(harness.settled)
    assert whole.text == WHOLE and len(showing(person, "Он шёл")) == 1
    assert harness.db.count("sent", message_id=whole.id) == 1


def test_a_long_answer_goes_on_in_further_messages(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(STREAMING="edit", MAX_TOKENS_PER_ANSWER=2800)
    harness.start()
    person = chatting(harness)
    text = "\n\n".join(f"**Пункт {number}.** " + "слово " * 100 for number in range(12))
    harness.says(text, **SLOW)
    person.send("Подробно.")
    grown = growing_message(person, "Пункт 3.", timeout=15)
    person.wait("Пункт 11.", timeout=15)
    until(harness.settled)
    shown = showing(person, "Пункт")
    assert len(shown) == 2 and shown[0].id == grown.id and shown[0].text.startswith("Пункт 0.")
    assert all(STOP not in message.labels for message in shown)


def test_a_growing_answer_of_the_chat_has_its_formatting(started: Started) -> None:
    harness = started("edit")
    person = chatting(harness)
    text = "**Раз** и два, и ещё много слов до шестидесяти знаков, чтобы хватило. **Три не закрыто** и конец."
    held(harness, text, chunks=3, hang_after=2)
    person.send("Считай.")
    grown = growing_message(person, "Раз")
    assert "*" not in grown.text and grown.entities[0]["type"] == "bold"
    stop_growing(person, "edit")
    person.wait("⏹ Остановил")


def test_an_answer_after_which_somebody_else_talks_is_sent_below_its_line(started: Started) -> None:
    harness = started("edit")
    person = harness.new_person()
    person.press("🎭 Персонажи")
    person.wait("С кем поговорим")
    person.tap("Кот-писарь Пантелей")
    person.wait("🎭 Отвечает")
    held(harness)
    person.send("Расскажи")
    grown = growing_message(person, "самой водой")
    person.press("🏠 Меню")
    person.wait("в меню")
    person.tap(STOP, grown)
    person.wait("⏹ Остановил")
    until(harness.settled)
    [kept] = showing(person, "Он шёл")
    line = next(message for message in person.bot_messages if "Пантелей" in message.text and message.id > grown.id)
    assert grown.id < line.id < kept.id


def test_forgetting_the_user_takes_the_half_answer_away(started: Started) -> None:
    harness = started("edit")
    person = harness.writer()
    held(harness)
    person.press("▶️ Дальше")
    growing_message(person, "самой водой")
    until(lambda: harness.db.count("growing"))
    person.send("/forget_me")
    person.tap("🗑 Удалить всё", person.wait("Удалить всё навсегда?"))
    person.wait("больше не помню")
    person.until(lambda: not showing(person, "самой водой"))
    assert not harness.db.count("growing")


def test_an_answer_stored_before_a_kill_still_takes_its_place(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(STREAMING="edit")
    process = harness.process()
    person = harness.writer()
    harness.says(WHOLE, **SLOW)
    person.press("▶️ Дальше")
    grown = growing_message(person, "Он шёл")
    harness.telegram.faults.refuse("editMessageText", 500, times=100)
    until(lambda: harness.db.count("outbox"))
    harness.kill(process)
    harness.telegram.faults.clear()
    harness.process()
    whole = person.wait("и прилетел.", timeout=20)
    until(harness.settled)
    assert whole.id == grown.id and [message.text for message in showing(person, "Он шёл")] == [WHOLE]
    assert not harness.db.count("growing")


# ── groups ──


@each_mode
def test_in_a_group_the_answer_takes_the_place_of_its_notice(started: Started, mode: str) -> None:
    harness = started(mode)
    _, (anna, boris) = club(harness, 1, 2)
    harness.says(WHOLE, chunks=2, chunk_s=1.3)
    sent = anna.send(f"{BOT} вопрос")
    notice = growing_message(anna, "✍️ Отвечаю…" if mode == "off" else "Он шёл")
    assert notice.reply_to == sent and "✍️ Отвечаю…" in notice.text
    assert boris.tap(STOP, notice).wait_answer().text == STRANGER
    whole = anna.wait("и прилетел.", since=0)
    until(harness.settled)
    assert whole.id == notice.id and whole.text == WHOLE and not whole.labels
    assert ("Он шёл" in notice.text) == (mode != "off")
    assert not harness.telegram.called("sendMessageDraft")
    assert anna.bot_messages[-1].id == whole.id and not harness.db.count("growing")


def test_in_a_group_a_failure_takes_the_notice_away(started: Started) -> None:
    harness = started("draft")
    _, (anna,) = club(harness, 1)
    harness.says("", first_chunk_s=1.2)
    anna.send(f"{BOT} вопрос")
    notice = growing_message(anna, "✍️ Отвечаю…")
    anna.wait("Не получилось обработать запрос")
    until(harness.settled)
    assert notice.id not in [message.id for message in anna.shown]
