"""Read from the bot's database what the models were asked for, and when."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.soak.verdict import Window


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call; `purpose` is what for: a part, a summary of older text, a title."""

    at_s: float  # of the run
    purpose: str


def read(database: Path, begun_at: float) -> list[ModelCall]:
    """Return the calls since `begun_at` (Unix time), oldest first."""
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "select asked_at, purpose from call where asked_at >= ? order by id", (int(begun_at),)
        )
        return [ModelCall(asked_at - begun_at, purpose) for asked_at, purpose in rows]


def purposes(calls: Sequence[ModelCall], window: Window) -> Counter[str]:
    """Return how often a model was asked for what within a window."""
    return Counter(call.purpose for call in calls if window.has(call.at_s))
