"""SQLite with a single writer: locking, transactions and error translation.

All threads share one connection under one lock. SQLite has a single writer anyway, and with many threads this is faster
than a connection per thread. A transaction is `begin immediate`; a nested one in the same thread joins it.

`durable=True` waits for the disk. Only promises to the outside need it: the inbox and a settled turn. SQLite runs with
`synchronous=normal`, which writes a commit to the WAL and leaves the disk to the operating system. A durable
transaction syncs the WAL after the commit, as `synchronous=full` would, but outside the lock, so that no other thread
waits for the disk.
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
from storage.file_access import LOCAL_DISK, make_private

Value: TypeAlias = str | int | float | bytes | None
Values: TypeAlias = tuple[Value, ...] | Mapping[str, Value]
Row: TypeAlias = sqlite3.Row

log = logging.getLogger(__name__)

DISK_PAUSE_S = 0.5
MOST_REFUSED = 30  # checkpoints after a failed sync, because of a reader; about 20 seconds
# `secure_delete` overwrites deleted content with zeros.
PRAGMAS = (
    *("journal_mode=wal", "foreign_keys=on", "synchronous=normal", "temp_store=memory", "secure_delete=on"),
    "cache_size=-512",  # KiB: the system's file cache does as well, and the process stays 1.5 MiB smaller
    "journal_size_limit=4194304",  # a log that a long reader made longer is cut to what a usual one takes
)
# SQLite's names of what a network or FUSE file system can't do.
NOT_LOCAL = ("SQLITE_IOERR_SHM", "SQLITE_IOERR_LOCK", "SQLITE_IOERR_RDLOCK", "SQLITE_PROTOCOL")
UNABLE = f"this file system can't lock files or share memory, which SQLite's WAL needs: {LOCAL_DISK}"
READ_TIMEOUT_S = 5.0
TRY_TIMEOUT_S = 0.2
BUSY_TIMEOUT_MS = 2_000  # a longer lock is an error; whatever waited tries again


_sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


def _open(path: Path) -> sqlite3.Connection:
    raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_MS / 1000)
    raw.row_factory = sqlite3.Row
    return raw


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a separate read-only connection that sees the file as of one moment.

    Raises `StorageError`.
    """
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        raw = sqlite3.connect(address, uri=True, timeout=READ_TIMEOUT_S, isolation_level=None)
        with closing(raw) as reader:
            reader.execute("begin")
            yield reader
    except sqlite3.Error as error:
        raise StorageError(str(error)) from error


def try_to_write(path: Path, sql: str, values: Values) -> tuple[Value, ...]:
    """Run one statement over a connection of its own that waits for a lock only shortly. Return its first row.

    Raises `StorageError`. The shared connection would hold its lock for as long as the file is locked, and keep every
    other thread waiting.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=TRY_TIMEOUT_S)) as raw:
            raw.execute("pragma synchronous=normal")
            raw.execute("pragma wal_autocheckpoint=0")  # the shared connection's settings say who checkpoints
            return tuple(raw.execute(sql, values).fetchone() or ())
    except sqlite3.Error as error:
        raise StorageError(str(error)) from error


def truncate(path: Path) -> bool:
    """Checkpoint the whole WAL and truncate it, as `try_to_write` does. Return False if a reader keeps it.

    Raises `StorageError`.
    """
    return try_to_write(path, "pragma wal_checkpoint(truncate)", ())[:1] == (0,)


class Connection:
    """The only writing connection.

    `sync` flushes an open file to disk or raises `OSError`; `end_process` takes an exit code.
    """

    def __init__(
        self, path: Path, sync: Callable[[int], None] = _sync, end_process: Callable[[int], object] = os._exit
    ) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._closed = False
        self._checkpoints = True
        self._sync = sync
        self._end_process = end_process
        self.most_refused = MOST_REFUSED
        self._path = path
        self._log_path = f"{path}-wal"  # exists while this connection is open
        self._log_file: int | None = None
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            make_private(path)
            self._raw = _open(path)
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"{path}: {error}") from error
        try:
            for pragma in PRAGMAS:
                self._raw.execute(f"pragma {pragma}")
            journal = self._raw.execute("pragma journal_mode").fetchone()[0]
        except sqlite3.Error as error:
            self._raw.close()
            unable = error.sqlite_errorname.startswith(NOT_LOCAL)
            raise StorageError(f"{path}: {f'{UNABLE} ({error})' if unable else error}") from error
        if journal != "wal":
            self._raw.close()
            raise StorageError(f"{path}: {UNABLE} (journal_mode={journal})")

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """Commit all of the block's writes, or none. A nested block in the same thread joins the outer one.

        `durable`: return only once the disk has the commit, however long that takes.
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
            self.to_disk()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo the block's writes if it raises; the transaction around it goes on."""
        self.run("savepoint part")
        try:
            yield
        except BaseException:
            if self._raw.in_transaction:  # on a full disk SQLite has rolled back by itself
                self.run("rollback to part")
                self.run("release part")
            raise
        self.run("release part")

    def to_disk(self, on_failure: Callable[[], None] | None = None) -> None:
        """Wait until the disk has every transaction that is committed by now, however long that takes.

        `on_failure` is called after each try that fails. A checkpoint that ran meanwhile has synced what it moved to
        the database file.
        """
        try:
            if self._log_file is None:
                with self._lock:
                    self._log_file = self._log_file or os.open(self._log_path, os.O_RDONLY)
            self._sync(self._log_file)
        except OSError as error:
            if not self._closed:
                event(log, logging.ERROR, "wal_sync_failed", error=str(error))
            # A second sync would succeed although the first one lost the pages: only a checkpoint writes them again.
            # The transaction is committed, so the caller must not see an error and repeat it.
            self._checkpoint(on_failure)

    def _checkpoint(self, on_failure: Callable[[], None] | None) -> None:
        """Checkpoint the whole WAL into the file, however long that takes.

        End the process if Litestream's read lock, which lasts, keeps the WAL from being truncated: every durable
        transaction would wait as long. A bot that is killed loses nothing.
        """
        refused = 0
        while not self._closed:
            try:
                if truncate(self._path):
                    return
                refused += 1
            except StorageError:
                pass  # a full disk, a broken one
            if refused >= self.most_refused and not self._checkpoints:
                event(log, logging.CRITICAL, "wal_kept", hint="see to the disk, then restart Litestream and the bot")
                self._end_process(1)
                return
            if on_failure is not None:
                on_failure()
            time.sleep(DISK_PAUSE_S)

    def leave_checkpoints(self) -> None:
        """Neither checkpoint nor cut the WAL when it has grown: another program reads it."""
        self.value("pragma wal_autocheckpoint=0")
        self.value("pragma journal_size_limit=-1")
        self._checkpoints = False

    def empty_log(self) -> None:
        """Checkpoint the whole WAL and truncate it.

        Does nothing after `leave_checkpoints`: the other program's read lock would keep all writers waiting.
        """
        if self._checkpoints:
            self.value("pragma wal_checkpoint(truncate)")

    def _commit(self) -> None:
        try:
            self._raw.execute("commit")
        except sqlite3.Error as error:
            raise StorageError(str(error)) from error

    def _roll_back(self) -> None:
        # On a full disk SQLite rolls back by itself, and a second rollback would fail.
        if self._raw.in_transaction:
            try:
                self._raw.execute("rollback")
            except sqlite3.Error as error:
                raise StorageError(str(error)) from error

    def run(self, sql: str, values: Values = ()) -> int:
        """Run a statement and return how many rows it changed."""
        with self._lock:
            try:
                return self._raw.execute(sql, values).rowcount
            except sqlite3.DatabaseError as error:
                self._fail(error)

    def insert(self, sql: str, values: Values = ()) -> int:
        """Run an insert and return the new row's id."""
        with self._lock:
            try:
                return self._raw.execute(sql, values).lastrowid or 0
            except sqlite3.DatabaseError as error:
                self._fail(error)

    def row(self, sql: str, values: Values = ()) -> Row | None:
        """Return the first row or None. Outside a transaction, a changing statement commits at once."""
        with self._lock:
            try:
                found: Row | None = self._raw.execute(sql, values).fetchone()
                return found
            except sqlite3.DatabaseError as error:
                self._fail(error)

    def rows(self, sql: str, values: Values = ()) -> list[Row]:
        """Return all rows."""
        with self._lock:
            try:
                return self._raw.execute(sql, values).fetchall()
            except sqlite3.DatabaseError as error:
                self._fail(error)

    def value(self, sql: str, values: Values = ()) -> Any:
        """Return the first column of the first row, or None."""
        found = self.row(sql, values)
        return found[0] if found is not None else None

    @property
    def total_changes(self) -> int:
        """Rows changed since the file was opened."""
        with self._lock:
            return self._raw.total_changes

    def _fail(self, error: sqlite3.DatabaseError) -> NoReturn:
        """Raise `StorageError`, or the error itself if it is a bug in the SQL."""
        bug = isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError)
        if bug and not self._closed:
            raise error
        raise StorageError(str(error)) from error

    def close(self) -> None:
        """Close the file; SQLite checkpoints the WAL. Safe to call twice."""
        with self._lock:
            self._closed = True
            self._raw.close()
            if self._log_file is not None:
                os.close(self._log_file)
                self._log_file = None
