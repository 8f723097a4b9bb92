"""Bring a file to the present schema, and check a file without changing it.

A step and its number (`user_version`) are one transaction. A file of another program or of a newer version is refused.
An existing file is copied beside itself before its first step.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from core.errors import ForeignDatabase, StorageError
from storage.connection import Connection
from storage.file_access import make_private, sync_to_disk
from storage.replicated_log import LITESTREAM_TABLES
from storage.schema import APPLICATION_ID, STEPS


def migrate(connection: Connection, path: Path, steps: Sequence[str] = STEPS) -> int:
    """Bring the file up to date. Return the number of steps taken.

    An error, such as a full disk, leaves the database as the last whole step made it.
    Raises `ForeignDatabase` for a file of another program or of a newer version of this one.
    """
    application_id = int(connection.value("pragma application_id"))
    version = int(connection.value("pragma user_version"))
    # Litestream makes its tables in a new file, too, before the bot makes its own.
    tables = int(connection.value("select count(*) from sqlite_master where tbl_name not in (?, ?)", LITESTREAM_TABLES))
    if application_id not in (0, APPLICATION_ID) or (application_id == 0 and tables):
        raise ForeignDatabase(f"{path} belongs to another program: give DATABASE_PATH another file")
    if version > len(steps):
        raise ForeignDatabase(
            f"{path} was written by a newer version (schema {version}, this one knows {len(steps)}): update the bot"
        )
    if 0 < version < len(steps):
        _copy(connection, path.with_name(f"{path.name}.before-{len(steps)}"))
    for number, step in enumerate(steps[version:], start=version + 1):
        try:
            _take(connection, step, number)
        except StorageError as error:
            raise StorageError(
                f"{path}: step {number} of the migration failed ({error}) and left nothing behind. "
                "Free some space on its disk, and start again."
            ) from error
    return len(steps) - version


def _take(connection: Connection, step: str, number: int) -> None:
    with connection.transaction(durable=True):
        for statement in _statements(step):
            connection.run(statement)
        connection.run(f"pragma application_id = {APPLICATION_ID}")
        connection.run(f"pragma user_version = {number}")


def check_file(path: Path) -> str:
    """Check an existing file without writing to it. Return a short description; raise `StorageError` if it is bad."""
    try:
        raw = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            application_id = raw.execute("pragma application_id").fetchone()[0]
            version = raw.execute("pragma user_version").fetchone()[0]
            state = raw.execute("pragma quick_check(1)").fetchone()[0]
            if application_id != APPLICATION_ID:
                raise ForeignDatabase(f"{path} belongs to another program: give DATABASE_PATH another file")
            if version > len(STEPS):
                raise ForeignDatabase(f"{path} was written by a newer version: update the bot")
            users = raw.execute("select count(*) from user").fetchone()[0]
        finally:
            raw.close()
    except sqlite3.Error as error:
        raise StorageError(f"{path}: {error}") from error
    if state != "ok":
        raise StorageError(f"{path} is damaged: {state}")
    return f"is sound, {users} users"


def _copy(connection: Connection, target: Path) -> None:
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        make_private(part)
        connection.run("vacuum into ?", (str(part),))
        sync_to_disk(part)
        part.replace(target)
    except (StorageError, OSError) as error:
        raise StorageError(
            f"{target}: the copy that is made before a migration can't be written ({error}). Nothing has changed. "
            "Free as much space as the database takes, and start again."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _statements(script: str) -> list[str]:
    """Split a script into statements: `executescript` would commit the surrounding transaction."""
    found: list[str] = []
    pending = ""
    for line in script.splitlines():
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            found.append(pending.strip())
            pending = ""
    if pending.strip():
        raise StorageError(f"unfinished statement in a migration: {pending.strip()[:60]}")
    return found
