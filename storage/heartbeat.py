"""The smallest read and the smallest write: whether the database answers, and whether its file can be written."""

from __future__ import annotations

import time
from pathlib import Path

from storage.connection import Connection, try_to_write


def ping(connection: Connection) -> None:
    """Read a number. Raises `StorageError`; hangs if the lock or the disk does."""
    connection.value("select count(*) from budget")


def ping_write(path: Path) -> None:
    """Store the time of this call. Raises `StorageError` if the file can't be written: a full disk, a lock."""
    sql = "insert or replace into setting (key, value) values ('heartbeat', ?)"
    try_to_write(path, sql, (str(int(time.time())),))
