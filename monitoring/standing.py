"""How things stand when somebody asks: the numbers that are looked up and not counted."""

from __future__ import annotations

from dataclasses import dataclass


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
