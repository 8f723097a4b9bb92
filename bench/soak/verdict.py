"""Compare the end of a run with its beginning, and say in words what has grown or gone wrong.

The first window warms up and is left out, the second one is the measure, the last one is held against it. Both have the
same faults. Memory, threads, open files and the database's log are medians of a window, so that a moment counts
little. Latencies are those of answered actions of one path, without those that a fault held up for everybody (a
network that is down, a full disk): how many of these fall into a window is chance.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench.soak.faults import CYCLE_S, Order
from bench.soak.journal import Action, Journal, Path, quantile
from bench.soak.sampler import Sample

ALLOWED: Final = 0.1
NOISE_S: Final = 0.02  # a machine that does other work answers so much later
SETTLED_S: Final = 5.0  # after such a fault, until what has waited is sent
STARVED: Final = 1.5
LITTLE: Final = 0.05  # of the time
FEWEST: Final = 50  # answered actions of a window, below which a latency says nothing
FULL_S: Final = 300.0  # a shorter run says nothing of growth: its windows are short, and their faults not the same
PATHS: Final[dict[Path, str]] = {"quick": "an answer of the bot alone", "written": "an answer of a model"}


@dataclass(frozen=True, slots=True)
class Window:
    """Seconds of the run."""

    since_s: float
    until_s: float

    @property
    def minutes(self) -> str:
        """Its minutes in words."""
        return f"{self.since_s / 60:g} to {self.until_s / 60:g}"

    def has(self, at_s: float) -> bool:
        return self.since_s <= at_s < self.until_s


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure in both windows. `noise` is what it may differ by besides a tenth, in its own unit."""

    name: str
    unit: str
    before: float
    after: float
    noise: float = 0.0

    @property
    def change(self) -> float:
        """The change as a share of the value before."""
        return self.after / self.before - 1 if self.before else 0.0

    @property
    def grown(self) -> bool:
        """Whether it is more than a tenth above what it was."""
        return self.after > self.before * (1 + ALLOWED) + self.noise


def windows(seconds: float) -> tuple[Window, Window]:
    """Return the window after the warming up, and the last one: two minutes, or a fifth of a short run."""
    length_s = min(CYCLE_S, seconds / 5)
    return Window(length_s, 2 * length_s), Window(seconds - length_s, seconds)


def figures(samples: Sequence[Sample], journal: Journal, orders: Sequence[Order], seconds: float) -> list[Figure]:
    """Return what is compared."""
    before, after = windows(seconds)
    return [*_of_process(samples, before, after), *_latencies(journal, orders, before, after)]


def _of_process(samples: Sequence[Sample], before: Window, after: Window) -> Iterator[Figure]:
    readings: tuple[tuple[str, str, float, Callable[[Sample], float]], ...] = (
        ("memory (RSS)", "MiB", 0, lambda sample: sample.rss_mib),
        ("threads", "", 1, lambda sample: sample.threads),
        ("open files", "", 2, lambda sample: sample.files),
        ("write-ahead log", "MiB", 0, lambda sample: sample.wal_mib),
    )
    for name, unit, noise, reading in readings:
        first, last = (
            statistics.median([reading(sample) for sample in samples if window.has(sample.at_s)] or [0])
            for window in (before, after)
        )
        yield Figure(name, unit, first, last, noise)


def _latencies(journal: Journal, orders: Sequence[Order], before: Window, after: Window) -> Iterator[Figure]:
    measures: tuple[tuple[str, Callable[[Action], float]], ...] = (
        ("first sign", lambda action: action.first_s),
        ("answer", lambda action: action.answer_s),
    )
    for path, told in PATHS.items():
        first, last = (_answered(journal, orders, window, path) for window in (before, after))
        if min(len(first), len(last)) < FEWEST:
            continue
        for name, measure in measures:
            pair = [[seconds for seconds in map(measure, actions) if seconds] for actions in (first, last)]
            for part in (0.5, 0.95):
                before_s, after_s = (quantile(values, part) for values in pair)
                yield Figure(f"{told}: {name}, p{part * 100:.0f}", "s", before_s, after_s, NOISE_S)


def _answered(journal: Journal, orders: Sequence[Order], window: Window, path: Path) -> list[Action]:
    """Return the answered actions of a window that no fault held up."""
    found = journal.within(window.since_s, window.until_s, path)
    return [action for action in found if not _held_up(action, orders)]


def unmeasured(samples: Sequence[Sample], journal: Journal, orders: Sequence[Order], seconds: float) -> list[str]:
    """Return what a run of full length could not compare, in words: such a run shows nothing about the bot."""
    if seconds < FULL_S:
        return []
    lines = []
    for window in windows(seconds):
        minutes = f"minutes {window.minutes}"
        if not any(window.has(sample.at_s) for sample in samples):
            lines.append(f"{minutes} have no sample of memory, threads, open files and the write-ahead log")
        for path, told in PATHS.items():
            number = len(_answered(journal, orders, window, path))
            if number < FEWEST:
                lines.append(f"{minutes} have {number} times «{told}», fewer than {FEWEST}: nothing can be compared")
    return lines


def starved(samples: Sequence[Sample], seconds: float) -> str:
    """Return a sentence if the bot waited for a processor much longer at the end than before; else nothing."""
    shares = []
    for window in windows(seconds):
        waited = [sample.waited_s for sample in samples if window.has(sample.at_s)]
        shares.append((waited[-1] - waited[0]) / (window.until_s - window.since_s) if waited else 0.0)
    before, after = shares
    if after <= before * STARVED + LITTLE:
        return ""
    sentence = f"the bot waited for a processor {before:.0%} of the time, and {after:.0%} at the end"
    return f"{sentence}: repeat it without other work"


def _held_up(action: Action, orders: Sequence[Order]) -> bool:
    """Return whether nobody could be answered for a part of this action's time, or had just not been."""
    ends_at = action.at + action.answer_s
    return any(
        order.lasts_s and order.at_s < ends_at and action.at < order.at_s + order.lasts_s + SETTLED_S
        for order in orders
    )


def _is_bug(action: Action) -> bool:
    """Return whether the bot said that it has a bug, or that an update of a usual client can't be handled."""
    return action.note == "problem.bug" or (action.note == "problem.dead_letter" and action.habit != "hostile")


def complaints(
    found: Sequence[Figure], journal: Journal, violations: Sequence[str], errors: Sequence[str]
) -> list[str]:
    """Return what speaks against the run, in words; empty if nothing does."""
    lines = [
        f"{figure.name} grew by {figure.change:.0%}: {figure.before:.2f} → {figure.after:.2f} {figure.unit}".strip()
        for figure in found
        if figure.grown
    ]
    silent = journal.silent()
    if silent:
        lines.append(f"{len(silent)} actions of {len(journal.actions)} were never answered:")
        lines += [f"  {one.at:.0f} s, {one.habit}, «{one.what}»: {one.note}" for one in silent[:10]]
    bugs = [action for action in journal.actions if _is_bug(action)]
    if bugs:
        lines.append(f"{len(bugs)} actions ended in an error of the bot: {sorted({one.what for one in bugs})}")
    if violations:
        lines.append(f"{len(violations)} calls broke the Bot API's contract: {list(violations[:3])}")
    if errors:
        lines.append(f"{len(errors)} people could not go on, by a fault of the measurement: {errors[:3]}")
    return lines
