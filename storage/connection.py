"""SQLite as one writer: who may write, where a transaction begins and ends, and what its errors become.

One connection serves every thread under one lock: with many threads that is faster than a connection a
thread, since SQLite has a single writer anyway. A transaction is `begin immediate`; inside one, the same
thread joins it. `durable=True` waits for the disk: only what was promised to the outside needs it, namely the
inbox and a settled turn. SQLite itself runs with `synchronous=normal`, which writes a commit into its log and leaves
the disk to the system; who needs more syncs that log after the commit, as `synchronous=full` would, but without the
lock, so that nobody else waits for the disk.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from core.errors import StorageError
from core.logs import event

Value: TypeAlias = str | int | float | bytes | None
Values: TypeAlias = tuple[Value, ...] | Mapping[str, Value]
Row: TypeAlias = sqlite3.Row

log = logging.getLogger(__name__)

DISK_PAUSE_S = 0.5
# `secure_delete`: what is deleted is overwritten with zeros, and not only given free.
PRAGMAS = (
    *("journal_mode=wal", "foreign_keys=on", "synchronous=normal", "temp_store=memory", "secure_delete=on"),
    "cache_size=-512",  # KiB; the system's own cache serves as well, and 1.5 MiB less are resident
)
READ_TIMEOUT_S = 5.0
BUSY_TIMEOUT_MS = 2_000  # whoever holds the file longer is reported; everything that waits tries again


_sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


def _open(path: Path) -> sqlite3.Connection:
    raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_MS / 1000)
    raw.row_factory = sqlite3.Row
    return raw


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of its own that only reads, all of it as the file was at one moment. Raises `StorageError`."""
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        raw = sqlite3.connect(address, uri=True, timeout=READ_TIMEOUT_S, isolation_level=None)
        with closing(raw) as reader:
            reader.execute("begin")
            yield reader
    except sqlite3.Error as error:
        raise StorageError(str(error)) from error


class Connection:
    """The one connection that writes. `sync` brings an open file's content to the disk, or raises `OSError`."""

    def __init__(self, path: Path, sync: Callable[[int], None] = _sync) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._closed = False
        self._sync = sync
        self._log_path = f"{path}-wal"  # there while this connection is open
        self._log_file: int | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._raw = _open(path)
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"{path}: {error}") from error
        try:
            for pragma in PRAGMAS:
                self._raw.execute(f"pragma {pragma}")
        except sqlite3.Error as error:
            self._raw.close()
            raise StorageError(f"{path}: {error}") from error

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """All or nothing of what the block writes. A block inside a block of the same thread joins it.

        `durable`: it ends when the disk has it, however long that takes.
        """
        with self._lock:
            if self._depth:
                yield
                return
            try:
                self._raw.execute("begin immediate")
            except sqlite3.Error as error:
                raise StorageError(str(error)) from error
            self._depth = 1
            try:
                yield
                self._commit()
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._depth = 0
        if durable:
            self._to_disk()

    def _to_disk(self) -> None:
        """Waits until the disk has SQLite's log. What has left that for the file meanwhile was synced there."""
        try:
            if self._log_file is None:
                with self._lock:
                    self._log_file = self._log_file or os.open(self._log_path, os.O_RDONLY)
            self._sync(self._log_file)
        except OSError as error:
            if not self._closed:
                event(log, logging.ERROR, "wal_sync_failed", error=str(error))
            # A second sync would say yes to what the first one lost: only writing it anew helps. It is committed, so
            # nobody is to hear of an error that makes them do it once more.
            while not self._closed and not self._folded():
                time.sleep(DISK_PAUSE_S)

    def _folded(self) -> bool:
        """Whether the whole log stands in the file, on the disk, now."""
        try:
            return bool(self.value("pragma wal_checkpoint(truncate)") == 0)
        except StorageError:
            return False

    def _commit(self) -> None:
        try:
            self._raw.execute("commit")
        except sqlite3.Error as error:
            raise StorageError(str(error)) from error

    def _roll_back(self) -> None:
        # A full disk makes SQLite roll back by itself; a second rollback would be an error of its own.
        if self._raw.in_transaction:
            try:
                self._raw.execute("rollback")
            except sqlite3.Error as error:
                raise StorageError(str(error)) from error

    def run(self, sql: str, values: Values = ()) -> int:
        """Runs a statement that changes rows; how many it changed."""
        with self._lock:
            try:
                return self._raw.execute(sql, values).rowcount
            except sqlite3.DatabaseError as error:
                self._fail(error)

    def insert(self, sql: str, values: Values = ()) -> int:
        """Runs an insert; the new row's id."""
        with self._lock:
            try:
                return self._raw.execute(sql, values).lastrowid or 0
            except sqlite3.DatabaseError as error:
                self._fail(error)

    def row(self, sql: str, values: Values = ()) -> Row | None:
        """The first row, or None. A statement that changes it is committed with it, where no transaction is open."""
        with self._lock:
            try:
                found: Row | None = self._raw.execute(sql, values).fetchone()
                return found
            except sqlite3.DatabaseError as error:
                self._fail(error)

    def rows(self, sql: str, values: Values = ()) -> list[Row]:
        """All rows."""
        with self._lock:
            try:
                return self._raw.execute(sql, values).fetchall()
            except sqlite3.DatabaseError as error:
                self._fail(error)

    def value(self, sql: str, values: Values = ()) -> Any:
        """The first column of the first row, or None."""
        found = self.row(sql, values)
        return found[0] if found is not None else None

    @property
    def total_changes(self) -> int:
        """How many rows were changed since the file was opened."""
        with self._lock:
            return self._raw.total_changes

    def _fail(self, error: sqlite3.DatabaseError) -> NoReturn:
        """Raises `StorageError`, or the error itself where it is a bug and no trouble of the disk."""
        bug = isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError)
        if bug and not self._closed:
            raise error
        raise StorageError(str(error)) from error

    def close(self) -> None:
        """Folds the log into the file and closes it; safe to call twice."""
        with self._lock:
            self._closed = True
            self._raw.close()
            if self._log_file is not None:
                os.close(self._log_file)
                self._log_file = None
