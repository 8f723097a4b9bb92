"""The durable inbox: one chat in order, many chats at once.

An update is stored before Telegram is told that it was received. Workers take the stored updates chat by chat, run
their handlers, and commit each result in the update's transaction: messages, disposition, and the update's end. No
worker waits for a model or for Telegram: an update that has to wait for the chat's turn is held as data, and what
needs no model is handled at once.

Not covered: what an update means (`handlers`), sending (`telegram/sender.py`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from telebot.types import Update

from core.errors import StorageError, is_disk_failure
from core.logs import event
from core.metrics import SILENT, Metrics
from core.schemas import OutboxRow, Outgoing
from database import Database, InboxRow
from telegram.chat_queue import ChatQueues, Queue, Taken
from telegram.failure_notices import FailureNotices
from telegram.gathering import gathered
from telegram.sender import Delivery
from telegram.update_fields import is_id
from telegram.update_result import (
    NOTHING,
    Disposition,
    Effect,
    IncomingUpdate,
    Queued,
    RecognitionStarted,
    TurnStarted,
    UpdateResult,
)
from telegram.updates import Unreadable, charge_in, chat_of, read, received, topic_of

log = logging.getLogger(__name__)

WORKERS = 4
STOP_MAY_TAKE_S = 2.0  # a handler that is cut off is rolled back, and runs again after the next start
HANDLER_HANGS_S = 60.0  # longer than a handler waits for the database
MOST_DEATHS = 3  # of the process inside one update's handler, before the update becomes a dead letter
STORAGE_PAUSE_S = 1.0  # between two tries while the database fails
REPEATED_WITHIN_S = 15.0  # Telegram is asked again for a batch that could not be stored
MOST_FILE_FAILURES = 3  # a file that can't be read so often can't be read at all


@dataclass(frozen=True, slots=True)
class _Committed:
    """An update's committed result, with the outbox rows of its messages."""

    rows: Sequence[OutboxRow]
    result: UpdateResult
    body: str
    failed: bool = False  # by a bug: rolled back, and the user got an apology


class Dispatcher:
    """The inbox and its workers.

    `handler` decides in the update's transaction what happens to it; `carry_out` follows the commit.
    """

    def __init__(
        self,
        *,
        db: Database,
        chats: ChatQueues,
        delivery: Delivery,
        handler: Callable[[Update, IncomingUpdate], UpdateResult],
        carry_out: Callable[[Effect], None],
        notices: FailureNotices,
        metrics: Metrics = SILENT,
    ) -> None:
        self._db = db
        self._chats = chats
        self._delivery = delivery
        self._handler = handler
        self._carry_out = carry_out
        self._notices = notices
        self._metrics = metrics
        self._left_over: set[int] = set()  # rows of an earlier run, not tried in this one yet
        self._trying = threading.Lock()  # one such row at a time, so that a death is counted for the right one
        self._stopping = threading.Event()
        self._workers: list[threading.Thread] = []
        self._file_failures: Counter[int] = Counter()  # by row; a worker has a row of its own
        self._started_at: dict[int, float] = {}  # running handlers by row, monotonic

    # ------------------------------------------------------------------ start and stop

    def start(self) -> None:
        """Take up the updates that an earlier run left, then start the workers."""
        in_recognition = self._db.inbox.in_transcription()
        left_over = self._db.inbox.unfinished()
        self._left_over = {row.id for row in left_over}
        known = set(self._left_over)  # a turn may have ended between the two queries
        for row in in_recognition:
            if row.id not in known:
                self._chats.hold(row)
        self._chats.add(left_over)
        self._workers = [
            threading.Thread(target=self._work, name=f"update-{number}", daemon=True) for number in range(WORKERS)
        ]
        for worker in self._workers:
            worker.start()
        for row in in_recognition:
            self._resume_if_free(row)

    def stop(self) -> None:
        """Start no more handlers, and wait a moment for those that run."""
        self._stopping.set()
        self._chats.stop()
        ends_at = time.monotonic() + STOP_MAY_TAKE_S
        for worker in self._workers:
            worker.join(max(0.0, ends_at - time.monotonic()))

    def health_problem(self) -> str:
        """Return why updates aren't handled, in a few words; empty while they are."""
        ended = sum(not worker.is_alive() for worker in self._workers)
        if ended:
            return f"{ended} of {len(self._workers)} update workers have ended"
        started_at = list(self._started_at.values())
        runs_s = time.monotonic() - min(started_at) if started_at else 0.0
        return f"a handler has run for {runs_s:.0f} s" if runs_s > HANDLER_HANGS_S else ""

    # ------------------------------------------------------------------ storing updates

    def put(self, chat_id: int, body: str) -> None:
        """Store an update that doesn't come from Telegram: JSON of the same shape. Raises `StorageError`."""
        with self._db.transaction(durable=True):
            rows = self._db.inbox.add([(None, chat_id, body)], int(time.time()))
        self._chats.add(rows)

    def keep(self, batch: Any) -> int | None:
        """Store a batch from Telegram; return the offset that acknowledges it once the disk has the batch.

        It is handled meanwhile: what a power cut takes from the inbox, Telegram sends again. None after an empty batch:
        after a quiet week Telegram may go on with smaller ids than the last ones. Raises `StorageError`, and
        `ValueError` if no update of the batch has an id.
        """
        updates = [update for update in batch if isinstance(update, dict) and is_id(update.get("update_id"))]
        if not updates:
            if batch:  # they can't be acknowledged and would come again at once: an error makes polling pause
                raise ValueError("Telegram sent updates without a number")
            return None
        kept = [(update["update_id"], chat_of(update), received(update)) for update in updates]
        topics: dict[int | None, int] = {
            update["update_id"]: topic for update in updates if (topic := topic_of(update))
        }
        chats = [(chat_id, topics.get(update_id, 0)) for update_id, chat_id, _ in kept]
        with self._chats.storing(REPEATED_WITHIN_S):
            try:
                with self._db.transaction():
                    rows = self._db.inbox.add(kept, int(time.time()), topics)
            except StorageError:
                self._tell_of_failure(chats)
                raise
            self._chats.add(rows)
            self._db.to_disk(lambda: self._tell_of_failure(()))
        return 1 + max(int(update["update_id"]) for update in updates)

    def _tell_of_failure(self, batch: Iterable[Queue]) -> None:
        """Tell the chats of a batch, and those that wait for a piece of a question, that nothing can be stored."""
        for chat_id, topic_id in {*batch, *self._chats.waiting()}:
            self._notices.storage_failed(chat_id, topic_id)

    # ------------------------------------------------------------------ workers

    def _work(self) -> None:
        while (taken := self._chats.take()) is not None:
            row, held, again = taken.row, None, False
            try:
                taken = self._gather(taken)
                row = taken.row
                if taken.onto is None:
                    held = self._run(row, _incoming(taken))
            except StorageError as error:
                event(log, logging.ERROR, "storage_unavailable", part="handler", inbox=row.id, error=str(error))
                self._notices.storage_failed(row.chat_id, row.topic_id)
                again = not self._stopping.wait(STORAGE_PAUSE_S)
            except Exception:
                event(log, logging.ERROR, "update_worker_failed", exc_info=True)
            if not again:
                self._file_failures.pop(row.id, None)
            self._chats.release(taken, held=held, again=again)
            if held is not None:
                self._resume_if_free(row)

    def _gather(self, taken: Taken) -> Taken:
        """Make one row of the pieces of a question. Raises `StorageError`."""
        if taken.onto is None and not taken.pieces:
            return taken
        first, *rest = filter(None, (taken.onto, taken.row, *taken.pieces))
        whole = replace(first, body=gathered([first, *rest]))
        with self._db.transaction():
            if not self._db.inbox.gather(whole.id, whole.body, [row.id for row in rest], int(time.time())):
                return replace(taken, onto=None)  # its sender took it back while it waited
        self._left_over.difference_update(row.id for row in rest)
        event(log, logging.INFO, "pieces_gathered", inbox=whole.id, chat=whole.chat_id, pieces=1 + len(rest))
        if taken.onto is not None:
            self._chats.replace(whole)
            return replace(taken, pieces=())
        return replace(taken, row=whole, pieces=())

    def _resume_if_free(self, row: InboxRow) -> None:
        """Resume a chat whose turn ended after the handler had looked and before the row was held."""
        try:
            free = self._db.turns.open_in(row.chat_id, row.topic_id) is None
        except StorageError:
            free = True
        if free:
            self._chats.resume(row.chat_id, row.topic_id)

    def _run(self, row: InboxRow, incoming: IncomingUpdate) -> InboxRow | None:
        """Handle one update; return the row to hold if it waits for a turn."""
        if row.id not in self._left_over:
            return self._handle(row, incoming)
        with self._trying:
            return self._handle(row, incoming) if self._may_try(row) else None

    def _handle(self, row: InboxRow, incoming: IncomingUpdate) -> InboxRow | None:
        started_at = self._started_at[row.id] = time.monotonic()
        try:
            committed = self._commit(row, incoming)
            if not isinstance(committed, _Committed):
                return committed
            self._delivery.wake(committed.rows)
            for effect in committed.result.effects:
                self._carry_out(effect)
        finally:
            del self._started_at[row.id]
        disposition = committed.result.disposition
        self._metrics.update_handled("failed" if committed.failed else disposition.name)
        event(
            log,
            logging.INFO,
            "update_handled",
            inbox=row.id,
            chat=row.chat_id,
            verdict=disposition.name,
            ms=round((time.monotonic() - started_at) * 1000, 1),
        )
        return _row_to_hold(row, committed)

    def _commit(self, row: InboxRow, incoming: IncomingUpdate) -> _Committed | InboxRow | None:
        """Run the handler and commit its result.

        Returns None if there is nothing to handle any more, and the row itself if it is a voice message that is still
        being recognised. Raises `StorageError`.
        """
        try:
            with self._db.transaction():
                body = row.body
                if not body:
                    state, body = self._db.inbox.state_and_body(row.id)
                    if state != "new":
                        return row if state == "turn" else None
                elif row.queued and not self._db.inbox.is_new(row.id):
                    return None  # its sender took it back while it waited
                update = read(body)
                result = self._handler(update, incoming) if update is not None else NOTHING
                self._close(row, result.disposition)
                rows = self._db.outbox.add(row.id, _in_topic(row, result.messages))
            return _Committed(rows, result, body)
        except StorageError:
            raise
        except Unreadable as error:
            self._make_dead_letter(row, str(error))
            return None
        except Exception as error:
            if is_disk_failure(error) and self._file_failures[row.id] < MOST_FILE_FAILURES:
                self._file_failures[row.id] += 1
                raise StorageError(str(error)) from error
            event(log, logging.ERROR, "handler_failed", inbox=row.id, chat=row.chat_id, exc_info=True)
            if charge_in(row.body):  # money is never forgotten
                self._make_dead_letter(row, "its handler failed")
                return None
            with self._db.transaction():
                rows = self._db.outbox.add(row.id, _in_topic(row, [self._notices.apology(row.chat_id)]))
                self._db.inbox.finish(row.id, int(time.time()))
            return _Committed(rows, NOTHING, row.body, failed=True)

    def _close(self, row: InboxRow, disposition: Disposition) -> None:
        match disposition:
            case TurnStarted() | RecognitionStarted():
                self._db.inbox.become_turn(row.id)
            case Queued(session_id):
                self._db.inbox.queue(row.id, session_id)
            case _:
                self._db.inbox.finish(row.id, int(time.time()))

    # ------------------------------------------------------------------ dead letters

    def _may_try(self, row: InboxRow) -> bool:
        """Count a try of a row that an earlier run left; make it a dead letter when it has had its tries.

        The run that the row came in counts as its first try, unless its handler had ended then. Not durable: a process
        that dies cuts no power, and a short transaction makes it unlikely that another update's death is counted here.
        """
        deaths = row.attempts + (0 if row.queued else 1)
        if deaths >= MOST_DEATHS:
            self._make_dead_letter(row, f"the process died {deaths} times while handling it")
            return False
        with self._db.transaction():
            self._db.inbox.count_attempt(row.id)
        self._left_over.discard(row.id)  # a second try after a database error isn't counted
        return True

    def _make_dead_letter(self, row: InboxRow, reason: str) -> None:
        with self._db.transaction():
            self._db.inbox.make_dead_letter(row.id)
        self._left_over.discard(row.id)
        self._metrics.update_handled("dead_letter")
        event(log, logging.ERROR, "update_dead_lettered", inbox=row.id, chat=row.chat_id, reason=reason)
        if charge_id := charge_in(row.body):
            self._notices.payment_failed(row, charge_id, reason)
        else:
            self._notices.dead_letter(row, reason)


def _incoming(taken: Taken) -> IncomingUpdate:
    row = taken.row
    return IncomingUpdate(row.id, row.chat_id, row.queued, taken.behind, taken.blocked, row.topic_id)


def _in_topic(row: InboxRow, messages: Sequence[Outgoing]) -> list[Outgoing]:
    return [message.in_topic(row.chat_id, row.topic_id) for message in messages]


def _row_to_hold(row: InboxRow, committed: _Committed) -> InboxRow | None:
    """Return what is held until the chat's turn has ended; None if the update doesn't wait."""
    match committed.result.disposition:
        case RecognitionStarted():
            return replace(row, body="", attempts=0, blocks=True)
        case Queued(session_id, blocks):
            return replace(row, body=committed.body, attempts=0, queued=session_id, blocks=blocks)
    return None
