"""The order in which several workers take the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.suite_order import BROWSER, WAITING, arranged

HERE = Path(__file__).parent


class Found:
    def __init__(self, name: str) -> None:
        self.path = Path(f"test_{name}.py")


@pytest.mark.parametrize("workers", [0, 1, 2, 4, 7])
@pytest.mark.parametrize("others", [0, 3, 100])
def test_no_test_is_lost_and_the_slow_ones_come_first(workers: int, others: int) -> None:
    found = [Found(name) for name in ("config", *WAITING, *BROWSER)] + [Found("story")] * others
    order = arranged(found, workers)
    assert sorted(map(id, order)) == sorted(map(id, found))
    names = [test.path.stem.removeprefix("test_") for test in order]
    assert tuple(names[: len(WAITING)]) == WAITING
    if workers == 4 and others == 100:
        second = len(found) // 4
        assert tuple(names[second : second + len(BROWSER)]) == BROWSER


def test_every_slow_file_exists() -> None:
    assert not [name for name in WAITING + BROWSER if not (HERE / f"test_{name}.py").exists()]
