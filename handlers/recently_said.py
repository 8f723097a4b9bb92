"""What a user, or everybody in a chat, was told a moment ago, and isn't told again: a refusal, a question."""

from __future__ import annotations

import threading
import time
from typing import Final

EVERY_S: Final = 60.0  # for a refusal of each of many messages
_MOST_KNOWN: Final = 10_000  # sentences; more than that are forgotten


class RecentlySaid:
    """Knows what was said in which chat, and when. Thread-safe; forgets everything at a restart."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said_at: dict[tuple[int, int, int, str], float] = {}  # by chat, topic, user and key; monotonic time

    def is_due(self, chat_id: int, topic_id: int, user_id: int, key: str, *, every_s: float = EVERY_S) -> bool:
        """Return whether it wasn't said within `every_s`."""
        now = time.monotonic()
        with self._lock:
            return now - self._said_at.get((chat_id, topic_id, user_id, key), now - every_s) >= every_s

    def note(self, chat_id: int, topic_id: int, user_id: int, key: str) -> None:
        """Note that it is said now."""
        with self._lock:
            if len(self._said_at) >= _MOST_KNOWN:
                self._said_at.clear()
            self._said_at[chat_id, topic_id, user_id, key] = time.monotonic()

    def forget(self, chat_id: int, topic_id: int, user_id: int) -> None:
        """Forget all that the user was told in a chat's topic."""
        with self._lock:
            for said in [known for known in self._said_at if known[:3] == (chat_id, topic_id, user_id)]:
                del self._said_at[said]
