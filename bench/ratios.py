"""The bot beside a minimal bot: both run in turn on the same stand-ins, then a table of ratios with their goals."""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.measure import MINIMAL_BOT, measure
from bench.table import Figures, Scenario


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure of both bots in a scenario. `goal`: the most that the ratio is to be; None without one."""

    scenario: Scenario
    name: str
    figure: str
    goal: float | None = None


PEOPLE_50: Final = Scenario(50, 2)
PEOPLE_200: Final = Scenario(200, 1)
COMPARED: Final = (
    Compared(PEOPLE_50, "overhead p50, ms", "overhead_p50"),
    Compared(PEOPLE_50, "overhead p95, ms", "overhead_p95", 0.7),
    Compared(PEOPLE_50, "CPU a turn, ms", "cpu", 2.0),
    Compared(PEOPLE_50, "calls a turn", "calls"),
    Compared(PEOPLE_50, "RSS, MiB", "peak_mib"),
    Compared(PEOPLE_50, "start, ms", "start"),
    Compared(PEOPLE_200, "overhead p50, ms", "overhead_p50"),
    Compared(PEOPLE_200, "overhead p95, ms", "overhead_p95", 0.6),
    Compared(PEOPLE_200, "CPU a turn, ms", "cpu", 2.0),
    Compared(PEOPLE_200, "turns/s", "turns_per_s"),
    Compared(PEOPLE_200, "calls a turn", "calls"),
    Compared(PEOPLE_200, "RSS, MiB", "peak_mib", 1.3),
    Compared(PEOPLE_200, "start, ms", "start"),
)
DEFAULT_THREADS: Final = 2  # of pyTelegramBotAPI
BY_DEFAULT: Final = (
    Compared(PEOPLE_50, "overhead p50, ms; minimal bot with its default of two threads", "overhead_p50"),
    Compared(PEOPLE_50, "overhead p95, ms; the same", "overhead_p95", 0.7),
)
LIMITED: Final = Scenario(200, 1, limits=True)
CORES_GOAL: Final = 0.25  # of one core, with as many messages as Telegram lets a bot send
HEAD: Final = "| users × model | | this bot | minimal bot | ratio | each pair | goal |\n|:--|:--|--:|--:|--:|:--|:--|"


def compare(options: argparse.Namespace, database: Path) -> Iterator[str]:
    """Run both bots in turn; yield the table's lines.

    The minimal bot with two threads runs once, for 50 people only: each waits 48 seconds, 200 would wait 99.
    """
    yield HEAD
    for scenario in (PEOPLE_50, PEOPLE_200):
        runs: list[tuple[Figures, Figures]] = []
        for _ in range(options.repeat):
            own = asyncio.run(measure(scenario, options, database))
            runs.append((own, asyncio.run(measure(scenario, options, database, MINIMAL_BOT))))
        yield from (ratio_row(compared, runs) for compared in COMPARED if compared.scenario == scenario)
        if scenario == PEOPLE_50:
            slow = asyncio.run(measure(scenario, options, database, MINIMAL_BOT, slots=DEFAULT_THREADS))
            yield from (ratio_row(compared, [(own, slow) for own, _ in runs]) for compared in BY_DEFAULT)
    limited = [asyncio.run(measure(LIMITED, options, database)) for _ in range(options.repeat)]
    cores = statistics.median(run.cores for run in limited)
    yield f"| {_named(LIMITED)}, Telegram's limits | cores | {cores:.2f} | | | | {_verdict(cores, CORES_GOAL)} |"


def ratio_row(compared: Compared, runs: Sequence[tuple[Figures, Figures]]) -> str:
    """Return the table's row: the medians of both bots, their ratio, the ratio of each pair of runs, and the goal."""
    pairs = [(getattr(own, compared.figure), getattr(minimal, compared.figure)) for own, minimal in runs]
    own, minimal = (statistics.median(values) for values in zip(*pairs, strict=True))
    ratio = own / minimal
    each = ", ".join(_shown(one / other) for one, other in pairs)
    goal = "" if compared.goal is None else _verdict(ratio, compared.goal)
    name = f"{_named(compared.scenario)} | {compared.name}"
    return f"| {name} | {own:.2f} | {minimal:.2f} | {_shown(ratio)} | {each} | {goal} |"


def _shown(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.01 else f"{ratio:.4f}"


def _named(scenario: Scenario) -> str:
    return f"{scenario.users} × {scenario.model_s:g} s"


def _verdict(value: float, goal: float) -> str:
    return f"at most {goal:g}: {'reached' if value <= goal else 'missed'}"
