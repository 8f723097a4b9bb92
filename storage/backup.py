"""Back up the database while a bot uses it.

SQLite's online backup copies in one step: the copy is the database as it was at one moment, and no writer waits. The
copy is written beside its target, checked, flushed to disk, and only then renamed. It takes no lock and runs no
recovery. Only its owner can read the copy. It has no secret of the bot's unless it is asked for them.
`storage/restore.py` puts a copy back.
"""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

from core.errors import StorageError
from storage.file_access import beside, make_private, sync_to_disk
from storage.migration import check_file
from storage.settings import SECRETS


def copy_to(path: Path, target: Path, *, with_secrets: bool = False) -> str:
    """Copy the database at `path` to `target`, replacing it. Return the result of the copy's check.

    Blocks until the disk has the copy. Raises `StorageError` and then leaves `target` unchanged.
    """
    if not path.exists():
        raise StorageError(f"{path}: there is no database to copy")
    for own in (path, *beside(path)):
        if target.resolve() == own.resolve() or (target.exists() and own.exists() and target.samefile(own)):
            raise StorageError(f"{target} belongs to the database itself: give the copy another name")
    check_file(path)
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        make_private(part)
        with (
            closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as source,
            closing(sqlite3.connect(part)) as copy,
        ):
            source.backup(copy, pages=-1)
            copy.execute("pragma journal_mode=delete")  # one file without -wal and -shm
            if not with_secrets:
                _leave_out_secrets(copy)
        seen = check_file(part)
        sync_to_disk(part)
        part.replace(target)
        sync_to_disk(target.parent)
    except (sqlite3.Error, OSError) as error:
        raise StorageError(f"{target}: {error}") from error
    finally:
        for left in (part, *(part.with_name(part.name + suffix) for suffix in ("-journal", "-wal", "-shm"))):
            _remove(left)
    return seen.replace(str(part), str(target))


def folder_warning(folder: Path) -> str:
    """Return a sentence if other users can list this folder or write to it; empty if they can't."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        return f"{folder}: any user can replace its files: chmod o-w {folder}"
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        return f"{folder}: any user can list it: chmod o-rwx {folder}"
    return ""


def _leave_out_secrets(copy: sqlite3.Connection) -> None:
    copy.execute("pragma journal_mode=memory")  # until the copy is closed: no secret reaches a journal on the disk
    copy.execute("pragma secure_delete=on")
    copy.executemany("delete from setting where key = ?", [(key,) for key in SECRETS])
    copy.commit()


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # a leftover is harmless
