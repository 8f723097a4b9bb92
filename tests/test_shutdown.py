"""Told to stop, the bot ends in good order: nothing new is taken, what runs may end, what can't is left for later."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from sandbox.model_faults import Behaviour
from tests.test_crashes import check_books
from tests.world import BotHarness, until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_running_turn_is_answered_and_nothing_new_is_taken(
    make_world: Callable[..., BotHarness], number: signal.Signals
) -> None:
    world = make_world()
    process = world.process()
    person = world.writer()
    late = world.new_person(2)
    world.says("Последнее слово.", first_chunk_s=1.5)
    person.press("▶️ Дальше")
    until(lambda: len(world.prompts()) == 2)
    process.send_signal(number)
    process.send_signal(number)  # an impatient administrator does no harm
    time.sleep(0.5)
    late.send("/help")
    assert process.wait(25) == 0
    assert person.wait("Последнее слово.")
    assert world.settled()
    check_books(world)
    assert not [message for message in late.bot_messages if "вдвоём" in message.text]
    world.process()
    late.wait("Мы пишем историю вдвоём")


def test_a_turn_that_hangs_is_left_and_answered_in_the_next_life(world: BotHarness) -> None:
    person = world.writer()
    world.models.faults.order(Behaviour(hang=True))
    person.press("▶️ Дальше")
    until(lambda: len(world.prompts()) == 2)
    person.send("Слова, что ждут.")
    person.wait("Я ещё пишу")
    world.says("Поздний ответ.")
    world.says("И ещё один.")
    world.stop(0.2)
    assert world.value("select count(*) from turn where state = 'running'") == 1
    world.start()
    person.wait("И ещё один.")
    until(world.settled)
    texts = [message.text for message in person.bot_messages]
    assert texts.count("Поздний ответ.") == 1 and texts.index("Поздний ответ.") < texts.index("И ещё один.")
    assert not [text for text in texts if "Не получилось" in text or "сломалось" in text]
    check_books(world)


def test_told_to_stop_while_the_database_is_locked_the_process_still_ends(
    make_world: Callable[..., BotHarness],
) -> None:
    world = make_world()
    process = world.process()
    person = world.new_person()
    with world.locked():
        person.send("/help")
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(25) == 0
    world.process()
    person.wait("Мы пишем историю вдвоём", since=0)
