"""Check that each part of the bot works, and say what is wrong with those that don't.

A part is healthy while its threads run, even if Telegram or a model doesn't answer. No check blocks: a part that could
hang is judged by when it last worked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from core.errors import StorageError
from database import Sales

TICKER_HANGS_S: Final = 60.0
DATABASE_HANGS_S: Final = 60.0
WRITE_EVERY_S: Final = 5.0

HealthProblem = Callable[[], str]  # returns what is wrong, in a few words; empty: nothing


class Pinged(Protocol):
    """A database, as far as it is needed here."""

    def ping(self) -> None:
        """Read something. Raises `StorageError`."""

    def ping_write(self) -> None:
        """Write something, as small as can be. Raises `StorageError`."""


class Heartbeat:
    """Notes when the ticker and the database last worked."""

    def __init__(self, database: Pinged, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._thread: threading.Thread | None = None
        self._beat_at = 0.0
        self._answered_at = 0.0
        self._write_at = -WRITE_EVERY_S  # of the last attempt to write
        self._error = ""

    def beat(self) -> None:
        """Read from the database, and every few seconds write to it: a full or read-only disk still reads.

        To be called by the ticker's thread about once a second; hangs if the database does.
        """
        self._thread = threading.current_thread()
        self._beat_at = self._clock()
        writes = self._beat_at - self._write_at >= WRITE_EVERY_S
        try:
            if writes:
                self._write_at = self._beat_at
                self._database.ping_write()
                self._error = ""
            else:
                self._database.ping()
        except StorageError as error:
            self._error = str(error)
        self._answered_at = self._clock()

    def ticker_problem(self) -> str:
        """Return what is wrong with the ticker; empty: nothing."""
        if self._thread is None:
            return "it hasn't begun"
        if not self._thread.is_alive():
            return "its thread has ended"
        silent_s = self._clock() - self._beat_at
        return f"it hasn't run for {silent_s:.0f} s" if silent_s > TICKER_HANGS_S else ""

    def database_problem(self) -> str:
        """Return what is wrong with the database; empty: nothing. Doesn't ask it."""
        if self._error:
            return self._error
        silent_s = self._clock() - self._answered_at
        return f"no answer for {silent_s:.0f} s" if self._answered_at and silent_s > DATABASE_HANGS_S else ""


class Health:
    """The health of all parts, by name."""

    def __init__(self, parts: Mapping[str, HealthProblem]) -> None:
        self._parts = dict(parts)

    def problems(self) -> dict[str, str]:
        """Return what is wrong with each part; empty: nothing."""
        return {name: health_problem() for name, health_problem in self._parts.items()}

    def is_alive(self) -> bool:
        """Return False if a restart of the process would help.

        An error of the database doesn't count: a restart can't mend it, and finished answers wait in memory. A database
        that hangs stops the ticker, which does count.
        """
        return not any(problem for name, problem in self.problems().items() if name != "database")


@dataclass(frozen=True, slots=True)
class DatabaseCounts:
    """What `/metrics` shows of the database: waiting updates, users, the project's tokens, and sales."""

    inbox_new: int
    inbox_in_turns: int
    inbox_oldest_s: float
    users: int
    budget_used: int
    budget_limit: int
    disk_free_bytes: int | None  # of the database's disk; None: unknown
    sales: Sales | None = None  # for Telegram Stars; None: nothing is or was sold


@dataclass(frozen=True, slots=True)
class Queues:
    """What waits in memory, and when Telegram last answered (seconds of the monotonic clock, 0: not yet)."""

    running: int
    waiting_for_model: int
    waiting_for_service: int
    outbox: int
    last_poll_at: float
