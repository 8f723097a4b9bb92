"""How many points were tried: a way a line at the end of pytest's output, whichever of its processes tried them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.all_points import Outcome

NOTED = "tried points"


def note(record_property: Callable[[str, object], None], way: str, outcome: Outcome) -> None:
    """Note for the summary what came of the points that were tried in this way."""
    number = [outcome.tried, outcome.conversations, len(outcome.missed), len(outcome.failures)]
    record_property(NOTED, [way, *number])


def summary(reports: Iterable[pytest.TestReport]) -> list[str]:
    """Return a line for each way, with the sums over all tests."""
    sums: dict[str, Counter[str]] = {}
    for report in reports:
        for name, value in report.user_properties:
            if name == NOTED and isinstance(value, list):
                way, *numbers = value
                names = ("points", "conversations", "not reached", "failed")
                sums.setdefault(way, Counter()).update(dict(zip(names, numbers, strict=True)))
    return [
        f"{way}: {sum_['points']} points in {sum_['conversations']} conversations;"
        f" {sum_['not reached']} not reached, {sum_['failed']} failed"
        for way, sum_ in sorted(sums.items())
    ]
