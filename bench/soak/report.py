"""Tell a run as Markdown: what is compared, what people were answered, which faults they met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bench.soak.journal import Journal, quantile
from bench.soak.sampler import Sample
from bench.soak.verdict import Figure


def compared(found: Sequence[Figure], minutes: tuple[str, str]) -> str:
    """Return the table of both windows."""
    lines = [f"| | minutes {minutes[0]} | minutes {minutes[1]} | change |", "|---|--:|--:|--:|"]
    for figure in found:
        before, after = _shown(figure, figure.before), _shown(figure, figure.after)
        lines.append(f"| {figure.name} | {before} | {after} | {figure.change:+.1%} |")
    return "\n".join(lines)


def asked(before: Mapping[str, int], after: Mapping[str, int], minutes: tuple[str, str]) -> str:
    """Return a table of what the models were asked for in both windows."""
    lines = [f"| calls of a model | minutes {minutes[0]} | minutes {minutes[1]} |", "|---|--:|--:|"]
    for purpose in sorted({*before, *after}):
        lines.append(f"| {purpose} | {before.get(purpose, 0)} | {after.get(purpose, 0)} |")
    return "\n".join(lines)


def answers(journal: Journal) -> str:
    """Return a table of habits: how much each did, and what became of it."""
    lines = ["| habit | actions | answered | told what is wrong | silent | p50 / p95, s |", "|---|--:|--:|--:|--:|--:|"]
    for habit in sorted({action.habit for action in journal.actions}):
        of_habit = [action for action in journal.actions if action.habit == habit]
        outcomes = Counter(action.outcome for action in of_habit)
        times = [action.answer_s for action in of_habit if action.outcome == "answered"]
        cells = (habit, len(of_habit), *(outcomes[name] for name in ("answered", "told", "silent")))
        lines.append(f"| {' | '.join(map(str, cells))} | {quantile(times, 0.5):.2f} / {quantile(times, 0.95):.2f} |")
    return "\n".join(lines)


def counted(title: str, counts: Mapping[str, int], most: int = 40) -> str:
    """Return counts as one line, the largest first."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])[:most]
    return f"{title}: " + (", ".join(f"{name} {number}" for name, number in ordered) or "none")


def traffic(samples: Sequence[Sample], journal: Journal, sent: Mapping[int, int]) -> str:
    """Return a line: how much was done, and what it took."""
    seconds = samples[-1].at_s if samples else 1.0
    peak = max(sent.values(), default=0)
    cpu_s = samples[-1].cpu_s if samples else 0.0
    load = sum(sample.load for sample in samples) / max(1, len(samples))
    return (
        f"{len(journal.actions)} actions in {seconds:.0f} s; "
        f"{sum(sent.values())} messages, {peak} in the fullest second; "
        f"{cpu_s:.0f} s of processor time; database {samples[-1].database_mib if samples else 0:.1f} MiB; "
        f"load of the machine {load:.1f}"
    )


def _shown(figure: Figure, value: float) -> str:
    digits = {"s": 3, "MiB": 2}.get(figure.unit, 0)
    return f"{value:.{digits}f} {figure.unit}".strip()
