"""Every chat's updates in order, and the chats that are ready: at most one update of a chat is in hand.

Covers: who is next, what is held until the chat's turn has ended, and that nothing is begun in a chat whose turn is
just ending. Pure scheduling over the inbox's rows; it knows neither handlers nor the database's tables.
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
    scheduled: bool = False  # it is ready, or one of its updates is in hand

    def take_back(self, rows: Iterable[InboxRow]) -> None:
        """Puts rows in line again, by their age: meanwhile others may have been put back."""
        self.rows = deque(sorted([*rows, *self.rows], key=lambda row: row.id))


@dataclass(frozen=True, slots=True)
class Taken:
    """An update in hand. `behind`: others of its chat wait for a turn before it; `blocked`: and it waits for one."""

    row: InboxRow
    behind: bool
    blocked: bool


class ChatLines:
    """The lines of all chats; thread-safe."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._chats: dict[int, _Chat] = {}
        self._ready: deque[int] = deque()
        self._ending: set[int] = set()  # chats whose turn is ending just now
        self._stopped = False

    def add(self, rows: Sequence[InboxRow]) -> None:
        """Puts new rows at the end of their chats' lines."""
        with self._condition:
            for row in rows:
                chat = self._chats.setdefault(row.chat_id, _Chat())
                chat.rows.append(row)
                self._schedule(row.chat_id, chat)

    def hold(self, row: InboxRow) -> None:
        """Has a row wait for its chat's turn that was not in hand before."""
        with self._condition:
            self._chats.setdefault(row.chat_id, _Chat()).held.append(row)

    def take(self) -> Taken | None:
        """The next update of a chat that is ready; blocks until there is one. None: it was stopped."""
        with self._condition:
            while not self._stopped:
                if not self._ready:
                    self._condition.wait()
                    continue
                chat_id = self._ready.popleft()
                chat = self._chats[chat_id]
                if chat_id in self._ending or not chat.rows:
                    chat.scheduled = False
                    continue
                row = chat.rows.popleft()
                return Taken(row, bool(chat.held), any(waits.blocks for waits in chat.held))
            return None

    def put_down(self, taken: Taken, *, held: InboxRow | None = None, again: bool = False) -> None:
        """The update is no more in hand: done, `held` until the chat's turn has ended, or to be tried `again`."""
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
        """What waited for the chat's turn is in line again, in order."""
        with self._condition:
            if (chat := self._chats.get(chat_id)) is not None:
                chat.take_back(chat.held)
                chat.held = deque()
                self._schedule(chat_id, chat)

    def forget(self, chat_id: int, row_id: int) -> None:
        """Lets go of a row that is held."""
        with self._condition:
            if (chat := self._chats.get(chat_id)) is not None:
                chat.held = deque(row for row in chat.held if row.id != row_id)

    @contextmanager
    def ending(self, chat_id: int) -> Iterator[None]:
        """Meanwhile no update of the chat is taken."""
        with self._condition:
            self._ending.add(chat_id)
        try:
            yield
        finally:
            with self._condition:
                self._ending.discard(chat_id)
                if (chat := self._chats.get(chat_id)) is not None:
                    self._schedule(chat_id, chat)

    def stop(self) -> None:
        """Wakes everybody who waits in `take`."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def _schedule(self, chat_id: int, chat: _Chat) -> None:
        if chat.rows and not chat.scheduled and chat_id not in self._ending:
            chat.scheduled = True
            self._ready.append(chat_id)
            self._condition.notify()
