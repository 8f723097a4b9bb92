"""Start the bot in a process that has imported it already, and have it started again whenever it is killed.

One process serves all conversations that a test's process plays, one after the other.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests import failing_disk
from tests.counters import Counters
from tests.harness import ROOT, until

STOP_MAY_TAKE_S = 25.0
STDERR = "stderr.txt"  # beside the counters


class BotForker:
    """The process of `tests/counted_bot.py`; with `failing_disk` the bot's calls to the disk can fail."""

    def __init__(self, *, can_fail: bool) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.counted_bot"],
            cwd=ROOT,
            env=environment | (failing_disk.environment() if can_fail else {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def start(self, environment: Mapping[str, str], counters: Path) -> None:
        """Have the bot run with this environment, its moments counted in the file `counters`."""
        assert self._process.stdin is not None
        files = {"counters": str(counters), "stderr": str(counters.with_name(STDERR))}
        self._process.stdin.write(json.dumps({"environment": dict(environment)} | files) + "\n")

    def stop(self, counters: Counters) -> int:
        """Stop the bot as systemd does; return its exit code. One that was killed last is waited for."""
        until(lambda: _minds_sigterm(counters.pid))
        os.kill(counters.pid, signal.SIGTERM)
        assert self._process.stdout is not None
        assert select.select([self._process.stdout], [], [], STOP_MAY_TAKE_S)[0], "the bot didn't stop in time"
        return int(self._process.stdout.readline())

    def kill(self) -> None:
        """Kill this process, with which its bot dies."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _minds_sigterm(pid: int) -> bool:
    """Return whether a process has begun so far that SIGTERM doesn't end it at once."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return False  # killed; the next one has a new pid
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)


@cache
def _kept() -> dict[bool, BotForker]:
    kept: dict[bool, BotForker] = {}

    def kill_all() -> None:
        for one in kept.values():
            one.kill()

    atexit.register(kill_all)
    return kept


def forker(*, can_fail: bool) -> BotForker:
    """Return the forker of this process, which runs no bot. Whoever leaves a bot running kills it."""
    kept = _kept()
    if can_fail not in kept or not kept[can_fail].is_alive:
        kept[can_fail] = BotForker(can_fail=can_fail)
    return kept[can_fail]
