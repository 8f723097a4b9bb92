"""Free a disk a while after its calls have begun to fail; nothing may be acknowledged meanwhile that isn't stored."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.counted_servers import CountedTelegram
from tests.counters import Counters
from tests.harness import BotHarness

FULL_S = 1.2  # longer than the bot waits before it tries again


@contextmanager
def freed(counters: Counters, telegram: CountedTelegram, harness: BotHarness) -> Iterator[None]:
    """Have a full disk freed while the block runs, at its end at the latest."""
    over = threading.Event()
    missing: set[int] = set()

    def free() -> None:
        while not counters.fails:
            if over.wait(0.02):
                return
        over.wait(FULL_S)
        if telegram.acknowledged:
            missing.update(telegram.acknowledged - set(harness.db.values("inbox", "update_id")))
        counters.free()

    watching = threading.Thread(target=free)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()
    assert not missing, f"acknowledged, and not stored: {missing}"
