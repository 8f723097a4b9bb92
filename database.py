"""SQLite: one file that holds everything the bot knows, and the only door to it.

`Database` opens the file, brings it up to date and offers a store a table; the stores are in `storage/`.
One bot a file: a lock beside it keeps a second one out. Covered here: opening, transactions, recovery
after a crash. Sums over everybody are read beside the connection that writes (`storage/reports.py`).
"""

from __future__ import annotations

import fcntl
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from core.errors import StorageError
from core.schemas import Json
from storage.accounts import Account, Accounts
from storage.backup import copy_to
from storage.characters import Character, Characters
from storage.connection import Connection
from storage.drafts import Drafts
from storage.events import Events
from storage.forgetting import Forgetting
from storage.inbox import NO_SESSION, Inbox, InboxRow
from storage.ledger import Budget, Caps, Ledger
from storage.outbox import REFUSED, Outbox
from storage.personal_data import personal_data
from storage.reports import Reports, Totals
from storage.roles import Role, Roles
from storage.schema import look, migrate
from storage.settings import Settings
from storage.stories import Stories, Story
from storage.talks import CONTEXT_NEAR, SESSION_NEAR, SessionLine, Talk, Talks
from storage.tree import Path as StoryPath
from storage.tree import Prompt, Tree
from storage.turns import Turn, Turns
from storage.users import User, Users

__all__ = [
    "CONTEXT_NEAR",
    "NO_SESSION",
    "REFUSED",
    "SESSION_NEAR",
    "Account",
    "Budget",
    "Caps",
    "Character",
    "Database",
    "Drafts",
    "InboxRow",
    "Prompt",
    "Role",
    "SessionLine",
    "Story",
    "StoryPath",
    "Talk",
    "Totals",
    "Turn",
    "User",
    "back_up",
    "inspect",
]


class Database:
    """The file at `path`, made and migrated as needed.

    Raises `StorageError` when it can't be opened, is in use by another bot, or isn't ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock_file = _lock(path)
        try:
            self._connection = Connection(path)
        except BaseException:
            self._lock_file.close()
            raise
        try:
            self.steps_taken = migrate(self._connection, path)
        except BaseException:
            self.close()
            raise
        self.users = Users(self._connection)
        self.accounts = Accounts(self._connection)
        self.drafts = Drafts(self._connection)
        self.stories = Stories(self._connection)
        self.talks = Talks(self._connection)
        self.roles = Roles(self._connection)
        self.tree = Tree(self._connection)
        self.inbox = Inbox(self._connection)
        self.outbox = Outbox(self._connection)
        self.turns = Turns(self._connection)
        self.ledger = Ledger(self._connection)
        self.settings = Settings(self._connection)
        self.reports = Reports(self._connection, path)
        self.characters = Characters(self._connection)
        self.events = Events(self._connection)
        self.forgetting = Forgetting(self._connection, self.settings)

    def transaction(self, *, durable: bool = False) -> AbstractContextManager[None]:
        """All or nothing of what the block writes; `durable` waits until the disk has it."""
        return self._connection.transaction(durable=durable)

    def ping(self) -> None:
        """Ping the database. Raises `StorageError`; hangs if the lock or the disk does."""
        self._connection.value("select count(*) from budget")

    def personal_data(self, user_id: int) -> dict[str, Json] | None:
        """All that the file holds about a user, as JSON; None where there is no such user. May take its time."""
        return personal_data(self.path, user_id)

    def close(self) -> None:
        """Closes the file and lets go of its lock: another bot may open it then."""
        self._connection.close()
        self._lock_file.close()


def inspect(path: Path) -> str:
    """What a look at the file says, in a few words. Reads only: it may be in use by a running bot.

    Raises `StorageError` when the file is damaged or isn't ours.
    """
    if not path.exists():
        return f"{path} will be made at the first start"
    return f"{path} {look(path)}"


def back_up(path: Path, target: Path) -> str:
    """Copies the file to `target` while a bot may be running; what it did, in a few words. Raises `StorageError`."""
    return f"{target} {copy_to(path, target)}"


def _lock(path: Path) -> IO[str]:
    """Holds `path`.lock for as long as the returned file is open; the kernel lets go when the process dies."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock_file = path.with_name(f"{path.name}.lock").open("w")
    except OSError as error:
        raise StorageError(f"{path}: {error}") from error
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock_file.close()
        raise StorageError(f"{path} is in use by another running bot") from error
    return lock_file
