"""Draw a run: memory, threads and open files, the database's log, and latencies over its minutes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.soak.faults import Order
from bench.soak.journal import Action, Journal, quantile
from bench.soak.sampler import Sample
from bench.soak.verdict import PATHS, windows

STEP_S: Final = 20.0  # of the latencies
_PALE: Final = "#dfe8f3"
_LINES: Final = ("#1f5fa8", "#c2571a")


def draw(path: Path, samples: Sequence[Sample], journal: Journal, orders: Sequence[Order], seconds: float) -> None:
    """Write the picture. The windows that are compared are shaded; a tick at the top is a fault."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, rows = pyplot.subplots(5, 1, sharex=True, figsize=(9, 12), layout="constrained")
    minutes = [sample.at_s / 60 for sample in samples]
    _line(rows[0], minutes, [sample.rss_mib for sample in samples], "memory (RSS), MiB", 0)
    _line(rows[1], minutes, [sample.files for sample in samples], "open files", 0)
    _line(rows[1], minutes, [sample.threads for sample in samples], "threads", 1)
    _line(rows[2], minutes, [sample.wal_mib for sample in samples], "write-ahead log, MiB", 0)
    for row, (kind, told) in zip(rows[3:], PATHS.items(), strict=True):
        actions = [action for action in journal.actions if action.path == kind and action.outcome == "answered"]
        for place, part in enumerate((0.5, 0.95)):
            times, values = _quantiles(actions, part, seconds)
            _line(row, times, values, f"{told}, p{part * 100:.0f}, s", place)
    for row in rows:
        for window in windows(seconds):
            row.axvspan(window.since_s / 60, window.until_s / 60, color=_PALE, zorder=0)
        row.vlines([order.at_s / 60 for order in orders], 0.97, 1, transform=row.get_xaxis_transform(), color="#888888")
        row.set_ylim(bottom=0)
        row.set_xlim(0, seconds / 60)
        row.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, borderaxespad=0)
        row.spines[["top", "right"]].set_visible(False)
    rows[-1].set_xlabel("minutes")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, metadata={"Software": None})
    pyplot.close(figure)


def _line(row: Any, times: Sequence[float], values: Sequence[float], label: str, place: int) -> None:
    row.plot(times, values, label=label, color=_LINES[place], linewidth=1.2)


def _quantiles(actions: Sequence[Action], part: float, seconds: float) -> tuple[list[float], list[float]]:
    """Return the minutes and the quantile of the answers that were asked for in each step."""
    times, values = [], []
    for number in range(int(seconds / STEP_S)):
        since_s = number * STEP_S
        found = [action.answer_s for action in actions if since_s <= action.at < since_s + STEP_S]
        if found:
            times.append((since_s + STEP_S / 2) / 60)
            values.append(quantile(found, part))
    return times, values
