"""The bot under a supervisor that starts it again whenever it is killed; run by tests, never by anything else.

    python -m tests.counted_bot FILE     # the configuration is read from the environment, as by bot.py

The supervisor imports the bot's modules once and forks: a start takes a fraction of that of a new Python. Each child
runs `bot.main()`. Its commits and syncs are counted in FILE (`tests/counters.py`), which also says at which of them the
child kills itself. Only `sqlite3` and `os` are wrapped; the bot's own code is as it is.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.counters import Counters
from tests.failing_disk import fail_disk_calls

PR_SET_PDEATHSIG = 1
CHANGES = ("insert", "update", "delete", "replace")


def count_commits(counters: Counters) -> None:
    """Have every connection count its commits, also those of single statements outside a transaction."""
    connect = sqlite3.connect

    class Counted(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            alone = not self.in_transaction and sql.lstrip().lower().startswith(CHANGES)
            if not alone and sql != "commit":
                return super().execute(sql, *values)
            counters.reach("commit-before")
            result = super().execute(sql, *values)
            counters.reach("commit-after")
            return result

    def counted(*arguments: Any, **options: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = connect(*arguments, **{"factory": Counted} | options)
        return made

    sqlite3.connect = counted  # type: ignore[assignment]


def count_syncs(counters: Counters) -> None:
    """Have the syncs of the WAL by Python's code counted. Those of SQLite's checkpoints aren't."""

    def wrapped(sync: Callable[[Any], None]) -> Callable[[Any], None]:
        def counted(file: Any) -> None:
            counters.reach("sync-before")
            sync(file)
            counters.reach("sync-after")

        return counted

    os.fsync = wrapped(os.fsync)  # type: ignore[assignment]
    os.fdatasync = wrapped(os.fdatasync)  # type: ignore[assignment]


def main() -> int:
    counters = Counters(Path(sys.argv[1]))
    count_commits(counters)
    count_syncs(counters)
    import bot
    import web.server  # noqa: F401 - imported here, a start of the Web App takes no time

    child = 0

    def pass_on(number: int, _frame: object) -> None:
        if child:
            os.kill(child, number)

    signal.signal(signal.SIGTERM, pass_on)
    while True:
        supervisor = os.getpid()
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != supervisor:
                os._exit(1)
            counters.begin_run(os.getpid())
            if counters.error:
                fail_disk_calls(counters)
            os._exit(bot.main([]))
        _, status = os.waitpid(child, 0)
        if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
