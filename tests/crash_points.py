"""Play a conversation with the bot killed at chosen moments, and look after each at what is left of it.

Several points share a conversation, at most one in a step. After each the screen, the tables and the books must be
those of the run without a kill after the same step, so that none hides behind another.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

from sandbox.demo import free_port
from sandbox.models import ModelServers
from tests import failing_disk
from tests.bot_forker import STDERR, forker
from tests.counted_servers import CountedTelegram, counted
from tests.counters import Counters
from tests.freed_disk import freed
from tests.harness import BotHarness, until
from tests.played_conversation import CONVERSATION, WAIT_S, Conversation, Step, Talk
from tests.played_state import State, is_settled, is_started, state_of, storage_notices
from tests.points import Disk, Ending, Point, PointFailed

QUIET_S = 0.05
STATE_S = WAIT_S / 10  # for what is deleted or renamed once all is settled
LOGGED = 5  # lines of the bot's log, and of its stderr, that a failure shows
# Of a notice, which is deleted when its work is done; one that is shown twice stays, since its number is unknown.
UNDER_WAY = re.compile(r"…$|🖼 Смотрю\.")
NOTICE_EVERY_S = 59  # dates have whole seconds


def play(
    folder: Path,
    points: Iterable[Point] = (),
    *,
    conversation: Conversation = CONVERSATION,
    steps: int | None = None,
    disk: Disk | None = None,
    whole: Ending | None = None,
) -> Ending:
    """Play a conversation, or its first `steps`, in a new folder, with a kill at each of the points.

    With `disk` its points on the disk are counted and can be chosen too. `whole` is the run without a kill, that every
    state is compared with. Raises `PointFailed`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    telegram = CountedTelegram()
    telegram.counters = counters = Counters(folder / "counters")
    telegram.api.has_topics = conversation.has_topics
    with telegram, ModelServers() as models:
        port = free_port()
        page = {"WEBAPP_URL": f"http://127.0.0.1:{port}", "WEBAPP_PORT": port}
        harness = BotHarness(folder, telegram, models, **dict(conversation.settings) | page)
        talk = conversation.talk(harness, port)
        models.faults.rule = counted(talk.rule, counters)
        if disk is not None:
            counters.set_error(failing_disk.ERRORS[disk.error], lasts=disk.lasts)
        player = _Player(
            talk=talk,
            telegram=telegram,
            counters=counters,
            conversation=conversation,
            points=points,
            disk=disk,
            whole=whole,
        )
        bot = forker(can_fail=disk is not None)
        try:
            player.start(lambda: bot.start(harness.environment(), folder / "counters"))
            for number, step in enumerate(conversation.steps[:steps], 1):
                player.play(number, step)
            player.end(bot.stop)
        except BaseException:
            bot.kill()  # its bot may still run
            raise
        return player.ending


class _Player:
    """Plays step by step, and compares what each leaves with the run without a kill."""

    def __init__(
        self,
        *,
        talk: Talk,
        telegram: CountedTelegram,
        counters: Counters,
        conversation: Conversation,
        points: Iterable[Point],
        disk: Disk | None,
        whole: Ending | None,
    ) -> None:
        self._talk, self._harness = talk, talk.harness
        self._telegram, self._counters = telegram, counters
        self._prefix = conversation.prefix
        self._chosen = {point.step: point for point in points}
        self._disk, self._whole = disk, whole
        self._tried: list[Point] = []
        self._once: set[tuple[int, str]] = set()  # what a run without a kill has shown
        self._twice: Counter[tuple[int, str]] = Counter()  # what is shown too often
        self.ending = Ending([], [], [])

    def start(self, start: Callable[[], None]) -> None:
        """Have the bot make its first start, which is step 0."""
        self._counters.may_fail_to_start = True
        self._play(0, start)
        self._counters.may_fail_to_start = False

    def play(self, number: int, step: Step) -> None:
        self._play(number, lambda: step.play(self._talk))

    def end(self, stop: Callable[[Counters], int]) -> None:
        """Stop the bot; fail unless it has left nothing open, nothing lost and nothing that doesn't add up."""
        self._counters.begin_step()
        try:
            code = stop(self._counters)
            assert code == 0, f"the bot ended with {code}"
            self._check_end()
        except AssertionError as error:
            raise self._failed(len(self.ending.states), error) from error

    def _failed(self, number: int, error: BaseException, tried: Iterable[Point] = ()) -> PointFailed:
        """Return the error that names the points, and what the bot logged and wrote last."""
        log = [line for line in self._lines("log.txt") if " ERROR " in line or " CRITICAL " in line]
        told = "\n".join([str(error), *log[-LOGGED:], "stderr:", *self._lines(STDERR)[-LOGGED:]])
        return PointFailed([*tried] or self._tried, number, self._disk, told)

    def _lines(self, file: str) -> list[str]:
        """Return the lines of a file of the bot's folder; none if there is no such file."""
        path = self._harness.folder / file
        return path.read_text("utf-8", "replace").splitlines() if path.exists() else []

    def _check_end(self) -> None:
        self._harness.check_books()
        assert self._harness.db.count("inbox", state="aside") == 0
        assert self._harness.db.count("turn", state="failed") == 0
        assert self._telegram.violations == []

    def _play(self, number: int, act: Callable[[], None]) -> None:
        point, kills = self._chosen.get(number), self._counters.kills
        self._counters.begin_step(*((point.kind, point.number) if point else ()))
        tried = [*self._tried, point] if point else self._tried
        try:
            self._go_through(number, act)
            died = self._counters.kills - kills
            self._compare(number, died)
        except (AssertionError, LookupError, OSError) as error:
            raise self._failed(number, error, tried) from error
        if died:
            self._tried = tried
        elif point:
            self.ending.missed.append(point)
        for kind, reached in self._counters.reached().items():
            self.ending.points.extend(Point(kind, number, each, self._prefix) for each in range(1, reached + 1))

    def _go_through(self, number: int, act: Callable[[], None]) -> None:
        """Have the step happen, and wait until all is done that follows from it."""
        runs = self._counters.runs
        with freed(self._counters, self._telegram, self._harness):
            act()
            seen = runs
            while True:
                if self._counters.runs != seen:
                    until(lambda: self._telegram.has_read_profile, WAIT_S)
                    seen = self._counters.runs
                until(lambda: is_settled(self._harness), WAIT_S)
                if self._counters.runs == seen:
                    break
            if number == 0:
                until(lambda: is_started(self._harness), WAIT_S)
            if seen == runs:
                return
            assert number == 0 or self._disk is None, "the bot ended"
        reached: dict[str, int] = {}
        while reached != (reached := self._counters.reached()):
            time.sleep(QUIET_S)

    def _compare(self, number: int, died: int) -> None:
        """Fail unless the state is that of the run without a kill; a kill may have shown one message twice."""
        if self._whole is None:
            self.ending.states.append(self._steady())
            return
        whole = self._whole.states[number]
        deadline = time.monotonic() + STATE_S
        self._once.update(whole.texts())
        may_be = died if self._disk is None else 0
        while difference := (
            (state := state_of(self._harness, self._talk)).difference(whole) or self._too_much(state, whole, may_be)
        ):
            assert time.monotonic() < deadline, difference
            time.sleep(0.02)
        self._twice = state.texts() - whole.texts()
        for dates in storage_notices(self._talk):
            assert all(later - date >= NOTICE_EVERY_S for date, later in pairwise(dates)), (
                "told more than once a minute"
            )
        if died:
            self._harness.check_books()

    def _too_much(self, state: State, whole: State, may_be: int) -> str:
        """Return which messages no run without a kill shows, or more than `may_be` of this step a second time."""
        more = list((state.texts() - whole.texts() - self._twice).elements())
        strange = [text for text in more if text not in self._once and not UNDER_WAY.search(text[1])]
        if strange:
            return f"shown, and not in a run without a kill: {strange}"
        return f"shown twice: {more}" if len(more) > may_be else ""

    def _steady(self) -> State:
        """Return the state once it is the same for a while."""
        state: State | None = None
        while state != (state := state_of(self._harness, self._talk)):
            time.sleep(QUIET_S)
        return state
