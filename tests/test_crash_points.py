"""Killed at any commit, sync of the log, call to Telegram or to a model, the bot ends where it would have ended.

Two conversations, one of forty updates and one in topics, are played once without a kill, which finds their points.
`make test` kills the bot at every tenth of them (in topics every thirtieth), `make chaos` at each. Points share
conversations, one in a step. A failure names its points; `CHAOS_POINT=commit-before:12:3 make chaos` runs those again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.all_points import try_points, whole_run
from tests.counters import AT_STAND_INS, IN_BOT
from tests.points import Point
from tests.tried_points import note

POINT = "" if "CHAOS_DISK" in os.environ else os.environ.get("CHAOS_POINT", "")
PARTS = int(os.environ.get("CHAOS_PARTS", "0"))  # in how many parts `make chaos` plays all points; 0: not at all
EVERY, EVERY_IN_TOPICS = 10, 30

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the supervisor of the bot needs Linux")


def all_points() -> list[Point]:
    """Return the points of both conversations; those of the first start, which is the same, once."""
    points = whole_run().points + [point for point in whole_run("t").points if point.step]
    return [point for point in points if point.kind in IN_BOT + AT_STAND_INS]


@pytest.mark.timeout(300)
@pytest.mark.skipif(bool(POINT or PARTS), reason="all points are tried, or one")
def test_killed_at_every_tenth_point_it_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    points: list[Point] = []
    for kinds in (IN_BOT, AT_STAND_INS):
        points += [point for point in all_points() if point.kind in kinds and not point.prefix][::EVERY]
        points += [point for point in all_points() if point.kind in kinds and point.prefix][::EVERY_IN_TOPICS]
    assert len(points) > 100
    outcome = try_points(tmp_path, points, to_end=False)
    assert not outcome.failures, "\n\n".join(outcome.failures)
    assert len(outcome.missed) <= len(points) // 10  # a restart moves the numbers of what comes right after it


@pytest.mark.timeout(0)
@pytest.mark.skipif(not (POINT or PARTS), reason="make chaos tries all points")
@pytest.mark.parametrize("part", range(1 if POINT else max(1, PARTS)))
def test_killed_at_any_point_it_ends_as_if_it_had_not_been(
    tmp_path: Path, part: int, record_property: Callable[[str, object], None]
) -> None:
    chosen = [Point.named(name) for name in POINT.split(",")] if POINT else all_points()[part::PARTS]
    outcome = try_points(tmp_path, chosen)
    sys.stderr.write(f"{outcome.told()}\n")  # at once: `make chaos` takes long
    note(record_property, "a kill", outcome)
    assert not outcome.failures, "\n\n".join(outcome.failures)
    assert len(outcome.missed) <= max(2, len(chosen) // 20), outcome.told()
