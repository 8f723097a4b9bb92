"""Killed at any commit, sync of the log, call to Telegram or to a model, the bot ends where it would have ended.

A conversation of forty updates is played once without a kill, which finds its points. `make test` kills the bot at
every tenth of them, several in one conversation; `make chaos` at each of them in a conversation of its own. A failure
names its point; `CHAOS_POINT=commit-before:12:3 make chaos` runs that one again.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.counters import AT_STAND_INS, IN_BOT
from tests.crash_points import Ending, Point, play

POINT = "" if "CHAOS_DISK" in os.environ else os.environ.get("CHAOS_POINT", "")
PARTS = int(os.environ.get("CHAOS_PARTS", "0"))  # in how many parts `make chaos` plays all points; 0: not at all
EVERY = 10
OPENING = 2  # steps; the many points of the bot's first start are tried with these

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the supervisor of the bot needs Linux")


def plans(points: Iterable[Point]) -> Iterator[list[Point]]:
    """Share points out to conversations: each has at most one in a step."""
    waiting: dict[int, list[Point]] = defaultdict(list)
    for point in points:
        waiting[point.step].append(point)
    while any(waiting.values()):
        yield [each.pop() for each in waiting.values() if each]


def tried(folder: Path, points: list[Point], whole: Ending, steps: int | None = None) -> list[Point]:
    """Play with kills at these points and check the ending; return those that weren't reached."""
    names = ",".join(map(str, points))
    try:
        ending = play(folder, points, *([] if steps is None else [steps]))
        ending.check(whole)
    except AssertionError as error:
        raise AssertionError(f"CHAOS_POINT={names}\n{error}") from error
    return ending.missed


@cache
def whole_run() -> Ending:
    """Play the conversation without a kill, once in a process."""
    with TemporaryDirectory() as folder:
        return play(Path(folder))


@pytest.mark.timeout(300)
@pytest.mark.skipif(bool(POINT or PARTS), reason="all points are tried, or one")
@pytest.mark.parametrize("kinds", [IN_BOT, AT_STAND_INS], ids=["in the bot", "at the stand-ins"])
def test_killed_at_every_tenth_point_it_ends_as_if_it_had_not_been(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    whole = whole_run()
    points = [point for point in whole.points if point.kind in kinds][::EVERY]
    assert len(points) > 25
    missed: list[Point] = []
    for number, plan in enumerate(plans(point for point in points if point.step)):
        missed += tried(tmp_path / f"{number}", plan, whole)
    opening = play(tmp_path / "opening", steps=OPENING)
    for point in points:
        if not point.step:
            missed += tried(tmp_path / str(point), [point], opening, OPENING)
    assert len(missed) <= len(points) // 5  # a restart moves the numbers of what comes right after it


@pytest.mark.timeout(0)
@pytest.mark.skipif(not (POINT or PARTS), reason="make chaos tries all points")
@pytest.mark.parametrize("part", range(1 if POINT else max(1, PARTS)))
def test_killed_at_any_point_it_ends_as_if_it_had_not_been(tmp_path: Path, part: int) -> None:
    whole = play(tmp_path / "whole")
    chosen = [Point.named(name) for name in POINT.split(",")] if POINT else []
    if chosen:
        assert not tried(tmp_path / "killed", chosen, whole), "the point wasn't reached"
        return
    failures: list[str] = []
    for point in whole.points[part::PARTS]:
        try:
            tried(tmp_path / str(point), [point], whole)
        except AssertionError as error:
            failures.append(str(error))
    assert not failures, "\n\n".join(failures)
