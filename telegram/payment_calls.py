"""Calls about payments: they go out at once, beside the queue of messages and its limits.

Telegram cancels a payment unless `answerPreCheckoutQuery` comes within ten seconds. So these answers have a thread of
their own, refunds, changes of subscriptions and the list of payments another one; neither waits for a message, nor for
the other. A thread starts with its first call.

| Telegram says | an answer before a payment | a refund, a change of a subscription, the list |
|---|---|---|
| ok, or that it is done already | it has ended | it has ended |
| 429, 5xx, nothing | again, until ten seconds are over | again, after 0.5 s doubling to 30 s |
| 401 | again, until ten seconds are over | again after 30 s: the token is wrong, not the call |
| other 4xx | it has ended; the log says so | it has ended; `on_end` says what follows |
| anything, and `on_end` has a bug | again | again; the list five times |
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.errors import StorageError, TelegramError, TelegramRefused
from core.logs import event
from core.metrics import SILENT, Metrics
from core.schemas import Json, OutboxRow, Outgoing
from database import Database
from telegram.api_client import BotApi
from telegram.payment_methods import ANSWER, CALLS, LIST
from telegram.sender import Delivery

log = logging.getLogger(__name__)

ANSWER_WITHIN_S: Final = 10.0
ANSWER_TIMEOUT_S: Final = 4.0  # of one try, so that there is time for another one
TIMEOUT_S: Final = 30.0
FIRST_PAUSE_S: Final = 0.5
ANSWER_PAUSE_S: Final = 1.0  # the longest
LONGEST_PAUSE_S: Final = 30.0
MOST_BUGS: Final = 5  # of one answer's booking; the list is given up then, the others are money
DONE_BEFORE: Final = "CHARGE_ALREADY_REFUNDED"

# Takes an ended call, Telegram's refusal, empty if there is none, and its answer; returns what is to be said, and
# further calls. In a transaction.
OnEnd = Callable[[OutboxRow, str, Json], Sequence[Outgoing]]


class _Worker(StrEnum):
    """A thread of its own, by name, and the calls that it makes."""

    ANSWERS = "pre-checkout"
    OTHERS = "payments"


@dataclass(slots=True)
class _Call:
    row: OutboxRow
    since: float  # monotonic
    due_at: float
    pause_s: float = FIRST_PAUSE_S
    bugs: int = 0

    @property
    def answers(self) -> bool:
        return self.worker is _Worker.ANSWERS

    @property
    def worker(self) -> _Worker:
        return _Worker.ANSWERS if self.row.method == ANSWER else _Worker.OTHERS


class PaymentCalls:
    """Makes the outbox's calls about payments. `wake` it at a start, and after a commit that added some."""

    def __init__(
        self, *, api: BotApi, db: Database, delivery: Delivery, on_end: OnEnd, metrics: Metrics = SILENT
    ) -> None:
        self._api = api
        self._db = db
        self._delivery = delivery
        self._on_end = on_end
        self._metrics = metrics
        self._condition = threading.Condition()
        self._books = threading.Lock()  # so that no row is read while it is being ended
        self._known: set[int] = set()  # rows that wait or are under way
        self._list_released = False
        self._calls: dict[_Worker, list[_Call]] = {worker: [] for worker in _Worker}
        self._threads: dict[_Worker, threading.Thread] = {}
        self._stopped = False

    def release_list(self) -> None:
        """Read the list too from now on: what waited for the start is handled. Raises `StorageError`."""
        self._list_released = True
        self.wake()

    def wake(self) -> None:
        """Take up the calls that the outbox has, but for readings of the list before `release_list`.

        Raises `StorageError`.
        """
        with self._books:
            self._take(self._db.outbox.pending_of(CALLS))

    def _take(self, rows: Sequence[OutboxRow]) -> None:
        now = time.monotonic()
        with self._condition:
            for row in rows:
                if row.method == LIST and not self._list_released:
                    continue  # it would overtake the payments among the updates that waited for the start
                if row.id not in self._known and not self._stopped:
                    self._known.add(row.id)
                    self._queue(_Call(row, now, now))
            self._condition.notify_all()

    def stop(self, timeout_s: float) -> None:
        """Start no more calls; those that are left are made after the next start."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()
        for thread in list(self._threads.values()):
            thread.join(timeout_s)

    def _queue(self, call: _Call) -> None:
        worker = call.worker
        self._calls[worker].append(call)
        if worker not in self._threads:
            self._threads[worker] = threading.Thread(target=self._run, args=(worker,), name=worker, daemon=True)
            self._threads[worker].start()

    def _run(self, worker: _Worker) -> None:
        while (call := self._next(worker)) is not None:
            try:
                again = self._make(call)
            except Exception:
                event(log, logging.ERROR, "payment_call_failed", method=call.row.method, exc_info=True)
                call.bugs += 1
                again = True
            if again:
                self._put_back(call)

    def _next(self, worker: _Worker) -> _Call | None:
        """Wait for the next call that is due; None if stopped."""
        with self._condition:
            while not self._stopped:
                calls = self._calls[worker]
                due_at = min((call.due_at for call in calls), default=None)
                now = time.monotonic()
                if due_at is not None and due_at <= now:
                    call = min(calls, key=lambda one: one.due_at)
                    calls.remove(call)
                    return call
                self._condition.wait(None if due_at is None else due_at - now)
            return None

    def _put_back(self, call: _Call) -> None:
        call.due_at = time.monotonic() + call.pause_s
        call.pause_s = min(2 * call.pause_s, ANSWER_PAUSE_S if call.answers else LONGEST_PAUSE_S)
        with self._condition:
            self._calls[call.worker].append(call)

    def _make(self, call: _Call) -> bool:
        """Make a call; return whether it is to be made again."""
        row, refusal, answer = call.row, "", None
        if row.method == LIST and call.bugs >= MOST_BUGS:
            return not self._end(row, "its answer can't be booked, see the log", None)
        try:
            answer = self._api.call(row.method, row.params, timeout_s=ANSWER_TIMEOUT_S if call.answers else TIMEOUT_S)
        except TelegramError as error:
            code = error.code if isinstance(error, TelegramRefused) else 0
            if DONE_BEFORE not in str(error):
                self._metrics.sending_failed(row.method, str(code or "unreachable"))
                refusal = str(error)
            late = call.answers and time.monotonic() - call.since >= ANSWER_WITHIN_S
            if refusal and not late and (code in (0, 401, 429) or code >= 500):
                if isinstance(error, TelegramRefused) and error.retry_after_s is not None:
                    call.pause_s = max(call.pause_s, error.retry_after_s)
                if code == 401:
                    call.pause_s = LONGEST_PAUSE_S
                event(log, logging.WARNING, "payment_call_retried", method=row.method, error=refusal)
                return True
            if refusal:
                event(log, logging.ERROR, "payment_call_refused", method=row.method, error=refusal)
        return not self._end(row, refusal, answer)

    def _end(self, row: OutboxRow, refusal: str, answer: Json) -> bool:
        """Delete the row, commit what follows and do it. Return False if the database can't be written."""
        try:
            with self._books:
                with self._db.transaction(durable=row.method != ANSWER):
                    said = self._on_end(row, refusal, answer)
                    self._db.outbox.dropped(row.id, refusal)
                    rows = self._db.outbox.add(row.inbox_id, said)
                with self._condition:
                    self._known.discard(row.id)
                self._take([added for added in rows if added.method in CALLS])
        except StorageError as error:
            event(log, logging.ERROR, "storage_unavailable", part="payments", error=str(error))
            return False
        self._delivery.wake(rows)
        return True
