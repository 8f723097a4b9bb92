"""The order of updates: a queue a chat, of which one update at a time is handled.

Pure scheduling over the inbox's rows; knows neither handlers nor the database's tables.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from database import InboxRow


@dataclass(slots=True)
class _Chat:
    rows: deque[InboxRow] = field(default_factory=deque)
    held: deque[InboxRow] = field(default_factory=deque)  # waiting for the running turn, in order
    scheduled: bool = False  # the chat is ready, or one of its updates is being handled

    def take_back(self, rows: Iterable[InboxRow]) -> None:
        """Put rows back in order of age."""
        self.rows = deque(sorted([*rows, *self.rows], key=lambda row: row.id))


@dataclass(frozen=True, slots=True)
class Taken:
    """An update to handle. `behind`: earlier updates of its chat are held. `blocked`: one of them blocks."""

    row: InboxRow
    behind: bool
    blocked: bool


class ChatQueues:
    """The queues of all chats; thread-safe."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._chats: dict[int, _Chat] = {}
        self._ready: deque[int] = deque()
        self._paused: set[int] = set()
        self._stopped = False

    def add(self, rows: Sequence[InboxRow]) -> None:
        """Put new rows at the end of their chats' queues."""
        with self._condition:
            for row in rows:
                chat = self._chats.setdefault(row.chat_id, _Chat())
                chat.rows.append(row)
                self._schedule(row.chat_id, chat)

    def hold(self, row: InboxRow) -> None:
        """Hold a row until its chat is resumed."""
        with self._condition:
            self._chats.setdefault(row.chat_id, _Chat()).held.append(row)

    def take(self) -> Taken | None:
        """Take the next update of a chat that is ready. Blocks until there is one; None after `stop`."""
        with self._condition:
            while not self._stopped:
                if not self._ready:
                    self._condition.wait()
                    continue
                chat_id = self._ready.popleft()
                chat = self._chats[chat_id]
                if chat_id in self._paused or not chat.rows:
                    chat.scheduled = False
                    continue
                row = chat.rows.popleft()
                return Taken(row, bool(chat.held), any(held.blocks for held in chat.held))
            return None

    def release(self, taken: Taken, *, held: InboxRow | None = None, again: bool = False) -> None:
        """Release an update: finished, `held` until the chat is resumed, or to be tried `again`."""
        with self._condition:
            chat_id = taken.row.chat_id
            chat = self._chats[chat_id]
            if again:
                chat.take_back([taken.row])
            if held is not None:
                chat.held.append(held)
            chat.scheduled = False
            self._schedule(chat_id, chat)
            if not chat.rows and not chat.held:
                del self._chats[chat_id]

    def resume(self, chat_id: int) -> None:
        """Put a chat's held rows back in their order: its turn has ended."""
        with self._condition:
            if (chat := self._chats.get(chat_id)) is not None:
                chat.take_back(chat.held)
                chat.held = deque()
                self._schedule(chat_id, chat)

    def forget(self, chat_id: int, row_id: int) -> None:
        """Drop a held row."""
        with self._condition:
            if (chat := self._chats.get(chat_id)) is not None:
                chat.held = deque(row for row in chat.held if row.id != row_id)

    @contextmanager
    def paused(self, chat_id: int) -> Iterator[None]:
        """Hold a chat's updates while its turn commits."""
        with self._condition:
            self._paused.add(chat_id)
        try:
            yield
        finally:
            with self._condition:
                self._paused.discard(chat_id)
                if (chat := self._chats.get(chat_id)) is not None:
                    self._schedule(chat_id, chat)

    def stop(self) -> None:
        """Wake every thread that waits in `take`."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def _schedule(self, chat_id: int, chat: _Chat) -> None:
        if chat.rows and not chat.scheduled and chat_id not in self._paused:
            chat.scheduled = True
            self._ready.append(chat_id)
            self._condition.notify()
