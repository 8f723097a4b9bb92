"""An answer's draft: its text is that of the moment when a sender takes it, so one draft at a time is enough."""

from __future__ import annotations

import time
from collections.abc import Callable

DRAFT_DROPPED_S = 1.0  # after which a draft that never went is taken for dropped


class Growing:
    """What `delivery` calls for the text of a draft. `text` says what is written so far."""

    def __init__(self, text: Callable[[], str], first: str) -> None:
        self._text = text
        self._first = first  # what was decided on before, where the opening is open again
        self._told_at = 0.0

    def waits(self) -> bool:
        """Whether the draft that was told of last is still to go; if not, the next one is told of now."""
        now = time.monotonic()
        if now - self._told_at < DRAFT_DROPPED_S:
            return True
        self._told_at = now
        return False

    def __call__(self) -> str:
        self._told_at = 0.0
        return self._text() or self._first
