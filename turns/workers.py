"""The threads that run turns: `MODEL_SLOTS` for the model, and a few for services.

A worker is the slot: a chat whose turn waits holds no thread.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import NamedTuple

from core.errors import StorageError
from core.logs import event
from core.schemas import Outgoing
from database import Database
from telegram.sender import Delivery
from turns.notices import TurnNotices
from turns.running_turn import RunningTurns
from turns.turn_queue import TurnQueue, TurnQueues
from turns.turn_runner import TurnRunner

log = logging.getLogger(__name__)

STORAGE_PAUSE_S = 1.0  # before a turn that the database didn't start is taken again
SERVICE_WORKERS = 4  # for pictures and speech, which take no slot of the model


class TurnCounts(NamedTuple):
    """How many turns are under way."""

    running: int
    waiting_for_model: int
    waiting_for_service: int


class TurnWorkers:
    """Starts and stops the workers. Each takes the oldest waiting turn and runs it to its end."""

    def __init__(
        self,
        *,
        db: Database,
        runner: TurnRunner,
        running_turns: RunningTurns,
        queues: TurnQueues,
        notices: TurnNotices,
        delivery: Delivery,
        model_slots: int,
    ) -> None:
        self._db = db
        self._runner = runner
        self._running_turns = running_turns
        self._queues = queues
        self._notices = notices
        self._delivery = delivery
        self._model_slots = model_slots
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Recover what an earlier run of the bot left and start the workers.

        Lost calls are given back, their turns are queued again, and queue notices and half answers are deleted.
        """
        with self._db.transaction(durable=True):
            lost = self._db.ledger.recover(int(time.time()))
            turns = self._db.turns.recover()
            orphans = [
                Outgoing(chat_id, "deleteMessage", {"message_id": message_id})
                for chat_id, message_id in self._db.turns.notices() + self._db.growing.take_orphans()
            ]
            rows = self._db.outbox.add(None, orphans)
        self._delivery.wake(rows)
        if lost or turns:
            event(log, logging.INFO, "turns_resumed", lost_calls=lost, turns=len(turns))
        self._queues.recover(turns, self._model_slots)
        self._start_threads(self._queues.model, "turn", self._model_slots)
        self._start_threads(self._queues.service, "job", SERVICE_WORKERS)

    def limit(self, slots: int) -> None:
        """Let at most so many turns ask the model at once; 0: as many as there are workers."""
        self._queues.model.set_limit(slots or self._model_slots)

    def stop(self, timeout_s: float) -> int:
        """Start no more turns and wait for the running ones; return how many are left for the next start."""
        self._running_turns.stopping.set()
        self._queues.model.wake_all()
        self._queues.service.wake_all()
        left = self._running_turns.wait_until_over(timeout_s)
        for running in left:
            running.cancel.set()  # the worker ends without storing anything; the next start finds the call lost
        return len(left)

    def health_problem(self) -> str:
        """Return why no turns are run, in a few words; empty while every worker is there."""
        ended = sum(not worker.is_alive() for worker in self._threads)
        return f"{ended} of {len(self._threads)} workers have ended" if ended else ""

    def counts(self) -> TurnCounts:
        """Return how many turns are under way."""
        return TurnCounts(len(self._running_turns), len(self._queues.model), len(self._queues.service))

    def show_progress(self) -> None:
        """Bring queue places and progress up to date; to be called a few times a second.

        A turn that finds a worker before the next call never shows a place.
        """
        self._notices.show_progress()
        for queue in (self._queues.model, self._queues.service):
            self._notices.show_places(queue)

    def _start_threads(self, queue: TurnQueue, name: str, number: int) -> None:
        for place in range(number):
            thread = threading.Thread(target=self._work, args=(queue,), name=f"{name}-{place}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self, queue: TurnQueue) -> None:
        while (waiting := queue.take()) is not None:
            self._notices.drop_place(waiting)
            try:
                self._runner.run(waiting.turn_id)
            except StorageError as error:
                event(log, logging.ERROR, "storage_unavailable", part="turn", turn=waiting.turn_id, error=str(error))
                self._running_turns.stopping.wait(STORAGE_PAUSE_S)
                queue.put_back(waiting)
            except Exception:
                event(log, logging.ERROR, "turn_worker_failed", turn=waiting.turn_id, exc_info=True)
            finally:
                queue.done()
