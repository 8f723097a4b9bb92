"""The bot under a supervisor that starts it again whenever it is killed; run by `tests/bot_forker.py` only.

    python -m tests.counted_bot     # each line of the input asks for a run of the bot

The supervisor imports the bot's modules and reads its texts once, and forks: a start takes a tenth of that of a new
Python. Each child runs `bot.main()`. Its commits and syncs are counted in a file (`tests/counters.py`), which also says
at which of them the child kills itself. Only `sqlite3` and `os` are wrapped; the bot's own code is as it is.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.counters import Counters
from tests.failing_disk import fail_disk_calls

if TYPE_CHECKING:
    from conversation.localization import Locales

PR_SET_PDEATHSIG = 1
CHANGES = ("insert", "update", "delete", "replace")
AGAIN_S = 0.2  # before a bot that couldn't start is started again


class Counting:
    """Counts in the file of the run. Wrapped before the bot's modules are imported, which happens before any run."""

    def __init__(self) -> None:
        self.counters: Counters | None = None

    def reach(self, kind: str) -> None:
        if self.counters is not None:
            self.counters.reach(kind)


def count_commits(counting: Counting) -> None:
    """Have every connection count its commits, also those of single statements outside a transaction."""
    connect = sqlite3.connect

    class Counted(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            alone = not self.in_transaction and sql.lstrip().lower().startswith(CHANGES)
            if not alone and sql != "commit":
                return super().execute(sql, *values)
            counting.reach("commit-before")
            result = super().execute(sql, *values)
            counting.reach("commit-after")
            return result

    def counted(*arguments: Any, **options: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = connect(*arguments, **{"factory": Counted} | options)
        return made

    sqlite3.connect = counted  # type: ignore[assignment]


def count_syncs(counting: Counting) -> None:
    """Have the syncs of the WAL by Python's code counted. Those of SQLite's checkpoints aren't."""

    def wrapped(sync: Callable[[Any], None]) -> Callable[[Any], None]:
        def counted(file: Any) -> None:
            counting.reach("sync-before")
            sync(file)
            counting.reach("sync-after")

        return counted

    os.fsync = wrapped(os.fsync)  # type: ignore[assignment]
    os.fdatasync = wrapped(os.fdatasync)  # type: ignore[assignment]


def supervise(environment: Mapping[str, str], counters: Counters, locales: Locales) -> int:
    """Run the bot until it ends by itself; return its exit code."""
    supervisor = os.getpid()
    while True:
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != supervisor:
                os._exit(1)
            run_bot(environment, counters, locales)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code == 1 and counters.may_fail_to_start:
            time.sleep(AGAIN_S)
        elif code != -signal.SIGKILL:
            return code


def run_bot(environment: Mapping[str, str], counters: Counters, locales: Locales) -> None:
    """Run the bot in this process, which ends with it."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    import bot

    counters.begin_run(os.getpid())
    if counters.error:
        fail_disk_calls(counters)
    os._exit(bot.main([], environment, locales))


def main() -> int:
    counting = Counting()
    count_commits(counting)
    count_syncs(counting)
    import bot  # noqa: F401 - imported here, a start of the bot and of the Web App takes no time
    import web.server  # noqa: F401
    from tests.ready_made import shipped_locales

    locales = shipped_locales()
    gc.freeze()  # else the collector writes into every page that a child shares
    for line in sys.stdin:
        run = json.loads(line)
        file = os.open(run["stderr"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, 2)
        os.close(file)
        counting.counters = Counters(Path(run["counters"]))
        code = supervise(run["environment"], counting.counters, locales)
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
