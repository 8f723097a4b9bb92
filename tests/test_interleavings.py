"""Whichever of the bot's threads goes next, each chat is answered once and in order, a stop holds, and the books agree.

The whole bot runs under the scheduler of the tests: update workers, turn workers, senders and polling. Hypothesis
chooses what the users do and how far the threads get between that; a seed decides who goes next. `make test` plays some
schedules, `make chaos` 10,000. A failure prints its seed and its steps; put them into `KEPT` as a test.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.interleaved_bot import InterleavedBot
from tests.scheduler import Deadlock, Scheduler

SCHEDULES = int(os.environ.get("CHAOS_SCHEDULES", "60"))
PARTS = int(os.environ.get("CHAOS_PARTS", "1"))
STEPS = 12
Steps: TypeAlias = tuple[tuple[str, int, int], ...]  # what is done, by which user, and how many choices follow

# Seeds with their steps: those that once failed, and some in which a stop meets the end of its turn.
KEPT: dict[str, tuple[int, Steps]] = {
    "a stop as the turn starts": (0, (("write", 0, 40), ("stop", 0, 0), ("write", 0, 5), ("stop", 0, 50))),
    "two chats and one place": (3, (("write", 0, 3), ("write", 1, 3), ("write", 0, 30), ("ask_help", 0, 9))),
    "words behind a turn that is stopped": (7, (("write", 0, 90), ("write", 0, 20), ("stop", 0, 3), ("write", 0, 0))),
}


class Interleavings(RuleBasedStateMachine):
    """Two users act; between that the threads get as far as hypothesis says."""

    bot: InterleavedBot | None = None

    @initialize(seed=st.integers(0, 2**32 - 1))
    def start(self, seed: int) -> None:
        self.bot = InterleavedBot(seed)

    @rule(
        what=st.sampled_from(("write", "write", "stop", "ask_help")), who=st.integers(0, 1), choices=st.integers(0, 120)
    )
    def act(self, what: str, who: int, choices: int) -> None:
        assert self.bot is not None
        do(self.bot, what, who, choices)

    @rule(choices=st.integers(0, 120))
    def tick(self, choices: int) -> None:
        assert self.bot is not None
        self.bot.show_progress()
        self.bot.scheduler.go(choices)

    def teardown(self) -> None:
        if self.bot is not None:
            try:
                self.bot.check()
            finally:
                self.bot.close()


def do(bot: InterleavedBot, what: str, who: int, choices: int) -> None:
    """Have a user do something, then let the threads go on."""
    {"write": bot.write, "stop": bot.stop, "ask_help": bot.ask_help}[what](who)
    bot.scheduler.go(choices)


@pytest.mark.timeout(30 + 2 * SCHEDULES)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_message_is_answered_once_and_in_order_whoever_goes_next(part: int) -> None:
    run_state_machine_as_test(
        Interleavings,
        settings=settings(
            max_examples=max(1, SCHEDULES // PARTS),
            stateful_step_count=STEPS,
            phases=(Phase.generate,),  # to shrink steps whose order a seed decides finds nothing smaller
            deadline=None,
            database=None,
            derandomize=PARTS == 1,  # the same schedules at each `make test`
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("name", KEPT)
def test_a_schedule_that_was_kept(name: str) -> None:
    seed, steps = KEPT[name]
    bot = InterleavedBot(seed)
    try:
        for what, who, choices in steps:
            do(bot, what, who, choices)
        bot.check()
    finally:
        bot.close()


# ---------------------------------------------------------------------- the scheduler itself


def two_locks(seed: int) -> None:
    """Have two threads take two locks, each in its own order."""
    scheduler = Scheduler(seed)
    with scheduler.controlling():
        first, second = threading.Lock(), threading.Lock()

        def take(one: threading.Lock, other: threading.Lock) -> None:
            with one, other:
                pass

        for locks in ((first, second), (second, first)):
            threading.Thread(target=take, args=locks).start()
        scheduler.go_until(lambda: not any(thread.is_alive() for thread in scheduler.threads))


def test_the_scheduler_finds_a_deadlock_and_finds_it_again_by_its_seed() -> None:
    def is_stuck(seed: int) -> bool:
        try:
            two_locks(seed)
        except Deadlock:
            return True
        return False

    found = [is_stuck(seed) for seed in range(40)]
    assert 0 < sum(found) < 40
    assert [is_stuck(seed) for seed in range(40)] == found


def lost_update(seed: int) -> int:
    """Have two threads add to a number that no lock guards; return it."""
    scheduler = Scheduler(seed)
    with scheduler.controlling():
        number, lock = [0], threading.Lock()

        def add() -> None:
            with lock:
                read = number[0]
            with lock:
                number[0] = read + 1

        for _ in range(2):
            threading.Thread(target=add).start()
        scheduler.go_until(lambda: not any(thread.is_alive() for thread in scheduler.threads))
    return number[0]


def test_the_scheduler_finds_what_is_read_and_written_under_two_locks() -> None:
    assert {lost_update(seed) for seed in range(40)} == {1, 2}


def test_waiting_takes_no_time() -> None:

    began = time.monotonic()
    scheduler = Scheduler(1)
    with scheduler.controlling():
        woken: list[bool] = []

        def wait() -> None:
            condition = threading.Condition()
            with condition:
                woken.append(condition.wait(3600))
            time.sleep(3600)

        threading.Thread(target=wait).start()
        at_first = time.monotonic()
        scheduler.go_until(lambda: not any(thread.is_alive() for thread in scheduler.threads))
        assert 7200 <= time.monotonic() - at_first < 7260
    assert woken == [False]
    assert time.monotonic() - began < 60
