"""Nobody waits for anybody: first come first served by turns, not by messages, and what needs no model is at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from tests.harness import BotHarness, until


def test_ten_messages_of_one_user_do_not_delay_the_first_of_another(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MODEL_SLOTS=1)
    harness.start()
    eager, calm = harness.writer(1), harness.at_summary(2)
    before = len(harness.prompts())
    harness.models.faults.default = Behaviour(text="Вот так.", first_chunk_s=0.3)
    for number in range(1, 11):
        eager.send(f"Слова {number}.")
    until(lambda: len(harness.prompts()) == before + 1)
    calm.press("✨ Начать историю")
    calm.wait("Вот так.")
    # The one that was being written, and nothing else, went before.
    asked = ["Слова" in prompt[-1]["text"] for prompt in harness.prompts()[before:]]
    assert asked[:2] == [True, False]


def test_what_needs_no_model_is_answered_while_every_slot_is_busy(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MODEL_SLOTS=2)
    harness.start()
    writers = [harness.at_summary(number) for number in (1, 2, 3)]
    harness.models.faults.default = Behaviour(hang=True)
    for writer in writers:
        writer.press("✨ Начать историю")
    until(lambda: len(harness.prompts()) == 2)
    for writer in writers:
        writer.send("/help")
        writer.wait("Мы пишем историю вдвоём")
    newcomer = harness.at_summary(4)
    newcomer.press("✏️ Изменить")
    newcomer.wait("Что поменять?")
    newcomer.send("/cancel")
    newcomer.wait("Черновик сохранён")
    assert len(harness.prompts()) == 2  # all that while the two still hang
    writers[0].send("/cancel")
    writers[0].wait("Остановил")
    until(lambda: len(harness.prompts()) == 3)


def test_a_stop_overtakes_the_words_that_wait(harness: BotHarness) -> None:
    person = harness.writer()
    harness.models.faults.order(Behaviour(hang=True))
    person.press("▶️ Дальше")
    until(lambda: len(harness.prompts()) == 2)
    for number in (1, 2, 3):
        harness.says(f"Ответ {number}.")
        person.send(f"Слова {number}.")
    person.send("стоп")
    person.wait("Остановил")
    person.wait("Ответ 3.")
    texts = [message.text for message in person.bot_messages]
    stopped = next(place for place, text in enumerate(texts) if "Остановил" in text)
    assert [stopped, *(texts.index(f"Ответ {number}.") for number in (1, 2, 3))] == sorted(
        [stopped, *(texts.index(f"Ответ {number}.") for number in (1, 2, 3))]
    )
    assert [prompt[-1]["text"][:8] for prompt in harness.prompts()[2:]] == ["Слова 1.", "Слова 2.", "Слова 3."]


def test_places_move_up_when_somebody_before_leaves(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MODEL_SLOTS=1)
    harness.start()
    first, second, third = (harness.at_summary(number) for number in (1, 2, 3))
    harness.models.faults.order(Behaviour(hang=True))
    first.press("✨ Начать историю")
    until(lambda: len(harness.prompts()) == 1)
    second.press("✨ Начать историю")
    second.wait("Вы в очереди: место 1")
    third.press("✨ Начать историю")
    shown = third.wait("Вы в очереди: место 2")
    second.tap("⏹ Стоп")
    second.until(lambda: not [message for message in second.shown if "в очереди" in message.text])
    assert third.wait("Вы в очереди: место 1").id == shown.id
    harness.says("Начало третье.")
    first.send("стоп")
    third.wait("Начало третье.")
    third.until(lambda: not [message for message in third.shown if "в очереди" in message.text])


def test_words_that_come_as_turns_end_stay_in_order(make_harness: Callable[..., BotHarness]) -> None:
    """Each message may meet the end of the turn before it at any moment of its own way in."""
    harness = make_harness(USER_TOKENS=10**9, MAX_TOKENS_PER_SESSION=10**9, MAX_PROJECT_TOKENS=10**9)
    harness.start()
    people = [harness.writer(number) for number in range(1, 9)]
    harness.models.faults.default = Behaviour(text="Так.", chunks=1)
    for number in range(1, 25):
        for person in people:
            person.send(f"Слова {number} от {person.id}.")
            count = number
            if number % 4 == 0:
                until(lambda person=person, count=count: _answers(person) == count)  # type: ignore[misc]
    for person in people:
        asked = [prompt[-1]["text"] for prompt in harness.prompts() if f"от {person.id}." in prompt[-1]["text"]]
        assert [int(text.split()[1]) for text in asked] == list(range(1, 25))


def _answers(person: ChatUser) -> int:
    return sum(message.text == "Так." for message in person.bot_messages)


def test_nothing_overtakes_an_answer_that_the_disk_is_slow_to_take(harness: BotHarness) -> None:
    assert harness.app is not None
    person = harness.writer()
    waits = threading.Event()
    sync = harness.app.db._connection._sync

    def slow_disk(file: int) -> None:
        sync(file)
        if threading.current_thread().name.startswith("turn-"):
            waits.wait(5)

    harness.app.db._connection._sync = slow_disk
    harness.says("Вторая часть.")
    person.press("▶️ Дальше")
    until(lambda: harness.db.count("turn", state="answered") == 2)
    threading.Timer(0.3, waits.set).start()
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")
    texts = [message.text for message in person.bot_messages]
    assert texts.index("Вторая часть.") < next(place for place, text in enumerate(texts) if "Мы пишем историю" in text)


def test_a_message_is_answered_while_a_slow_disk_takes_it_and_acknowledged_after_that(harness: BotHarness) -> None:
    assert harness.app is not None
    person = harness.new_person()
    syncing, goes_on = threading.Event(), threading.Event()
    in_time: list[bool] = []
    sync = harness.app.db._connection._sync

    def slow_disk(file: int) -> None:
        if threading.current_thread().name == "polling":
            syncing.set()
            in_time.append(goes_on.wait(5))
        sync(file)

    harness.app.db._connection._sync = slow_disk
    person.send("/help")
    assert syncing.wait(5)
    person.wait("Мы пишем историю вдвоём")
    assert harness.telegram.state.updates
    goes_on.set()
    until(lambda: not harness.telegram.state.updates)
    assert in_time[0]
