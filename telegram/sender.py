"""All that goes out to Telegram: the threads that send, and the door for everyone who says something.

Covers: the outbox's rows, each until Telegram has it; drafts, typing and notices at best effort. `sending.schedule`
decides what goes when, `sending.calls` makes the call and reads the answer.
Doesn't cover: splitting (who writes the rows does), keeping the rows (the store does).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Final

from core.logs import event
from core.metrics import SILENT, Metrics
from core.schemas import DeferredAttachment, Json, OutboxRow, RenderedAttachment
from telegram.api_client import BotApi
from telegram.rate_limits import NEVER, Pace
from telegram.send_call import Calls, OutboxStore
from telegram.send_items import Answer, Job, Outcome
from telegram.send_queue import SendQueue

__all__ = ["Delivery", "OutboxStore", "Pace"]

log = logging.getLogger(__name__)

_FIRST: Final = -1  # the id of a message that has no row: those that have one may wait for the database


class Delivery:
    """The senders. Every method may be called from any thread and none but `flush` and `stop` blocks.

    `on_blocked` is told the chat of a row that ended with 403, and `make` follows a row's recipe (None: what it is
    about is gone), both in a sender's thread.
    """

    def __init__(
        self,
        api: BotApi,
        store: OutboxStore,
        *,
        senders: int = 9,
        pace: Pace | None = None,
        on_blocked: Callable[[int], None] | None = None,
        make: Callable[[DeferredAttachment], RenderedAttachment | None] = lambda recipe: None,
        meter: Metrics = SILENT,
    ) -> None:
        self._store = store
        self._pace = pace or Pace()
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._drained = threading.Condition(self._lock)  # for `flush`: a sender's wake-up must not go astray there
        self._queue = SendQueue(self._pace, max(1, senders - 2))  # two are left to answers
        self._queued: set[int] = set()  # the rows that are known, so that none goes twice
        # A row is forgotten before the store lets it go: SQLite may give its id to the next one.
        self._calls = Calls(
            api, store, self._pace, on_blocked, before_mark=self._queued.discard, make=make, meter=meter
        )
        self._watched_until = NEVER  # one sender sleeps with a deadline, this one; the others until they are woken
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._run, name=f"sender-{number}", daemon=True) for number in range(1, senders + 1)
        ]

    def start(self) -> None:
        """Takes up what the store has pending, and begins to send; before other rooms begin to commit rows.

        Raises `StorageError`.
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
        """How many messages wait to be sent, or are being sent."""
        with self._lock:
            return self._queue.answers_open

    def stop(self, timeout_s: float) -> None:
        """Lets the calls under way end; what is left stays in the outbox. Blocks for `timeout_s` at most."""
        with self._lock:
            self._stopping = True
            self._work.notify_all()
        ends_at = time.monotonic() + timeout_s
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, ends_at - time.monotonic()))

    def flush(self, timeout_s: float) -> bool:
        """Waits until every message is out; False: it took too long."""
        with self._lock:
            return self._drained.wait_for(lambda: self._queue.answers_open == 0, timeout_s)

    def wake(self, rows: Sequence[OutboxRow]) -> None:
        """Sends rows that a committed transaction left in the outbox."""
        now = time.monotonic()
        with self._lock:
            for row in rows:
                if row.id not in self._queued:
                    self._queued.add(row.id)
                    self._queue.add(row, now)
            self._call_sender()

    def drop(self, chat_id: int, row_ids: Sequence[int]) -> None:
        """Lets messages of a chat go unsent, but for one that is being sent just now. Raises `StorageError`."""
        with self._lock:
            dropped = self._queue.drop(chat_id, frozenset(row_ids))
            self._queued.difference_update(dropped)
            if self._queue.answers_open == 0:
                self._drained.notify_all()
        for row_id in dropped:
            self._store.dropped(row_id, "taken back")

    def direct(self, chat_id: int, text: str) -> None:
        """Sends Telegram HTML past the outbox, once: for when the database itself is broken."""
        params: dict[str, Json] = {"text": text, "parse_mode": "HTML"}
        with self._lock:
            self._queue.add(OutboxRow(_FIRST, chat_id, "sendMessage", params), time.monotonic(), kept=False)
            self._call_sender()

    def draft(self, chat_id: int, draft_id: int, text: str | Callable[[], str], can_stop: bool = True) -> None:
        """Shows the end of plain `text` as being written, when there is room for it. The latest wins.

        A `text` to call is made in a sender's thread, and only if it is shown: most drafts never are.
        """
        with self._lock:
            self._queue.draft(chat_id, draft_id, text, can_stop, time.monotonic())
            self._call_sender()

    def end_draft(self, chat_id: int, draft_id: int | None = None) -> None:
        """No draft and no typing from here on. A `draft()` of the same id that comes late is ignored."""
        with self._lock:
            self._queue.end_draft(chat_id, draft_id, time.monotonic())
            self._call_sender()

    def typing(self, chat_id: int) -> None:
        """Shows "typing …" until the first draft, an answer or `end_draft`."""
        with self._lock:
            self._queue.typing(chat_id, time.monotonic())
            self._call_sender()

    def notice(
        self,
        key: Hashable,
        chat_id: int,
        text: str | None,
        keyboard: Json | None,
        on_sent: Callable[[int | None], None],
    ) -> None:
        """Keeps one message up to date: sends, edits or (None) deletes it. Telegram HTML, at best effort.

        `on_sent` is told the message's id, and None once it is deleted, in a sender's thread.
        """
        wanted = None if text is None else (text, keyboard)
        with self._lock:
            self._queue.notice(key, chat_id, wanted, on_sent, time.monotonic())
            self._call_sender()

    # --- the senders

    def _call_sender(self) -> None:
        """Wakes one sender, if there is something to do before the next of them wakes by itself."""
        if self._queue.next_at() < self._watched_until:
            self._work.notify()

    def _run(self) -> None:
        job: Job | None = None
        outcome = Outcome()
        while True:
            with self._lock:
                if job is not None:
                    self._queue.finish(job, outcome, time.monotonic())
                    if self._queue.answers_open == 0:
                        self._drained.notify_all()
                job = self._next_job()
            if job is None:
                return
            try:
                outcome = self._calls.make(job)
            except Exception:
                event(log, logging.ERROR, "sender_failed", method=job.method, chat=job.chat.chat_id, exc_info=True)
                must = isinstance(job.item, Answer)
                outcome = Outcome(again=must, wait_s=self._pace.retry_most_s if must else 0.0, unsure=True)

    def _next_job(self) -> Job | None:
        """Waits for the next call to make; None: stopped. The lock is held."""
        while not self._stopping:
            now = time.monotonic()
            if job := self._queue.take(now):
                self._call_sender()  # the next one's turn, while this one is busy
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
