"""Moments of a played conversation, and how a run with a kill or a failing disk at them ends."""

from __future__ import annotations

from dataclasses import dataclass

from tests.counters import KINDS
from tests.played_state import State


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """A moment at which the bot is killed, or a call to the disk fails."""

    kind: str
    step: int
    number: int
    prefix: str = ""  # of its conversation

    @classmethod
    def named(cls, name: str) -> Point:
        kind, step, number = name.split(":")
        assert kind in KINDS, f"no such kind of moment: {kind}"
        digits = step.lstrip("t")
        return cls(kind, int(digits), int(number), step.removesuffix(digits))

    def __str__(self) -> str:
        return f"{self.kind}:{self.prefix}{self.step}:{self.number}"


@dataclass(frozen=True, slots=True)
class Disk:
    """How calls to the disk fail at points on the disk: with `error`, that one, or `lasts` for a while."""

    error: str
    lasts: bool = False

    def __str__(self) -> str:
        return f"{self.error}:{'lasting' if self.lasts else 'once'}"


@dataclass(frozen=True, slots=True)
class Ending:
    """What a played conversation left."""

    points: list[Point]  # every moment that it reached
    states: list[State]  # after each step
    missed: list[Point]  # chosen, and not reached


class PointFailed(AssertionError):
    """The bot ended otherwise after the step of the last of these points."""

    def __init__(self, points: list[Point], step: int, disk: Disk | None, error: str) -> None:
        self.points, self.step = points, step
        how = f"CHAOS_DISK={disk} " if disk else ""
        super().__init__(f"{how}CHAOS_POINT={','.join(map(str, points))}\nstep {step}: {error}")
