"""A refusal that would be said of every message of many is said once a minute."""

from __future__ import annotations

import threading
import time
from typing import Final

EVERY_S: Final = 60.0
_MOST_KNOWN: Final = 10_000  # refusals; more than that are forgotten


class RepeatedRefusals:
    """Knows which refusals a user has had within a minute. Thread-safe; forgets everything at a restart."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said_at: dict[tuple[int, int, int, str], float] = {}  # by chat, topic, user and key; monotonic time

    def is_due(self, chat_id: int, topic_id: int, user_id: int, key: str, *, every_s: float = EVERY_S) -> bool:
        """Return whether a refusal is to be said now."""
        now = time.monotonic()
        with self._lock:
            return now - self._said_at.get((chat_id, topic_id, user_id, key), now - every_s) >= every_s

    def note(self, chat_id: int, topic_id: int, user_id: int, key: str) -> None:
        """Note that a refusal is said now."""
        with self._lock:
            if len(self._said_at) >= _MOST_KNOWN:
                self._said_at.clear()
            self._said_at[chat_id, topic_id, user_id, key] = time.monotonic()

    def forget(self, chat_id: int, topic_id: int, user_id: int) -> None:
        """Have the next refusal in a chat's topic said: something of the user's was accepted there meanwhile."""
        with self._lock:
            for refusal in [known for known in self._said_at if known[:3] == (chat_id, topic_id, user_id)]:
                del self._said_at[refusal]
