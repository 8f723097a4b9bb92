"""Whichever write, sync or open of the disk fails, nothing is acknowledged that isn't stored; all is answered later.

The conversation of `tests/played_conversation.py` is played with failing calls: EIO, ENOSPC or EDQUOT, once, or from
then on until the disk is freed. `make test` fails some, `make chaos` each of the 2,900 in a conversation of its own. A
failure names its point; `CHAOS_DISK=ENOSPC:lasting CHAOS_POINT=disk-write:12:3 make chaos` runs that one again.
"""

from __future__ import annotations

import os
import random
import sys
from collections import defaultdict
from functools import partial
from pathlib import Path

import pytest

from tests import failing_disk
from tests.counters import ON_DISK
from tests.crash_points import Disk, Ending, Point, play
from tests.ready_made import shipped_locales

PARTS = int(os.environ.get("CHAOS_PARTS", "0"))
POINT = os.environ.get("CHAOS_POINT", "")
DISK = os.environ.get("CHAOS_DISK", "")
OPENING = 9  # steps of the conversation that `make test` plays
STORAGE = shipped_locales()["ru"].say("problem.storage")

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not failing_disk.is_there(), reason="libfiu is missing: apt-get install fiu-utils"
)


def tried(folder: Path, points: list[Point], whole: Ending, disk: Disk, steps: int | None = None) -> None:
    """Play with these calls failing and check the ending; every chat was told once at most, in that short time."""
    name = f"CHAOS_DISK={disk.error}:{'lasting' if disk.lasts else 'once'} CHAOS_POINT={','.join(map(str, points))}"
    playing = partial(play, folder, points, disk=disk)
    try:
        ending = playing() if steps is None else playing(steps=steps)
        ending.check(whole)
        for shown in ending.shown:
            assert sum(STORAGE in text for text in shown) <= 1
    except AssertionError as error:
        raise AssertionError(f"{name}\n{error}") from error


def chosen(whole: Ending, chance: random.Random, number: int) -> list[Point]:
    """Return so many points on the disk, each in another step."""
    points: dict[int, list[Point]] = defaultdict(list)
    for point in whole.points:
        if point.kind in ON_DISK and point.step:  # at its start a bot whose disk fails ends, and says why
            points[point.step].append(point)
    return [chance.choice(points[step]) for step in chance.sample(sorted(points), number)]


@pytest.mark.timeout(300)
@pytest.mark.skipif(bool(POINT or PARTS), reason="all points are tried, or one")
def test_a_disk_that_fails_loses_nothing_and_all_is_answered_once_it_works(tmp_path: Path) -> None:
    whole = play(tmp_path / "whole", steps=OPENING, disk=Disk("EIO"))
    chance = random.Random(1)
    for error, lasts, number in (("EIO", False, 5), ("ENOSPC", True, 2), ("EDQUOT", True, 1)):
        tried(tmp_path / error, chosen(whole, chance, number), whole, Disk(error, lasts), OPENING)


@pytest.mark.timeout(0)
@pytest.mark.skipif(not (PARTS or DISK) or bool(POINT and not DISK), reason="make chaos fails every call")
@pytest.mark.parametrize("part", range(1 if POINT else max(1, PARTS)))
def test_any_call_to_the_disk_may_fail(tmp_path: Path, part: int) -> None:
    whole = play(tmp_path / "whole", disk=Disk("EIO"))
    if POINT:
        error, _, how_long = DISK.partition(":")
        tried(tmp_path / "failing", [Point.named(POINT)], whole, Disk(error, how_long == "lasting"))
        return
    points = [point for point in whole.points if point.kind in ON_DISK and point.step]
    disks = [Disk(error, lasts) for lasts in (False, True) for error in failing_disk.ERRORS]
    failures: list[str] = []
    for number, point in list(enumerate(points))[part::PARTS]:
        try:
            tried(tmp_path / str(point), [point], whole, disks[number % len(disks)])
        except AssertionError as error:
            failures.append(str(error))
    assert not failures, "\n\n".join(failures)
