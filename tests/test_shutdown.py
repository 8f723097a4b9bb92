"""Told to stop, the bot ends in good order: nothing new is taken, what runs may end, what can't is left for later."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from tests.harness import BotHarness, until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_running_turn_is_answered_and_nothing_new_is_taken(
    make_harness: Callable[..., BotHarness], number: signal.Signals
) -> None:
    harness = make_harness()
    process = harness.process()
    person = harness.writer()
    late = harness.new_person(2)
    harness.says("Последнее слово.", first_chunk_s=1.5)
    person.press("▶️ Дальше")
    until(lambda: len(harness.prompts()) == 2)
    process.send_signal(number)
    process.send_signal(number)  # an impatient administrator does no harm
    time.sleep(0.5)
    late.send("/help")
    assert process.wait(25) == 0
    assert person.wait("Последнее слово.")
    assert harness.db.is_settled()
    harness.check_books()
    assert not [message for message in late.bot_messages if "Мы пишем историю" in message.text]
    harness.process()
    late.wait("Мы пишем историю вдвоём")


def test_told_to_stop_while_the_database_is_locked_the_process_still_ends(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness()
    process = harness.process()
    person = harness.new_person()
    with harness.locked():
        person.send("/help")
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(25) == 0
    harness.process()
    person.wait("Мы пишем историю вдвоём", since=0)
