"""Whichever write, sync or open of the disk fails, nothing is acknowledged that isn't stored; all is answered later.

The conversations of `tests/played_conversation.py` and `tests/played_topics.py` are played with failing calls: EIO,
ENOSPC or EDQUOT, once, or from then on until the disk is freed. `make test` fails some, `make chaos` each, in one of
the six ways; `CHAOS_DISK=ENOSPC:lasting make chaos` fails all in this one. A failure names its points;
`CHAOS_DISK=ENOSPC:lasting CHAOS_POINT=disk-write:12:3 make chaos` runs those again.
"""

from __future__ import annotations

import os
import random
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import failing_disk
from tests.all_points import OPENING, try_points, whole_run
from tests.counters import ON_DISK
from tests.points import Disk, Point
from tests.tried_points import note

PARTS = int(os.environ.get("CHAOS_PARTS", "0"))
POINT = os.environ.get("CHAOS_POINT", "")
DISK = os.environ.get("CHAOS_DISK", "")
LAST = 9  # steps of the conversation from which `make test` takes its points

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not failing_disk.is_there(), reason="libfiu is missing: apt-get install fiu-utils"
)


def all_points() -> list[Point]:
    """Return the points of both conversations; those of the first start, which is the same, once."""
    points = whole_run(can_fail=True).points + [point for point in whole_run("t", can_fail=True).points if point.step]
    return [point for point in points if point.kind in ON_DISK]


def disk_named(name: str) -> Disk:
    error, _, how_long = name.partition(":")
    return Disk(error, how_long == "lasting")


def some(points: list[Point], chance: random.Random, number: int) -> list[Point]:
    """Return so many points, each in another step."""
    by_step: dict[int, list[Point]] = defaultdict(list)
    for point in points:
        by_step[point.step].append(point)
    return [chance.choice(by_step[step]) for step in chance.sample(sorted(by_step), number)]


@pytest.mark.timeout(300)
@pytest.mark.skipif(bool(POINT or PARTS), reason="all points are tried, or one")
def test_a_disk_that_fails_loses_nothing_and_all_is_answered_once_it_works(tmp_path: Path) -> None:
    steps = LAST + OPENING
    whole = whole_run(can_fail=True, steps=steps)
    points = [point for point in whole.points if point.kind in ON_DISK and 0 < point.step <= LAST]
    chance = random.Random(1)
    opens = [point for point in points if point.kind == "disk-open"]  # of files of the program, too
    outcome = try_points(tmp_path, opens, Disk("EIO"), to_end=False, of_steps=steps)
    assert opens and not outcome.failures, "\n\n".join(outcome.failures)
    tried, missed = len(opens), len(outcome.missed)
    for error, lasts, number in (("EIO", False, 6), ("ENOSPC", True, 1), ("EDQUOT", True, 1)):
        outcome = try_points(tmp_path, some(points, chance, number), Disk(error, lasts), to_end=False, of_steps=steps)
        assert not outcome.failures, "\n\n".join(outcome.failures)
        tried, missed = tried + number, missed + len(outcome.missed)
    assert missed <= tried // 4  # a call that failed moves the numbers of what comes right after it


@pytest.mark.timeout(0)
@pytest.mark.skipif(not (PARTS or DISK) or bool(POINT and not DISK), reason="make chaos fails every call")
@pytest.mark.parametrize("part", range(1 if POINT else max(1, PARTS)))
def test_any_call_to_the_disk_may_fail(
    tmp_path: Path, part: int, record_property: Callable[[str, object], None]
) -> None:
    chosen = [Point.named(name) for name in POINT.split(",")] if POINT else all_points()[part :: max(1, PARTS)]
    disks = (
        [disk_named(DISK)] if DISK else [Disk(error, lasts) for lasts in (False, True) for error in failing_disk.ERRORS]
    )
    failures: list[str] = []
    for number, disk in enumerate(disks):
        outcome = try_points(tmp_path, chosen[number :: len(disks)], disk)
        sys.stderr.write(f"{disk}: {outcome.told()}\n")  # at once: `make chaos` takes long
        note(record_property, f"{disk} at a call to the disk", outcome)
        failures += outcome.failures
    assert not failures, "\n\n".join(failures)
