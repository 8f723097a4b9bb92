"""The figures of a run, the medians of several runs, and their Markdown table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.load import MeasuredTurn


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is measured: users at once, the model's seconds, Telegram's limits, old prompts in the database."""

    users: int
    model_s: float
    limits: bool = False
    prompts: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """One run of a scenario. Milliseconds, unless the name says otherwise; `cpu` and `calls` are per turn."""

    turns: int
    turns_per_s: float
    overhead_p50: float
    overhead_p95: float
    overhead_p99: float
    first_text_p50: float
    first_text_p95: float
    calls: float
    cpu: float
    cores: float
    peak_mib: float
    start: float
    lost: int


def quantile(values: Sequence[float], part: float) -> float:
    """Return the value that `part` of them don't exceed; 0 without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


def figures(
    turns: Sequence[MeasuredTurn],
    *,
    seconds: float,
    answered: int,
    cpu_s: float,
    peak_mib: float,
    start_s: float,
    lost: int,
) -> Figures:
    """Summarise a run. `answered`: turns that ended in those `seconds`, on which the `cpu_s` were spent."""
    overhead = [turn.overhead_s * 1000 for turn in turns]
    first = [turn.first_text_s * 1000 for turn in turns]
    return Figures(
        turns=len(turns),
        turns_per_s=answered / seconds,
        overhead_p50=quantile(overhead, 0.5),
        overhead_p95=quantile(overhead, 0.95),
        overhead_p99=quantile(overhead, 0.99),
        first_text_p50=quantile(first, 0.5),
        first_text_p95=quantile(first, 0.95),
        calls=sum(turn.calls for turn in turns) / max(1, len(turns)),
        cpu=cpu_s * 1000 / max(1, answered),
        cores=cpu_s / seconds,
        peak_mib=peak_mib,
        start=start_s * 1000,
        lost=lost,
    )


def middle(runs: Sequence[Figures]) -> Figures:
    """Return the median of each figure, and the sums of turns and losses."""
    values = {name: statistics.median(getattr(run, name) for run in runs) for name in Figures.__slots__}
    values |= {name: sum(getattr(run, name) for run in runs) for name in ("turns", "lost")}
    return Figures(**values)


HEAD = (
    "| users | model, s | limits | prompts | turns | turns/s | overhead p50 / p95 / p99, ms | first text p50 / p95, ms "
    "| calls | CPU, ms | RSS, MiB | start, ms | lost |\n|--:|--:|:--|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)


def line(scenario: Scenario, run: Figures) -> str:
    """Return the table's line."""
    overhead = f"{run.overhead_p50:.1f} / {run.overhead_p95:.1f} / {run.overhead_p99:.1f}"
    cells = (
        scenario.users,
        f"{scenario.model_s:g}",
        "on" if scenario.limits else "off",
        f"{scenario.prompts:,}",
        run.turns,
        f"{run.turns_per_s:.1f}",
        overhead,
        f"{run.first_text_p50:.1f} / {run.first_text_p95:.1f}",
        f"{run.calls:.2f}",
        f"{run.cpu:.2f}",
        f"{run.peak_mib:.0f}",
        f"{run.start:.0f}",
        run.lost,
    )
    return f"| {' | '.join(str(cell) for cell in cells)} |"
