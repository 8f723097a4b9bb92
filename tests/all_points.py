"""Try many points in few conversations, each point at least once; those that are not reached are tried again."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.crash_points import play
from tests.played_conversation import CONVERSATION
from tests.played_topics import CONVERSATION as WITH_TOPICS
from tests.points import Disk, Ending, Point, PointFailed

CONVERSATIONS = {each.prefix: each for each in (CONVERSATION, WITH_TOPICS)}
TRIES = 3  # of a point that isn't reached
OPENING = 2  # steps after the last point of a conversation that isn't played whole


@cache
def whole_run(prefix: str = "", *, can_fail: bool = False, steps: int | None = None) -> Ending:
    """Play a conversation, or its first steps, without a kill, once in a process."""
    with TemporaryDirectory() as folder:
        disk = Disk("EIO") if can_fail else None
        return play(Path(folder), conversation=CONVERSATIONS[prefix], disk=disk, steps=steps)


@dataclass
class Outcome:
    """What came of the points."""

    failures: list[str] = field(default_factory=list)
    missed: list[Point] = field(default_factory=list)
    conversations: int = 0
    tried: int = 0

    def told(self) -> str:
        missed = ", ".join(map(str, self.missed))
        return f"{self.tried} points in {self.conversations} conversations; not reached: {missed or 'none'}"


def try_points(
    folder: Path,
    points: Iterable[Point],
    disk: Disk | None = None,
    *,
    to_end: bool = True,
    of_steps: int | None = None,
) -> Outcome:
    """Play with a kill, or with a failing call to the disk, at each of the points.

    `to_end`: every conversation is played to its end, and not only some steps further than its last point; what isn't
    reached is tried again. `of_steps`: only these are ever played.
    """
    outcome = Outcome()
    left = list(points)
    for again in range(1 + (TRIES if to_end else 1)):
        left = _try_each(folder, left, disk, outcome, to_end=to_end and not again, of_steps=of_steps)
    outcome.missed += left
    return outcome


def _try_each(
    folder: Path, points: list[Point], disk: Disk | None, outcome: Outcome, *, to_end: bool, of_steps: int | None
) -> list[Point]:
    """Play with each of the points, at most one in a step of a conversation; return those that weren't reached."""
    missed: list[Point] = []
    waiting: dict[str, dict[int, list[Point]]] = defaultdict(lambda: defaultdict(list))
    for point in points:
        waiting[point.prefix][point.step].append(point)
    for prefix, by_step in waiting.items():
        whole = whole_run(prefix, can_fail=disk is not None, steps=of_steps)
        while plan := [each.pop(0) for each in by_step.values() if each]:
            done, left = _try_plan(folder, plan, disk, outcome, whole=whole, to_end=to_end)
            missed += done
            for point in left:
                by_step[point.step].insert(0, point)
    return missed


def _try_plan(
    folder: Path, plan: list[Point], disk: Disk | None, outcome: Outcome, *, whole: Ending, to_end: bool
) -> tuple[list[Point], list[Point]]:
    """Play one conversation; return the points that it didn't reach, and those that come after a failure."""
    conversation = CONVERSATIONS[plan[0].prefix]
    last = max(point.step for point in plan)
    if disk is not None and last == 0:
        to_end = False  # a first start has some 700 calls to the disk
    steps = None if to_end else last + OPENING
    outcome.conversations += 1
    with TemporaryDirectory(dir=folder) as place:
        try:
            ending = play(Path(place), plan, conversation=conversation, steps=steps, disk=disk, whole=whole)
        except PointFailed as failed:
            outcome.failures.append(str(failed))
            sys.stderr.write(f"{failed}\n")  # at once: `make chaos` takes long
            outcome.tried += sum(point.step <= failed.step for point in plan)
            return [], [point for point in plan if point.step > failed.step]
    outcome.tried += len(plan) - len(ending.missed)
    return ending.missed, []
