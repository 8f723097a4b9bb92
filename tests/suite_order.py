"""The order of the tests for several workers: what waits longest begins first, so that no worker ends long after all.

pytest-xdist gives each worker an equal part of the list, in order; who has ended takes tests from the end of another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

# These tests wait for processes, timeouts and the disk; they need little of the processor.
WAITING = (
    *("crash_points", "crashes", "deploy", "failing_disk", "monitoring", "outside", "process", "second_machine"),
    *("shutdown", "soak"),
)
# These drive Chromium, which a worker starts once.
BROWSER = ("evening", "page", "page_groups", "page_model", "page_web_app", "webapp_page", "webapp_page_for_everybody")


class Test(Protocol):
    @property
    def path(self) -> Path: ...


T = TypeVar("T", bound=Test)


def arranged(tests: Sequence[T], workers: int) -> list[T]:
    """Return the tests so that the first worker's part begins with `WAITING` and the second's with `BROWSER`."""
    heads: list[list[T]] = [[test for test in tests if _name(test) in names] for names in (WAITING, BROWSER)]
    heads += [[] for _ in range(workers - len(heads))]
    rest = [test for test in tests if _name(test) not in WAITING + BROWSER]
    order: list[T] = []
    for number, head in enumerate(heads):
        part = (len(tests) - len(order)) // max(1, workers - number)
        taken = max(0, part - len(head))
        order += head + rest[:taken]
        del rest[:taken]
    return order + rest


def _name(test: Test) -> str:
    return test.path.stem.removeprefix("test_")
