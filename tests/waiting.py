"""Wait for a condition."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(look: Callable[[], Found], timeout_s: float = 10.0) -> Found:
    """Return what `look` returns once it is true; fail after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline, "the condition did not hold in time"
        time.sleep(0.01)
    return found
