"""SQLite: the one file that stores everything, and the only access to it.

`Database` opens the file, migrates it and has one attribute per table; their code is in `storage/`. A lock file beside
it allows one bot per database. Backups and sums over all users read on connections of their own.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from core.metrics import SILENT, Metrics
from core.schemas import Json
from storage import heartbeat
from storage.accounts import Account, Accounts
from storage.answer_voices import AnswerVoice, AnswerVoices
from storage.backup import copy_to, folder_warning
from storage.cards import Card, Cards
from storage.characters import Character, Characters
from storage.connection import Connection
from storage.drafts import Drafts
from storage.events import Events
from storage.file_access import check_access, lock
from storage.first_letters import FirstLetter, FirstLetters
from storage.forgetting import Forgetting
from storage.group_stories import GroupDraft, GroupStories
from storage.growing import GrowingAnswers
from storage.guests import Guests, UnshownCall
from storage.illustrations import Illustrations
from storage.inbox import AT_ONCE, NO_SESSION, Inbox, InboxRow, queue_of
from storage.ledger import Budget, Caps, Ledger
from storage.migration import check_file, migrate
from storage.opinions import Opinions, OpinionStore
from storage.outbox import REFUSED, Outbox
from storage.payments import Month, Payment, Payments, Sales
from storage.personal_data import personal_data
from storage.public_shelf import Order, PublicShelf, Published
from storage.replicated_log import ReplicatedLog
from storage.reports import Reports, Totals
from storage.restore import restore_from
from storage.roles import Role, Roles
from storage.settings import Settings
from storage.sharing import Sharing
from storage.stories import Stories, Story
from storage.talks import CONTEXT_NEAR, SESSION_NEAR, SessionLine, Talk, Talks
from storage.topic_states import TopicStates
from storage.tree import BROUGHT, Prompt, StoryPath, Suggestions, Tree
from storage.turns import Turn, Turns
from storage.users import User, Users

__all__ = [
    "AT_ONCE",
    "BROUGHT",
    "CONTEXT_NEAR",
    "NO_SESSION",
    "REFUSED",
    "SESSION_NEAR",
    "Account",
    "AnswerVoice",
    "Budget",
    "Caps",
    "Card",
    "Character",
    "Database",
    "Drafts",
    "FirstLetter",
    "GroupDraft",
    "InboxRow",
    "Month",
    "Opinions",
    "Order",
    "Payment",
    "Prompt",
    "Published",
    "Role",
    "Sales",
    "SessionLine",
    "Story",
    "StoryPath",
    "Suggestions",
    "Talk",
    "Totals",
    "Turn",
    "UnshownCall",
    "User",
    "back_up",
    "folder_warning",
    "inspect",
    "queue_of",
    "restore",
]


class Database:
    """Opens the file at `path`, and creates and migrates it as needed.

    `metrics` counts settled calls. Raises `StorageError` if it can't be opened, is in use by another bot, or belongs to
    another program.
    """

    def __init__(self, path: Path, metrics: Metrics = SILENT) -> None:
        self.path = path
        self._lock_file = lock(path)
        try:
            self._connection = Connection(path)
        except BaseException:
            self._lock_file.close()
            raise
        try:
            self.wal = ReplicatedLog(self._connection, path)  # before a migration, whose commits would checkpoint
            self.steps_taken = migrate(self._connection, path)
        except BaseException:
            self.close()
            raise
        self.users = Users(self._connection)
        self.accounts = Accounts(self._connection)
        self.topic_states = TopicStates(self._connection)
        self.drafts = Drafts(self._connection)
        self.stories = Stories(self._connection)
        self.group_stories = GroupStories(self._connection)
        self.sharing = Sharing(self._connection, self.stories)
        self.shelf = PublicShelf(self._connection)
        self.talks = Talks(self._connection)
        self.roles = Roles(self._connection)
        self.answer_voices = AnswerVoices(self._connection)
        self.tree = Tree(self._connection)
        self.cards = Cards(self._connection)
        self.illustrations = Illustrations(self._connection)
        self.opinions = OpinionStore(self._connection)
        self.inbox = Inbox(self._connection)
        self.ledger = Ledger(self._connection, metrics)
        self.outbox = Outbox(self._connection)
        self.turns = Turns(self._connection)
        self.growing = GrowingAnswers(self._connection)
        self.first_letters = FirstLetters(self._connection)
        self.guests = Guests(self._connection)
        self.settings = Settings(self._connection)
        self.forgetting = Forgetting(self._connection, self.settings)
        self.payments = Payments(self._connection, self.forgetting)
        self.reports = Reports(self._connection, path)
        self.characters = Characters(self._connection)
        self.events = Events(self._connection)

    def transaction(self, *, durable: bool = False) -> AbstractContextManager[None]:
        """Commit all of the block's writes, or none. `durable` waits until the disk has them."""
        return self._connection.transaction(durable=durable)

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo the block's writes if it raises; the transaction around it goes on."""
        return self._connection.savepoint()

    def to_disk(self, on_failure: Callable[[], None] | None = None) -> None:
        """Wait until the disk has every transaction that is committed by now; call `on_failure` while it fails."""
        self._connection.to_disk(on_failure)

    def ping(self) -> None:
        """Ping the database. Raises `StorageError`; hangs if the lock or the disk does."""
        heartbeat.ping(self._connection)

    def ping_write(self) -> None:
        """Store the time of this call. Raises `StorageError` if the file can't be written: a full disk, a lock."""
        heartbeat.ping_write(self.path)

    def free_bytes(self) -> int | None:
        """Return how many more bytes the disk takes from this process; None if it doesn't say."""
        try:
            disk = os.statvfs(self.path.parent)
        except OSError:
            return None
        return disk.f_bavail * disk.f_frsize

    def personal_data(self, user_id: int) -> dict[str, Json] | None:
        """Return everything stored about a user as JSON; None if the user is unknown. May be slow."""
        return personal_data(self.path, user_id)

    def close(self) -> None:
        """Close the file and release its lock."""
        self._connection.close()
        self._lock_file.close()


def inspect(path: Path) -> str:
    """Describe the file in a few words. Reads only: a running bot may be using it.

    Raises `StorageError` if the file is damaged, belongs to another program, or can't be written by this user.
    """
    check_access(path)
    if not path.exists():
        return f"{path} will be created at the first start"
    return f"{path} {check_file(path)}"


def back_up(path: Path, target: Path, *, with_secrets: bool = False) -> str:
    """Copy the file to `target`, also while a bot is running. Return a short description.

    Raises `StorageError`.
    """
    return f"{target} {copy_to(path, target, with_secrets=with_secrets)}"


def restore(path: Path, source: Path) -> str:
    """Put a copy of the file `source` in the place of the database, and keep the old one. Return a short description.

    Raises `StorageError`, also while a bot is running.
    """
    lock_file = lock(path)
    try:
        return restore_from(source, path, datetime.now())
    finally:
        lock_file.close()
