"""Limits, intervals and timeouts of sending, and their arithmetic.

Times are seconds of one clock that the caller reads (`now`); nothing sleeps. The figures are Telegram's own rough ones:
30 messages a second in all, one a second per chat with short bursts, 20 a minute per group.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import Final

NEVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class SendLimits:
    """Limits, intervals and timeouts of sending. 0 switches a limit off."""

    messages_per_s: int = 30
    chat_interval_s: float = 1.0
    chat_burst: int = 3  # messages of one chat that may go at once after a silence
    group_per_min: int = 20
    draft_interval_s: float = 1.0
    draft_refresh_s: float = 20.0  # Telegram hides a draft after 30
    typing_delay_s: float = 0.6  # a quick answer needs no "typing …"
    typing_interval_s: float = 4.5  # Telegram shows it for 5
    notice_interval_s: float = 3.0
    growth_interval_s: float = 1.5  # between two edits of a growing answer, for a short one
    forget_s: float = 300.0  # a draft or typing ends by itself if it is not renewed for this long
    retry_first_s: float = 0.5
    retry_most_s: float = 30.0
    timeout_s: float = 30.0
    file_timeout_s: float = 120.0
    best_effort_timeout_s: float = 5.0  # a hanging draft delays the message behind it by no more than this
    flood_chats: int = 5  # this many chats refused within a second: all of them pause


class Window:
    """Allows at most `limit` in any `period_s`; 0: no limit."""

    def __init__(self, limit: int, period_s: float) -> None:
        self._limit = limit
        self._period_s = period_s
        self._taken: deque[float] = deque(maxlen=limit)

    def next_at(self) -> float:
        """Return when one more is allowed."""
        if self._limit and len(self._taken) == self._limit:
            return self._taken[0] + self._period_s
        return 0.0

    def spare_at(self) -> float:
        """Return when one more is allowed that leaves half of the limit free."""
        over = len(self._taken) - max(1, self._limit // 2)
        return self._taken[over] + self._period_s if self._limit and over >= 0 else 0.0

    def spare(self, now: float) -> float:
        """Return the free share of the limit, 0 to 1."""
        if not self._limit:
            return 1.0
        while self._taken and self._taken[0] + self._period_s <= now:
            self._taken.popleft()
        return 1.0 - len(self._taken) / self._limit

    def take(self, now: float) -> None:
        """Count one at `now`, without checking the limit."""
        if self._limit:
            self._taken.append(now)


class Bucket:
    """Allows one per `interval_s`, and up to `burst` at once after a silence; 0: no limit."""

    __slots__ = ("_ahead_s", "_full_at", "_interval_s")

    def __init__(self, interval_s: float, burst: int) -> None:
        self._interval_s = interval_s
        self._ahead_s = interval_s * (burst - 1)
        self._full_at = 0.0  # when the bucket is full again

    def next_at(self) -> float:
        """Return when one more is allowed."""
        return self._full_at - self._ahead_s

    def spare_at(self) -> float:
        """Return when one more is allowed that leaves the rest of a burst."""
        return self._full_at

    def take(self, now: float) -> None:
        """Count one at `now`, without checking the limit."""
        self._full_at = max(self._full_at, now) + self._interval_s


def backoff_s(attempt: int, limits: SendLimits) -> float:
    """Return the wait after `attempt` failures in a row: doubled each time, with jitter."""
    longest = min(limits.retry_most_s, limits.retry_first_s * 2.0 ** min(attempt - 1, 20))
    return longest * random.uniform(0.5, 1.0)
