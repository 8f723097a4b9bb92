"""The run of a turn and the transaction that ends it, both repeated while the database fails."""

from __future__ import annotations

import logging
from collections.abc import Callable

from core.errors import StorageError, is_disk_failure
from core.logs import event
from database import Database
from telegram.chat_queue import ChatQueues
from telegram.sender import Delivery
from turns.completion import TurnCompletion
from turns.notices import TurnNotices
from turns.running_turn import RunningTurn, RunningTurns
from turns.turn_queue import TurnQueues
from turns.turn_result import StoredResult, TurnResult

log = logging.getLogger(__name__)

RUN_PAUSE_S = 1.0  # between two tries of a run while the database fails
MOST_FILE_FAILURES = 3  # a file that can't be read so often can't be read at all
MOST_COMMIT_FILE_FAILURES = 7  # of a commit, in about a minute: its answer is paid for
FIRST_COMMIT_PAUSE_S, LONGEST_COMMIT_PAUSE_S = 0.5, 30.0


class TurnCommits:
    """Runs turns and commits their results, in the worker's thread."""

    def __init__(
        self,
        *,
        db: Database,
        completion: TurnCompletion,
        running_turns: RunningTurns,
        queues: TurnQueues,
        notices: TurnNotices,
        delivery: Delivery,
        chats: ChatQueues,
    ) -> None:
        self._db = db
        self._completion = completion
        self._running_turns = running_turns
        self._queues = queues
        self._notices = notices
        self._delivery = delivery
        self._chats = chats

    def run(self, running: RunningTurn) -> TurnResult | None:
        """Run the turn, again while the database fails; return its result, None if the process stops first.

        Raises what the kind's `run` raises, but for `StorageError`. A run that fails at another file is repeated a few
        times; not once a service was asked, whose picture or speech would be bought again.
        """
        file_failures = 0
        while True:
            try:
                self._completion.release(running)
                return running.kind.run(running)
            except (StorageError, OSError) as error:
                if not is_disk_failure(error):
                    raise
                if not isinstance(error, StorageError):
                    file_failures += 1
                    if file_failures > MOST_FILE_FAILURES or _may_be_made(running):
                        raise
                event(log, logging.ERROR, "storage_unavailable", part="turn", turn=running.turn.id, error=str(error))
                self._notices.storage_failed(running.turn.chat_id, running.turn.topic_id)
                if self._running_turns.stopping.wait(RUN_PAUSE_S):
                    return None

    def commit(self, running: RunningTurn, result: TurnResult) -> TurnResult | None:
        """Commit a result; return the committed one. None if a stop was faster or the process stops first.

        A result that can't be stored becomes a failed one, so that nobody waits for ever or has tokens held.
        """
        try:
            return self._store_and_send(running, result, lambda: self._completion.store(running, result))
        except Exception as error:
            event(log, logging.ERROR, "turn_failed", turn=running.turn.id, exc_info=True)
            return self.commit_failure(running, error)

    def commit_failure(self, running: RunningTurn, error: Exception) -> TurnResult | None:
        """Commit that a run failed, with the text so far if it is worth keeping. Returns what `commit` returns."""
        try:
            failed = self._completion.failed(running, error)
            return self._store_and_send(running, failed, lambda: self._completion.store(running, failed))
        except Exception:
            event(log, logging.ERROR, "turn_failure_unreported", turn=running.turn.id, exc_info=True)
            abandoned = TurnResult("failed")
            return self._store_and_send(running, abandoned, lambda: self._completion.abandon(running))

    def _store_and_send(
        self, running: RunningTurn, result: TurnResult, store: Callable[[], StoredResult | None]
    ) -> TurnResult | None:
        """Commit what `store` stores, as often as it takes: the answer is in hand and must not be asked for again.

        The chat's next update waits until the messages are on their way.
        """
        turn = running.turn
        with self._chats.paused(turn.chat_id, turn.topic_id):
            stored = self._stored(running, store)
            if stored is None:
                return None
            self._delivery.end_draft(turn.chat_id, turn.id)
            self._delivery.wake(stored.rows)
            if stored.next_turn is not None:
                next_id, kind = stored.next_turn
                self._queues.put(next_id, turn.chat_id, kind)
            self._chats.resume(turn.chat_id, turn.topic_id)
            return result

    def _stored(self, running: RunningTurn, store: Callable[[], StoredResult | None]) -> StoredResult | None:
        """Return what the transaction stored; None if the turn had ended before, or the process stops first.

        Repeats it for as long as the database fails. Raises `OSError` if another file can't be read for a minute.
        """
        pause_s, file_failures = FIRST_COMMIT_PAUSE_S, 0
        while True:
            try:
                with self._db.transaction(durable=True):
                    return store()
            except (StorageError, OSError) as error:
                file_failures += not isinstance(error, StorageError)
                if not is_disk_failure(error) or file_failures > MOST_COMMIT_FILE_FAILURES:
                    raise
                event(log, logging.ERROR, "storage_unavailable", part="answer", turn=running.turn.id, error=str(error))
                self._notices.storage_failed(running.turn.chat_id, running.turn.topic_id)
                if self._running_turns.stopping.wait(pause_s):
                    return None  # asked again at the next start
                pause_s = min(LONGEST_COMMIT_PAUSE_S, pause_s * 2)


def _may_be_made(running: RunningTurn) -> bool:
    """Return whether a service may have made the picture or the speech of the open call, which it is paid for."""
    return running.call is not None and running.kind.by_service
