"""Turns that a model fails: what the user reads, pays and may do, and what the admin reads."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.model_faults import Behaviour
from tests.harness import ADMIN_ID, BotHarness
from tests.toasts import PAST

AWAY = "Не получилось обработать запрос, попробуйте позже"

FAILURES = {
    "500": Behaviour(status=500),
    "403": Behaviour(status=403),
    "400": Behaviour(status=400),
    "shape B": Behaviour(status=400, shape="B"),
    "not JSON": Behaviour(status=500, shape="text"),
    "error under 200": Behaviour(error_after=0),
    "cut": Behaviour(cut_after=0),
    "garbage": Behaviour(garbage_after=0),
    "empty alternatives": Behaviour(empty_alternatives=True),
    "empty text": Behaviour(text=" "),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_call_says_so_costs_nothing_and_can_be_repeated(harness: BotHarness, name: str) -> None:
    person = harness.writer()
    before = harness.db.balance()
    harness.models.faults.order(FAILURES[name])
    person.send("Он встал.")
    assert person.wait(AWAY).labels == ("🔁 Повторить",)
    assert harness.db.balance() == before and harness.nothing_held()
    harness.says("Стало светло.")
    person.tap("🔁 Повторить")
    person.wait("Стало светло.")
    assert harness.prompts()[-1][-1]["text"].startswith("Он встал.\n\n(Пиши сразу после")


def test_a_quota_that_does_not_free_says_that_many_are_writing(harness: BotHarness) -> None:
    person = harness.writer()
    harness.models.faults.order(*[Behaviour(status=429)] * 3)
    person.press("▶️ Дальше")
    assert person.wait("Модель перегружена").labels == ("🔁 Повторить",)


def test_a_hiccup_is_healed_without_a_word(harness: BotHarness) -> None:
    person = harness.writer()
    harness.models.faults.order(Behaviour(status=503))
    harness.says("Дошло.")
    person.press("▶️ Дальше")
    person.wait("Дошло.")
    assert not [message for message in person.bot_messages if AWAY in message.text]


def test_a_stream_cut_in_the_middle_keeps_what_came(harness: BotHarness) -> None:
    person = harness.writer()
    before = harness.db.balance()
    harness.says("Он шёл. Он бежал. Он летел.", chunks=3, cut_after=2)
    person.press("▶️ Дальше")
    person.wait("Он шёл. Он бежал.")
    assert person.wait("Не получилось дописать").labels == ("🔁 Повторить",)
    assert harness.db.balance() < before and harness.nothing_held()
    harness.says("Целая часть.")
    person.tap("🔁 Повторить")
    person.wait("Целая часть.")
    assert "Он бежал" not in str(harness.prompts()[-1])


@pytest.mark.parametrize("end", ["filter", "silent_filter"])
def test_a_refused_turn_stays_out_of_the_story_and_can_be_asked_softer(harness: BotHarness, end: str) -> None:
    person = harness.writer()
    before = harness.db.balance()
    harness.models.faults.order(Behaviour(end=end))  # type: ignore[arg-type]
    person.send("Он взял топор.")
    assert person.wait("Модель отказалась это писать").labels == ("🔁 Смягчить",)
    assert harness.db.balance() == before
    harness.says("Топор он отложил.")
    person.tap("🔁 Смягчить")
    person.wait("Топор он отложил.")
    last = harness.prompts()[-1][-1]["text"]
    assert last.startswith("Он взял топор.") and "намёком" in last
    harness.says("Дальше.")
    person.press("▶️ Дальше")
    person.wait("Дальше.")
    assert "не могу обсуждать" not in str(harness.prompts()[-1])


def test_refused_words_can_be_edited_and_tried_again(harness: BotHarness) -> None:
    person = harness.writer()
    harness.models.faults.order(Behaviour(end="filter"))
    message = person.send("Он взял топор.")
    person.wait("Модель отказалась это писать")
    harness.says("Лопата звякнула.")
    person.edit(message, "Он взял лопату.")
    person.wait("Лопата звякнула.")
    assert "топор" not in str(harness.prompts()[-1])


def test_a_hanging_model_ends_at_its_deadline(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MODEL_TIMEOUT_S=1)
    harness.start()
    person = harness.writer()
    harness.models.faults.order(Behaviour(hang=True))
    person.press("▶️ Дальше")
    person.wait(AWAY, timeout=5)
    assert harness.nothing_held()


def test_a_button_pressed_twice_or_by_somebody_else_does_nothing(harness: BotHarness) -> None:
    person = harness.writer()
    harness.models.faults.order(Behaviour(status=500))
    person.press("▶️ Дальше")
    failed = person.wait(AWAY)
    data = failed.buttons[0][0].data or ""
    harness.says("Один раз.")
    person.tap("🔁 Повторить")
    person.wait("Один раз.")
    stranger = harness.writer(2)
    asked = len(harness.prompts())
    forged = ((person, data), (stranger, data), (person, "retry:999999"), (person, "nonsense"), (person, "stop:x"))
    for who, sent in forged:
        with harness.telegram.state.lock:
            query = {
                "id": str(asked),
                "from": {"id": who.id, "is_bot": False, "first_name": "Х"},
                "message": {"message_id": failed.id, "date": 1, "chat": {"id": who.id, "type": "private"}, "text": "х"},
                "chat_instance": "1",
                "data": sent,
            }
        harness.telegram.raw_update({"callback_query": query})
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")
    assert len(harness.prompts()) == asked
    harness.telegram.api.violations.clear()  # the invented queries have no true id to answer to


def test_debug_mode_sends_the_admin_every_fault_without_keys(harness: BotHarness) -> None:
    admin = harness.new_person(ADMIN_ID, "Админ")
    person = harness.writer()
    harness.models.faults.order(Behaviour(status=500, message="boom sandbox-key"))
    person.press("▶️ Дальше")
    person.wait(AWAY)
    admin.send("/debug")
    admin.wait("Отладка включена")
    harness.restart()
    harness.models.faults.order(Behaviour(status=500, message="boom sandbox-key"))
    person.tap("🔁 Повторить")
    person.wait(AWAY)
    report = admin.wait("🐞 part").text
    assert "HTTP 500" in report and "пользователь 1" in report and "boom" in report and "sandbox-key" not in report
    assert not [message for message in person.bot_messages if "🐞" in message.text]
    admin.send("/debug")
    admin.wait("Отладка выключена")


def test_nothing_is_asked_again_in_a_deleted_story(harness: BotHarness) -> None:
    person = harness.writer()
    for _ in range(6):
        harness.models.faults.order(Behaviour(status=400))
    person.press("▶️ Дальше")
    failed = person.wait("Не получилось")
    person.send("/stories")
    shelf = person.wait("Ваши истории")
    person.tap(shelf.labels[0])
    person.wait("Начало.")
    person.tap("🗑 Удалить")
    person.wait("удалена")
    assert person.tap("🔁 Повторить", failed).wait_answer().text == PAST
