"""Sender threads, and the methods by which everything else sends to Telegram.

Rows of the outbox are sent until Telegram has them. Drafts, typing and notices are sent at best effort. `send_queue`
decides what goes when; `send_call` makes the call and reads the response. Splitting long texts is up to whoever writes
the rows.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Final

from core.errors import is_disk_failure
from core.guest_chats import is_guest_chat
from core.logs import event
from core.metrics import SILENT, Metrics
from core.schemas import DeferredAttachment, Json, OutboxRow, RenderedAttachment
from telegram.api_client import BotApi
from telegram.payment_methods import CALLS
from telegram.rate_limits import NEVER, SendLimits
from telegram.send_call import ApiCaller, OutboxStore
from telegram.send_growing import Content
from telegram.send_items import Job, QueuedMessage
from telegram.send_outcome import Outcome
from telegram.send_queue import SendQueue

log = logging.getLogger(__name__)

_NO_ROW_ID: Final = -1  # sorts before every row, since rows may be waiting for the database


class Delivery:
    """Run the sender threads. Every method is thread-safe; only `flush` and `stop` block.

    A chat in which the bot is a guest gets rows of the outbox only: no drafts, notices or typing.

    `on_blocked` gets the chat id of a message that ended with 403. `render` makes a message's deferred attachment, or
    returns None if what it shows is gone. Both run in a sender's thread.
    """

    def __init__(
        self,
        api: BotApi,
        store: OutboxStore,
        *,
        senders: int = 9,
        limits: SendLimits | None = None,
        on_blocked: Callable[[int], None] | None = None,
        render: Callable[[DeferredAttachment], RenderedAttachment | None] = lambda deferred: None,
        metrics: Metrics = SILENT,
    ) -> None:
        self._store = store
        self._limits = limits or SendLimits()
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._drained = threading.Condition(self._lock)  # for `flush`, which must not take a sender's wake-up
        self._queue = SendQueue(self._limits, max(1, senders - 2))  # two senders are left for messages
        self._queued: set[int] = set()  # rows already queued, so that none is sent twice
        # Discard the id before the store deletes the row: SQLite may reuse it for the next row.
        self._caller = ApiCaller(
            api, store, self._limits, on_blocked, before_save=self._queued.discard, render=render, metrics=metrics
        )
        # Deadline of the one sender that sleeps with a timeout; the others sleep until they are woken.
        self._watched_until = NEVER
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._run, name=f"sender-{number}", daemon=True) for number in range(1, senders + 1)
        ]

    def start(self) -> None:
        """Queue what the store has pending and start the threads.

        Call it before anything commits new rows. Raises `StorageError`.
        """
        self.wake(list(self._store.pending()))
        for thread in self._threads:
            thread.start()

    def health_problem(self) -> str:
        """Why nothing goes out, in a few words; empty while it does, or while Telegram is away."""
        ended = sum(not thread.is_alive() for thread in self._threads)
        return f"{ended} of {len(self._threads)} senders have ended" if ended else ""

    @property
    def waiting(self) -> int:
        """Number of messages that are queued or being sent."""
        with self._lock:
            return self._queue.open_messages

    def stop(self, timeout_s: float) -> None:
        """Let running calls end, for at most `timeout_s`; the rest stays in the outbox."""
        with self._lock:
            self._stopping = True
            self._work.notify_all()
        ends_at = time.monotonic() + timeout_s
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, ends_at - time.monotonic()))

    def flush(self, timeout_s: float) -> bool:
        """Wait until every message is sent. Return False after `timeout_s`."""
        with self._lock:
            return self._drained.wait_for(lambda: self._queue.open_messages == 0, timeout_s)

    def wake(self, rows: Sequence[OutboxRow]) -> None:
        """Queue rows that a committed transaction added to the outbox, but for calls about payments."""
        now = time.monotonic()
        with self._lock:
            for row in rows:
                if row.id not in self._queued and row.method not in CALLS:
                    self._queued.add(row.id)
                    self._queue.add(row, now)
            self._call_sender()

    def drop(self, chat_id: int, row_ids: Sequence[int]) -> None:
        """Cancel messages of a chat, except one that is being sent right now.

        Raises `StorageError`.
        """
        with self._lock:
            dropped = self._queue.drop(chat_id, frozenset(row_ids))
            self._queued.difference_update(dropped)
            if self._queue.open_messages == 0:
                self._drained.notify_all()
        for row_id in dropped:
            self._store.dropped(row_id, "taken back")

    def direct(self, chat_id: int, text: str, topic_id: int = 0) -> None:
        """Send Telegram HTML once, without the outbox: for when the database is broken."""
        if is_guest_chat(chat_id):
            return
        params: dict[str, Json] = {"text": text, "parse_mode": "HTML"}
        if topic_id > 0:
            params["message_thread_id"] = topic_id
        with self._lock:
            self._queue.add(OutboxRow(_NO_ROW_ID, chat_id, "sendMessage", params), time.monotonic(), stored=False)
            self._call_sender()

    def draft(self, chat_id: int, draft_id: int, text: str | Callable[[], str], *, topic_id: int = 0) -> None:
        """Show the end of plain `text` as being written, if the limits allow. The latest draft wins.

        A callable `text` is called in a sender's thread, and only if the draft is sent: most drafts are not.
        """
        if is_guest_chat(chat_id):
            return
        with self._lock:
            self._queue.draft(chat_id, draft_id, text, time.monotonic(), topic_id=topic_id)
            self._call_sender()

    def end_draft(self, chat_id: int, draft_id: int | None = None) -> None:
        """Remove the draft and typing. A late `draft()` with the same id is ignored."""
        with self._lock:
            self._queue.end_draft(chat_id, draft_id, time.monotonic())
            self._call_sender()

    def grow(self, chat_id: int, key: Hashable, content: Content, on_sent: Callable[[int | None], None]) -> None:
        """Send a message that shows a growing answer, or edit it, if the limits allow it. At best effort.

        `content` is called in a sender's thread, `on_sent` too. A row of the outbox with an attachment of the kind
        `GROWING` takes the message's place, or deletes it.
        """
        with self._lock:
            self._queue.grow(chat_id, key, content, on_sent, time.monotonic())
            self._call_sender()

    def typing(self, chat_id: int, topic_id: int = 0, action: str = "typing") -> None:
        """Show "typing …", or another action, until the first draft, a message or `end_draft`."""
        if is_guest_chat(chat_id):
            return
        with self._lock:
            self._queue.typing(chat_id, time.monotonic(), topic_id, action)
            self._call_sender()

    def notice(
        self,
        key: Hashable,
        chat_id: int,
        text: str | None,
        keyboard: Json | None,
        on_sent: Callable[[int | None], None],
        *,
        topic_id: int = 0,
    ) -> None:
        """Send, edit or (None) delete one message that is kept up to date. Telegram HTML, best effort.

        `on_sent` gets the message's id, or None once it is deleted, in a sender's thread.
        """
        if is_guest_chat(chat_id):
            return
        wanted = None if text is None else (text, keyboard)
        with self._lock:
            self._queue.notice(key, chat_id, wanted, on_sent, time.monotonic(), topic_id=topic_id)
            self._call_sender()

    # --- sender threads

    def _call_sender(self) -> None:
        """Wake one sender if there is work before the next one wakes by itself."""
        if self._queue.next_at() < self._watched_until:
            self._work.notify()

    def _run(self) -> None:
        job: Job | None = None
        outcome = Outcome()
        while True:
            with self._lock:
                if job is not None:
                    self._queue.finish(job, outcome, time.monotonic())
                    if self._queue.open_messages == 0:
                        self._drained.notify_all()
                job = self._next_job()
            if job is None:
                return
            try:
                outcome = self._caller.run(job)
            except Exception as error:
                event(log, logging.ERROR, "sender_failed", method=job.method, chat=job.chat.chat_id, exc_info=True)
                again = isinstance(job.item, QueuedMessage)
                pause_s = self._limits.retry_first_s if is_disk_failure(error) else self._limits.retry_most_s
                outcome = Outcome(again=again, wait_s=pause_s if again else 0.0, unsure=True)

    def _next_job(self) -> Job | None:
        """Wait for the next call to make; None if stopped. The caller holds the lock."""
        while not self._stopping:
            now = time.monotonic()
            if job := self._queue.take(now):
                self._call_sender()  # another sender watches while this one is busy
                return job
            due = self._queue.next_at()
            if due < self._watched_until:
                self._watched_until = due
                self._work.wait(max(0.0, due - now))
                if self._watched_until == due:
                    self._watched_until = NEVER
            else:
                self._work.wait()
        return None
