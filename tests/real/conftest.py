"""Skip a test whose programs are missing, and record what was verified.

A test names its programs by `@pytest.mark.real("nginx", …)`. With `VERIFIED` set, the run's results go to that file.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.real import report
from tests.real.software import SOFTWARE

_ROWS: list[report.Row] = []


def _names(item: pytest.Item) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for marker in item.iter_markers("real") for name in reversed(marker.args)))[::-1]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name in _names(item):
        if SOFTWARE[name].missing:
            pytest.skip(SOFTWARE[name].missing)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    result = yield
    if call.when == "call" or not result.passed:
        why = str(call.excinfo.value) if result.skipped and call.excinfo else ""
        _ROWS.append(report.Row(_names(item), item.name, result.outcome, why))
    return result


def pytest_sessionfinish(exitstatus: int) -> None:
    whole = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)  # and not stopped by Ctrl+C
    if whole and (target := os.environ.get("VERIFIED")):
        report.write(Path(target), _ROWS)
