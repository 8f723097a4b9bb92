"""Whether the bot moves: a sentence for each part that doesn't.

Being well means going round, not being answered: with Telegram or a model away the bot is well, with a thread that has
ended or hangs it isn't. Nothing here waits for anything: what could hang is looked at by its last sign of life.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from core.errors import StorageError

TICKER_HANGS_S: Final = 60.0
DATABASE_HANGS_S: Final = 60.0

HealthProblem = Callable[[], str]  # what is wrong, in a few words; empty: nothing


class Answering(Protocol):
    """A database, as far as it is asked here."""

    def answers(self) -> None:
        """Reads something. Raises `StorageError`."""


class Heart:
    """Beats with the ticker, and feels the database at each beat."""

    def __init__(self, database: Answering, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._thread: threading.Thread | None = None
        self._beat_at = 0.0
        self._answered_at = 0.0
        self._error = ""

    def beat(self) -> None:
        """To be called by the ticker's thread, every second or so. May hang where the database does."""
        self._thread = threading.current_thread()
        self._beat_at = self._clock()
        try:
            self._database.answers()
        except StorageError as error:
            self._error = str(error)
        else:
            self._error = ""
        self._answered_at = self._clock()

    def ticker(self) -> str:
        """What is wrong with the ticker, in a few words; empty: nothing."""
        if self._thread is None:
            return "it hasn't begun"
        if not self._thread.is_alive():
            return "its thread has ended"
        silent_s = self._clock() - self._beat_at
        return f"no sign of life for {silent_s:.0f} s" if silent_s > TICKER_HANGS_S else ""

    def database(self) -> str:
        """What is wrong with the database, in a few words; empty: nothing. Never waits for it."""
        if self._error:
            return self._error
        silent_s = self._clock() - self._answered_at
        return f"no answer for {silent_s:.0f} s" if self._answered_at and silent_s > DATABASE_HANGS_S else ""


class Health:
    """All parts, by name."""

    def __init__(self, parts: Mapping[str, HealthProblem]) -> None:
        self._parts = dict(parts)

    def look(self) -> dict[str, str]:
        """What is wrong with each part; empty: nothing."""
        return {name: health_problem() for name, health_problem in self._parts.items()}

    def moves(self) -> bool:
        """Whether a new start of the process couldn't help.

        A database that says no is not to be mended by a start, and answers in hand wait for it; one that hangs stops
        the ticker.
        """
        return not any(problem for name, problem in self.look().items() if name != "database")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database says: rows that wait, the age of the oldest, people, tokens of the project."""

    inbox_new: int
    inbox_in_turns: int
    inbox_oldest_s: float
    users: int
    budget_used: int
    budget_limit: int


@dataclass(frozen=True, slots=True)
class Queues:
    """What waits in memory, and when Telegram last answered (seconds of the monotonic clock, 0: not yet)."""

    running: int
    waiting_for_model: int
    waiting_for_service: int
    outbox: int
    last_poll_at: float
