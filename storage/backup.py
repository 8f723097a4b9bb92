"""Back up the database while a bot uses it.

SQLite's online backup copies in one step: the copy is the database as it was at one moment, and no writer waits. The
copy is written beside its target, checked, flushed to disk, and only then renamed. It takes no lock and runs no
recovery. To restore, stop the bot, copy the file back and remove the `-wal` and `-shm` files beside it.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from core.errors import StorageError
from storage.schema import check_file


def copy_to(path: Path, target: Path) -> str:
    """Copy the database at `path` to `target`, replacing it. Return the result of the copy's check.

    Blocks until the disk has the copy. Raises `StorageError` and then leaves `target` unchanged.
    """
    if not path.exists():
        raise StorageError(f"{path}: there is no database to copy")
    for own in (path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", ".lock"))):
        if target.resolve() == own.resolve() or (target.exists() and own.exists() and target.samefile(own)):
            raise StorageError(f"{target} belongs to the database itself: give the copy another name")
    check_file(path)
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        with (
            closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as source,
            closing(sqlite3.connect(part)) as copy,
        ):
            source.backup(copy, pages=-1)
            copy.execute("pragma journal_mode=delete")  # one file without -wal and -shm
        seen = check_file(part)
        _to_disk(part)
        part.replace(target)
        _to_disk(target.parent)
    except (sqlite3.Error, OSError) as error:
        raise StorageError(f"{target}: {error}") from error
    finally:
        for left in (part, *(part.with_name(part.name + suffix) for suffix in ("-journal", "-wal", "-shm"))):
            _remove(left)
    return seen.replace(str(part), str(target))


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # a leftover is harmless
