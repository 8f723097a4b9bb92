"""«🎨 Рисую…», «🔊 Читаю…», «✍️ Пишу эпилог…», «Я ещё пишу»: gone when what they speak of is over, however it ends."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import pytest

from sandbox.model_faults import Behaviour, Received
from sandbox.users import ChatUser
from tests.harness import BotHarness, until
from tests.kinds_of_turn import KINDS, answers

NOTICES = {"picture": "Рисую", "image": "Рисую", "reading": "Читаю вслух", "epilogue": "Пишу эпилог"}
BUSY = "Ваши слова подождут"


def shown(person: ChatUser, text: str) -> list[str]:
    return [message.text for message in person.shown if message.from_bot and text in message.text]


def begun(harness: BotHarness, name: str, behaviour: Behaviour) -> ChatUser:
    """Somebody who sees the notice of a turn of this kind, whose requests then meet `behaviour`."""
    harness.models.faults.rule = answers
    person = KINDS[name].somebody(harness, 1)
    until(harness.settled)
    seen = Event()

    def rule(received: Received) -> Behaviour | None:
        if not KINDS[name].is_asked_by(received):
            return answers(received)
        seen.wait(10)
        return behaviour

    harness.models.faults.rule = rule
    KINDS[name].start(person)
    person.wait(NOTICES[name])
    seen.set()
    return person


@pytest.mark.parametrize("name", NOTICES)
def test_a_notice_goes_when_the_answer_comes(harness: BotHarness, name: str) -> None:
    text = Behaviour(text="Стало светло.") if KINDS[name].service == "completion" else Behaviour()
    person = begun(harness, name, text)
    person.wait(KINDS[name].shown)
    until(harness.settled)
    until(lambda: not shown(person, NOTICES[name]))


@pytest.mark.parametrize("name", NOTICES)
def test_a_notice_goes_when_the_turn_fails(harness: BotHarness, name: str) -> None:
    person = begun(harness, name, Behaviour(status=500))
    person.wait(KINDS[name].away)
    until(harness.settled)
    assert not shown(person, NOTICES[name])


@pytest.mark.parametrize("name", NOTICES)
def test_a_notice_goes_when_the_turn_is_stopped(harness: BotHarness, name: str) -> None:
    person = begun(harness, name, Behaviour(hang=True))
    person.send("стоп")
    person.wait(KINDS[name].stopped)
    until(harness.settled)
    assert not shown(person, NOTICES[name])


@pytest.mark.parametrize("name", NOTICES)
def test_a_notice_of_an_earlier_run_goes_too(harness: BotHarness, name: str) -> None:
    person = begun(harness, name, Behaviour(hang=True))
    until(lambda: harness.db.count("notice"))
    harness.stop(0.0)
    harness.models.faults.rule = answers
    harness.start()
    person.wait(KINDS[name].shown, timeout=20)
    until(harness.settled)
    assert not shown(person, NOTICES[name])


def test_a_notice_that_telegram_takes_late_goes_as_well(harness: BotHarness) -> None:
    harness.models.faults.rule = answers
    person = KINDS["image"].somebody(harness, 1)
    person.send("/image кот на маяке")
    person.wait("Нарисую")
    harness.telegram.faults.drop("editMessageReplyMarkup")  # it goes first, and delays the notice by half a second
    person.tap("🎨 Нарисовать")
    person.wait(KINDS["image"].shown)
    until(harness.settled)
    assert not shown(person, "Рисую")
    assert [message for message in person.messages if message.deleted and "Рисую" in message.text]


# ── words that wait ──


def waiting(harness: BotHarness, *words: str) -> tuple[ChatUser, Callable[[], None]]:
    """Somebody whose words wait for a part, and what lets that part come."""
    person = harness.writer()
    held = harness.holds("Часть 1.", *(f"Часть {number}." for number in range(2, 2 + len(words))))
    person.press("▶️ Дальше")
    until(lambda: len(harness.prompts()) == 2)
    for said in words:
        person.send(said)
        person.wait(BUSY)
    return person, held.set


def test_words_that_are_taken_take_their_notice_along(harness: BotHarness) -> None:
    person, release = waiting(harness, "Раз.", "Два.")
    until(lambda: len(shown(person, BUSY)) == 2)
    release()
    person.wait("Часть 3.")
    until(harness.settled)
    assert not shown(person, BUSY)


def test_words_that_are_taken_back_say_so_and_stay(harness: BotHarness) -> None:
    person, release = waiting(harness, "Раз.")
    person.tap("✖️ Не надо")
    person.wait("этих слов в истории не будет")
    release()
    person.wait("Часть 1.")
    until(harness.settled)
    assert shown(person, "этих слов в истории не будет")


def test_the_stop_under_waiting_words_stops_whatever_runs_then(harness: BotHarness) -> None:
    person = harness.writer()
    first = harness.holds("Часть 1.")
    person.press("▶️ Дальше")
    until(lambda: len(harness.prompts()) == 2)
    for said in ("Раз.", "Два."):
        person.send(said)
        person.wait(BUSY)
    last = person.last
    second = harness.holds("Часть 2.", "Часть 3.")
    first.set()
    until(lambda: len(harness.prompts()) == 3)
    assert person.tap("⏹ Стоп", last).wait_answer().text == "Останавливаюсь"
    person.wait("Остановил", since=0)
    second.set()
    until(harness.settled)
    assert not shown(person, BUSY)


def test_waiting_words_of_an_earlier_run_take_their_notice_along(harness: BotHarness) -> None:
    person, release = waiting(harness, "Раз.")
    until(lambda: harness.db.count("notice"))
    harness.stop(0.0)
    release()
    harness.models.faults.rule = answers
    harness.start()
    until(harness.settled, 20)
    assert not shown(person, BUSY)


@pytest.mark.parametrize(
    ("name", "action"),
    [("picture", "upload_photo"), ("image", "upload_photo"), ("reading", "record_voice"), ("epilogue", "typing")],
)
def test_the_chat_shows_what_the_bot_is_at(harness: BotHarness, name: str, action: str) -> None:
    harness.models.faults.rule = answers
    person = KINDS[name].somebody(harness, 1)
    until(harness.settled)
    held, before = Event(), len(harness.telegram.called("sendChatAction"))
    harness.models.faults.rule = lambda received: answers(received) if held.wait(10) else None
    KINDS[name].start(person)
    until(lambda: len(harness.telegram.called("sendChatAction")) > before)
    assert harness.telegram.called("sendChatAction")[-1].params["action"] == action
    held.set()
    until(harness.settled)


# ── the menu of «⚙️ Ещё» ──


@pytest.mark.parametrize("restarted", [False, True])
def test_the_menu_pressed_again_is_one_menu_which_works(harness: BotHarness, restarted: bool) -> None:
    person = harness.writer()
    person.press("⚙️ Ещё")
    person.press("⚙️ Ещё")
    until(harness.settled)
    if restarted:
        harness.restart()
    person.press("⚙️ Ещё")
    until(lambda: harness.settled() and len(shown(person, "что сделать?")) == 1)
    menus = [one for one in person.messages if "что сделать?" in one.text]
    assert [menu.deleted for menu in menus] == [True, True, False]
    person.tap("🎭 Тон и стиль", menus[-1])
    person.wait("Каким тоном")
    person.send("✖️ Отмена")
    person.wait("часть 1")
    harness.says("Стало светло.")
    person.press("▶️ Дальше")
    person.wait("Стало светло.")
    until(harness.settled)
    assert shown(person, "что сделать?")  # it goes with the next one only
    assert harness.db.count("notice") == 1
