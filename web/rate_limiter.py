"""How many requests one user may make: a token bucket each, for the users seen last."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

MOST_BUCKETS = 10_000


@dataclass(slots=True)
class _Bucket:
    left: float
    filled_at: float


class RateLimiter:
    """Allows `burst` requests at once and `per_s` a second after that, to each `who`. Thread-safe."""

    def __init__(self, burst: int, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._per_s = per_s
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

    def allows(self, who: Hashable) -> bool:
        """Count one more request of `who`; False if it is one too many."""
        now = self._clock()
        with self._lock:
            bucket = self._buckets.setdefault(who, _Bucket(self._burst, now))
            self._buckets.move_to_end(who)
            while len(self._buckets) > MOST_BUCKETS:
                self._buckets.popitem(last=False)
            bucket.left = min(self._burst, bucket.left + (now - bucket.filled_at) * self._per_s)
            bucket.filled_at = now
            if bucket.left < 1:
                return False
            bucket.left -= 1
            return True
