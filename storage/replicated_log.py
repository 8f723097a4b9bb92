"""SQLite's write-ahead log (WAL) while Litestream copies it to another machine.

Litestream holds a read lock, so that only its own checkpoints let the WAL begin anew. While Litestream is stopped,
SQLite's automatic checkpoints would do so in place. Litestream 0.5.17, started after two of them, copies the last WAL
only and doesn't notice that the one before is missing. It does notice a truncated WAL, and then copies the whole file.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from core.logs import event
from storage.connection import Connection, truncate

log = logging.getLogger(__name__)

LITESTREAM_TABLES: Final = ("_litestream_seq", "_litestream_lock")  # it makes them in each database that it copies
LONGEST: Final = 16 * 1024 * 1024  # bytes; Litestream checkpoints at 4 MB


class ReplicatedLog:
    """Lets nothing but Litestream and a truncation shorten the WAL of a database that Litestream has ever copied."""

    def __init__(self, connection: Connection, path: Path, longest: int = LONGEST) -> None:
        self._connection = connection
        self._path = path
        self._wal = path.with_name(f"{path.name}-wal")
        self._longest = longest
        self._replicated = False
        self._look()

    def tend(self) -> None:
        """End SQLite's automatic checkpoints once Litestream copies this file, and truncate a WAL that grew too long.

        A WAL that Litestream is reading stays as it is. Call this about once a minute. Raises `StorageError`.
        """
        self._look()
        if self._replicated and self._wal.exists() and self._wal.stat().st_size > self._longest:
            truncate(self._path)

    def _look(self) -> None:
        if self._replicated:
            return
        if self._connection.value("select 1 from sqlite_master where name = ?", ("_litestream_seq",)):
            self._connection.leave_checkpoints()
            self._replicated = True
            event(log, logging.INFO, "litestream_found")
