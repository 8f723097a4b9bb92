"""A copy of the database while a bot works with it.

SQLite's online backup copies in one step: the copy is the database as it was at one moment, whatever is written
meanwhile, and no writer waits for it. It grows beside its target under another name and takes the target's name only
when it is whole, checked and on the disk. Takes no lock and recovers nothing: it may run beside a bot.
Doesn't cover: restoring, which is copying the file back while no bot runs, without `-wal` and `-shm` beside it.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from core.errors import StorageError
from storage.schema import look


def copy_to(path: Path, target: Path) -> str:
    """Copies the database at `path` to the file `target`, in place of what is there; what a look at the copy says.

    Blocks until the disk has it. Raises `StorageError`, and then `target` is as it was.
    """
    if not path.exists():
        raise StorageError(f"{path}: there is no database to copy")
    for own in (path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", ".lock"))):
        if target.resolve() == own.resolve() or (target.exists() and own.exists() and target.samefile(own)):
            raise StorageError(f"{target} belongs to the database itself: give the copy another name")
    look(path)
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        with (
            closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as source,
            closing(sqlite3.connect(part)) as copy,
        ):
            source.backup(copy, pages=-1)
            copy.execute("pragma journal_mode=delete")  # one file, which needs nothing beside it
        seen = look(part)
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
        return  # it is of no use, and does no harm
