"""Put a copy of the database in its place while no bot runs.

The copy is written and checked beside the database before anything changes, and takes its place by one rename. The
database that was there stays under a name with the date, together with its `-wal`. Secrets that the copy was made
without are taken over from it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from core.errors import StorageError
from storage.backup import copy_to
from storage.file_access import (
    PRIVATE,
    beside,
    give_to_owner_of_folder,
    is_open_elsewhere,
    sync_to_disk,
    user_name,
)
from storage.settings import SECRETS


def restore_from(source: Path, path: Path, now: datetime) -> str:
    """Replace the database at `path` by a copy of `source`. Return what the copy is, and where the old one is kept.

    The caller holds the lock of `path`. Raises `StorageError` and then leaves the database as it was.
    """
    path = path.resolve()
    if any(own.exists() and source.exists() and source.samefile(own) for own in (path, *beside(path))):
        raise StorageError(f"{source} belongs to the database itself: name the file of a backup")
    owner = path.parent.stat().st_uid
    if os.geteuid() not in (0, owner):
        raise StorageError(f"{path.parent} belongs to user {user_name(owner)}: restore as that user or as root")
    fresh = path.with_name(f"{path.name}.restored")
    seen = copy_to(source, fresh, with_secrets=True)
    try:
        if is_open_elsewhere(path):  # it would go on with the old file
            raise StorageError(f"{path} is open in another program (Litestream?): stop that one first")
        if path.exists():
            _take_over_secrets(path, fresh)
        fresh.chmod(PRIVATE)
        give_to_owner_of_folder(fresh)
        kept = _keep(path, now) if path.exists() else None
        for left in beside(path)[:2]:
            left.unlink(missing_ok=True)  # they belong to the old database, and would be applied to the new one
        fresh.replace(path)
        sync_to_disk(path.parent)
    except (sqlite3.Error, OSError) as error:
        raise StorageError(f"{path}: {error}") from error
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
    return f"{path} {seen}" + (f"; the one before it is {kept}" if kept else "")


def _take_over_secrets(old: Path, fresh: Path) -> None:
    """Give `fresh` the secrets that it lacks and the old database has. A damaged or foreign old database has none."""
    found: list[tuple[str, str]] = []
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{old.as_uri()}?mode=ro", uri=True, timeout=30)) as source:
        for key in SECRETS:
            found += source.execute("select key, value from setting where key = ?", (key,)).fetchall()
    if found:
        with closing(sqlite3.connect(fresh)) as copy:
            copy.executemany("insert or ignore into setting (key, value) values (?, ?)", found)
            copy.commit()
        sync_to_disk(fresh)


def _keep(path: Path, now: datetime) -> Path:
    """Give the old database a second name beside the first; its `-wal`, which holds its last changes, likewise."""
    name = f"{path.name}.replaced-{now:%Y%m%d-%H%M%S}"
    kept = path.with_name(name)
    while kept.exists():
        kept = kept.with_name(kept.name + "x")
    for suffix in ("-wal", ""):
        old = path.with_name(path.name + suffix)
        if old.exists() and stat.S_ISREG(old.stat().st_mode):
            _second_name(old, kept.with_name(kept.name + suffix))
    return kept


def _second_name(old: Path, new: Path) -> None:
    try:
        os.link(old, new)
    except OSError:  # a file system without hard links
        shutil.copy2(old, new)
        give_to_owner_of_folder(new)
