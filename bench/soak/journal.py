"""Keep what people did and what they were answered, with times, and find the figures of a window."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["answered", "told", "silent"]
Path = Literal["quick", "written", "page", "other"]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a person did. Times are seconds of the run.

    `path`: answered by the bot alone, by a model, by the page's server, or in a time that says nothing (a group, a
    payment).
    `note` is the key of the sentence that was said instead of an answer, or what the person saw last.
    """

    at: float
    habit: str
    what: str
    path: Path
    outcome: Outcome
    first_s: float  # until the first sign of the bot; 0 if there was none
    answer_s: float
    note: str = ""


@dataclass
class Journal:
    """All actions so far; thread-safe."""

    actions: list[Action] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, action: Action) -> None:
        with self._lock:
            self.actions.append(action)

    def within(self, since_s: float, until_s: float, path: Path) -> list[Action]:
        """Return the answered actions of one path that were begun in this time."""
        with self._lock:
            return [
                action
                for action in self.actions
                if since_s <= action.at < until_s and action.path == path and action.outcome == "answered"
            ]

    def outcomes(self) -> Counter[str]:
        """Return how many actions ended in which way."""
        return Counter(action.outcome for action in self.actions)

    def told(self) -> Counter[str]:
        """Return which sentences were said instead of an answer, and how often."""
        return Counter(action.note for action in self.actions if action.outcome == "told")

    def silent(self) -> list[Action]:
        """Return the actions that nobody answered."""
        return [action for action in self.actions if action.outcome == "silent"]


def quantile(values: Sequence[float], part: float) -> float:
    """Return the value that `part` of them don't exceed; 0 without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0
