"""Run the tests on each mutant of a module, several mutants at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, Final

from tests.mutants.modules import ROOT, Mutated
from tests.mutants.mutations import Mutant, mutants_of
from tests.mutants.results import Key, Row

# A mutant never ends if its tests take so many times as long as usual, and so many seconds.
SLOWER: Final = 5
LEAST_WALL_S: Final = 15
LEAST_CPU_S: Final = 5
OFTEN: Final = 5  # tests that fail most often run first


class Runner:
    """A process that runs tests (`tests/mutants/runner.py`), of the Python that has what they need."""

    def __init__(self, python: str) -> None:
        self._process = subprocess.Popen(
            [python, "-m", "tests.mutants.runner"],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *, timeout_s: float, warm: bool = False, **run: object) -> dict[str, Any]:
        """Run tests on a module's code and return what came of it; `warm`: import first what they need."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{json.dumps({'run': run, 'timeout_s': timeout_s, 'warm': warm})}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())  # type: ignore[no-any-return]

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


@contextmanager
def running(python: str, jobs: int) -> Iterator[list[Runner]]:
    """Give so many runners, and end them."""
    runners = [Runner(python) for _ in range(jobs)]
    try:
        yield runners
    finally:
        for runner in runners:
            runner.close()


def try_module(module: str, part: Mutated, runners: Sequence[Runner], only: Set[Key] | None) -> list[Row]:
    """Return each mutant of a module with what came of it; `only` names those to try."""
    timeout_s, cpu_s = _usual(module, part, runners)
    failed: Counter[str] = Counter()
    free: SimpleQueue[Runner] = SimpleQueue()
    for runner in runners:
        free.put(runner)

    def attempt(mutant: Mutant) -> Row:
        runner, often = free.get(), [test for test, _ in failed.most_common(OFTEN)]
        result = runner.run(
            module=module, code=mutant.code, tests=part.tests, fail_often=often, timeout_s=timeout_s, cpu_s=cpu_s
        )
        free.put(runner)
        test = result["test"] or ("pytest itself" if result["status"] else "")
        failed[test] += 1
        return Row(mutant.module, mutant.operator, mutant.number, mutant.line, mutant.before, mutant.after, test)

    found: list[Row] = []
    mutants = (one for one in mutants_of(module) if only is None or (one.operator, one.number) in only)
    with ThreadPoolExecutor(len(runners)) as pool:
        for row in pool.map(attempt, mutants):
            found.append(row)
            if row.survived:
                log(f"  {row.operator} {row.module}:{row.line}\n    - {row.before}\n    + {row.after}")
            if not len(found) % 50:
                log(f"  {len(found)} …")
    log(f"{module}: {sum(row.survived for row in found)} survived of {len(found)}")
    return found


def _usual(module: str, part: Mutated, runners: Sequence[Runner]) -> tuple[float, int]:
    """Return after how many idle seconds, and how many of the processor, a mutant's tests are ended."""
    code = (ROOT / module).read_text("utf-8")
    for runner in runners:
        for warm in (True, False):
            usual = runner.run(
                module=module, code=code, tests=part.tests, fail_often=(), timeout_s=300, cpu_s=200, warm=warm
            )
            assert usual["status"] == 0 and usual["ran"], f"the tests of {module} fail without a mutant: {usual}"
    log(f"{module}: {usual['ran']} tests take {usual['cpu_s']:.1f} s of the processor")
    return max(LEAST_WALL_S, SLOWER * usual["wall_s"]), int(max(LEAST_CPU_S, SLOWER * usual["cpu_s"]))


def log(text: str) -> None:
    """Write a line of progress."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
