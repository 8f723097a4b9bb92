"""The order of updates: a queue a chat, of which one update at a time is handled.

Pure scheduling over the inbox's rows; knows neither handlers nor the database's tables. Which rows are pieces of one
question says `PieceRules`: they are taken together, and a row after which a piece is likely waits for it a moment:
longer while something is being stored, or can't be, since that may be the piece.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from database import InboxRow, queue_of

Queue = tuple[int, int]  # a chat, or a group's topic
HANDLED_WITHIN_S: Final = 2.0  # a handler takes milliseconds, unless the database is locked


class PieceRules(Protocol):
    """Tells which updates are pieces of one question (`telegram/gathering.py`)."""

    def wait_s(self, row: InboxRow) -> float:
        """Return how many seconds after its arrival an update may wait for a next piece."""

    def joins(self, row: InboxRow, following: InboxRow) -> bool:
        """Return whether the second update is the next piece of the first."""


class NoPieces:
    """Every update is a question of its own."""

    def wait_s(self, row: InboxRow) -> float:
        """Return 0."""
        return 0.0

    def joins(self, row: InboxRow, following: InboxRow) -> bool:
        """Return False."""
        return False


@dataclass(slots=True)
class _Chat:
    rows: deque[InboxRow] = field(default_factory=deque)
    held: deque[InboxRow] = field(default_factory=deque)  # waiting for the running turn, in order
    scheduled: bool = False  # the chat is ready, waits for a piece, or one of its updates is being handled
    waits_from: float = 0.0  # monotonic: when the last row arrived, or later if the wait for a next piece was prolonged
    wait_s: float = 0.0
    was_prolonged: bool = False

    def begin_wait(self, wait_s: float) -> None:
        """Note that the last row came just now, after which a next piece is waited for so long."""
        self.waits_from, self.wait_s, self.was_prolonged = time.monotonic(), wait_s, False

    def take_back(self, rows: Iterable[InboxRow]) -> None:
        """Put rows back in order of age."""
        self.rows = deque(sorted([*rows, *self.rows], key=lambda row: row.id))


@dataclass(frozen=True, slots=True)
class Taken:
    """An update to handle, and the `pieces` that come after it.

    `behind`: earlier updates of its chat are held. `blocked`: one of them blocks. `onto`: the held row that this one
    is a piece of.
    """

    row: InboxRow
    behind: bool
    blocked: bool
    pieces: tuple[InboxRow, ...] = ()
    onto: InboxRow | None = None


class ChatQueues:
    """The queues of all chats; thread-safe."""

    def __init__(self, rules: PieceRules | None = None, *, handled_within_s: float = HANDLED_WITHIN_S) -> None:
        self._rules = rules or NoPieces()
        self._handled_within_s = handled_within_s
        lock = threading.RLock()
        self._condition = threading.Condition(lock)
        self._released = threading.Condition(lock)
        self._chats: dict[Queue, _Chat] = {}
        self._ready: deque[Queue] = deque()
        self._waiting: set[Queue] = set()  # queues that wait for a piece
        self._storing_since: list[float] = []  # monotonic, of each thread that stores
        self._failed_at = 0.0  # monotonic: when something couldn't be stored
        self._again_until = 0.0  # until then it comes again; 0: it has come
        self._paused: set[Queue] = set()
        self._handled: set[Queue] = set()  # queues with an update that was taken and isn't released
        self._stopped = False

    def add(self, rows: Sequence[InboxRow]) -> None:
        """Put new rows at the end of their chats' queues."""
        with self._condition:
            for row in rows:
                chat = self._chats.setdefault(row.queue, _Chat())
                chat.rows.append(row)
                chat.begin_wait(self._rules.wait_s(row))
                self._schedule(row.queue, chat)

    @contextmanager
    def storing(self, again_within_s: float) -> Iterator[None]:
        """Let waits that would end meanwhile go on after it: the piece may be what is stored, or at Telegram behind it.

        If the block raises, what it stored comes again within so many seconds, for which no wait ends unless something
        is stored after that. A wait is prolonged once: else what others write on a slow disk could do it for ever.
        """
        since, failed = time.monotonic(), True
        with self._condition:
            self._storing_since.append(since)
        try:
            yield
            failed = False
        finally:
            with self._condition:
                self._storing_since.remove(since)
                now = time.monotonic()
                if failed:
                    self._failed_at, self._again_until = now, now + again_within_s
                elif self._failed_at <= since:
                    self._again_until = 0.0
                for chat in self._chats.values():
                    self._prolong(chat, since, now)
                if self._waiting:
                    self._condition.notify()

    def waiting(self) -> list[Queue]:
        """Return the queues that wait for a next piece."""
        with self._condition:
            return list(self._waiting)

    def hold(self, row: InboxRow) -> None:
        """Hold a row until its chat is resumed."""
        with self._condition:
            self._chats.setdefault(row.queue, _Chat()).held.append(row)

    def take(self) -> Taken | None:
        """Take the next update of a chat that is ready. Blocks until there is one; None after `stop`."""
        with self._condition:
            while not self._stopped:
                self._end_waits()
                if not self._ready:
                    self._condition.wait(self._longest_wait_s())
                    continue
                queue = self._ready.popleft()
                chat = self._chats[queue]
                if queue in self._paused or not chat.rows:
                    chat.scheduled = False
                elif taken := self._take_from(queue, chat):
                    self._handled.add(queue)
                    return taken
            return None

    def release(self, taken: Taken, *, held: InboxRow | None = None, again: bool = False) -> None:
        """Release an update: finished, `held` until the chat is resumed, or to be tried `again`."""
        with self._condition:
            queue = taken.row.queue
            chat = self._chats[queue]
            if again:
                chat.take_back([taken.row, *taken.pieces])
                chat.begin_wait(self._rules.wait_s(chat.rows[-1]))  # the next piece wasn't stored either
                chat.waits_from = max(chat.waits_from, self._again_until)
            if held is not None:
                chat.held.append(held)
            chat.scheduled = False
            self._handled.discard(queue)
            self._released.notify_all()
            self._schedule(queue, chat)
            self._drop_if_done(queue, chat)

    def resume(self, chat_id: int, topic_id: int = 0) -> None:
        """Put a chat's held rows back in their order: its turn has ended."""
        queue = queue_of(chat_id, topic_id)
        with self._condition:
            if (chat := self._chats.get(queue)) is not None:
                chat.take_back(chat.held)
                chat.held = deque()
                self._schedule(queue, chat)

    def forget(self, chat_id: int, row_id: int, topic_id: int = 0) -> None:
        """Drop a held row."""
        queue = queue_of(chat_id, topic_id)
        with self._condition:
            if (chat := self._chats.get(queue)) is not None:
                chat.held = deque(row for row in chat.held if row.id != row_id)
                self._drop_if_done(queue, chat)

    def replace(self, row: InboxRow) -> None:
        """Put a row in the place of the held one with its id, or of the one that was held until now."""
        with self._condition:
            if (chat := self._chats.get(row.queue)) is not None:
                chat.held = deque(row if one.id == row.id else one for one in chat.held)
                chat.rows = deque(row if one.id == row.id else one for one in chat.rows)

    @contextmanager
    def paused(self, chat_id: int, topic_id: int = 0) -> Iterator[None]:
        """Hold a chat's updates while its turn commits; one that is being handled is waited for, but not for ever."""
        queue = queue_of(chat_id, topic_id)
        with self._condition:
            self._paused.add(queue)
            self._released.wait_for(lambda: queue not in self._handled or self._stopped, self._handled_within_s)
        try:
            yield
        finally:
            with self._condition:
                self._paused.discard(queue)
                if (chat := self._chats.get(queue)) is not None:
                    self._schedule(queue, chat)

    def is_paused(self, chat_id: int, topic_id: int = 0) -> bool:
        """Return whether a turn of the chat commits."""
        with self._condition:
            return queue_of(chat_id, topic_id) in self._paused

    def stop(self) -> None:
        """Wake every thread that waits in `take`."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()
            self._released.notify_all()

    def _schedule(self, queue: Queue, chat: _Chat) -> None:
        waited = queue in self._waiting
        self._waiting.discard(queue)
        if chat.rows and (waited or not chat.scheduled) and queue not in self._paused:
            chat.scheduled = True
            self._ready.append(queue)
            self._condition.notify()
        elif waited:
            chat.scheduled = False

    def _drop_if_done(self, queue: Queue, chat: _Chat) -> None:
        if not chat.rows and not chat.held and not chat.scheduled:
            del self._chats[queue]

    def _take_from(self, queue: Queue, chat: _Chat) -> Taken | None:
        """Take a chat's next row with its pieces; None if it waits for another piece."""
        number = 1
        while number < len(chat.rows) and self._rules.joins(chat.rows[number - 1], chat.rows[number]):
            number += 1
        if number == len(chat.rows) and chat.wait_s and self._wait_ends_at(chat) > time.monotonic():
            self._waiting.add(queue)
            self._condition.notify()  # somebody must wake when it ends
            return None
        row, *pieces = [chat.rows.popleft() for _ in range(number)]
        last = chat.held[-1] if chat.held else None
        onto = last if last is not None and self._rules.joins(last, row) else None
        blocked = any(held.blocks for held in chat.held)
        return Taken(row, bool(chat.held), blocked, tuple(pieces), onto)

    def _wait_ends_at(self, chat: _Chat) -> float:
        ends_at = chat.waits_from + chat.wait_s
        return math.inf if not chat.was_prolonged and self._is_stored_at(ends_at) else ends_at

    def _is_stored_at(self, time_s: float) -> bool:
        """Return whether a thread that still stores did so at a time."""
        return any(since <= time_s for since in self._storing_since)

    def _prolong(self, chat: _Chat, since: float, now: float) -> None:
        """Prolong a chat's wait if it would have ended while a thread, which is done now, stored something."""
        ends_at = chat.waits_from + chat.wait_s
        if ends_at < since:
            return
        if self._again_until:
            chat.waits_from = max(chat.waits_from, self._again_until)
        elif chat.waits_from > now:
            chat.waits_from = now  # what couldn't be stored has come
        elif ends_at < now and not chat.was_prolonged and not self._is_stored_at(ends_at):
            chat.waits_from, chat.was_prolonged = now, True

    def _end_waits(self) -> None:
        """Make the chats ready that have waited long enough for a piece."""
        now = time.monotonic()
        for queue in [queue for queue in self._waiting if self._wait_ends_at(self._chats[queue]) <= now]:
            self._waiting.remove(queue)
            self._ready.append(queue)
            self._condition.notify()

    def _longest_wait_s(self) -> float | None:
        ends_at = min((self._wait_ends_at(self._chats[queue]) for queue in self._waiting), default=math.inf)
        return None if ends_at == math.inf else max(0.0, ends_at - time.monotonic())
