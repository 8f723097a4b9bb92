"""The end of a turn as rows: the call, what the result changes, the turn, its update and its messages.

Whoever ends the turn first (its worker, or a stop) changes everything; the other changes nothing. Everything here runs
inside the transaction of the caller.
"""

from __future__ import annotations

import logging
import time

from core.errors import ModelCancelled, ModelError, ModelRefused
from core.logs import event
from core.metrics import Metrics
from core.schemas import OutboxRow, Outgoing
from database import Database, Turn
from turns import work_notices
from turns.billing import TurnBilling
from turns.partial_answers import completed
from turns.running_turn import RunningTurn
from turns.session_warnings import SessionWarnings
from turns.turn_kind import TurnKind, TurnKinds
from turns.turn_result import StoredResult, TurnResult

log = logging.getLogger(__name__)


class TurnCompletion:
    """Stores results of turns."""

    def __init__(
        self,
        *,
        db: Database,
        kinds: TurnKinds,
        billing: TurnBilling,
        warnings: SessionWarnings,
        metrics: Metrics,
    ) -> None:
        self._db = db
        self._kinds = kinds
        self._billing = billing
        self._warnings = warnings
        self._metrics = metrics

    def store(self, running: RunningTurn, result: TurnResult) -> StoredResult | None:
        """Store a run's result; None if the turn had ended before."""
        turn, kind = running.turn, running.kind
        is_shown = running.end()
        if not self._close_call(running, result):
            return None
        with self._db.topic_states.within(turn.user_id, turn.chat_id, turn.topic_id):
            messages = self._messages(kind, turn, result)
        if result.state == "answered" and not kind.ends_story:
            messages += self._warnings.few_turns(turn)
        if not self._end(turn, result):
            return None
        rows = self._add_messages(turn, completed(turn, messages) if is_shown else messages)
        return StoredResult(rows, self._start_next(kind, turn) if result.state == "answered" else None)

    def failed(self, running: RunningTurn, error: Exception) -> TurnResult:
        """Return the result of a run that `error` ended. No transaction is needed."""
        call = running.call
        lasting = isinstance(error, ModelError) and not isinstance(error, ModelRefused | ModelCancelled)
        if call is not None and lasting:
            text = running.kind.text_after_failure(call.text, running.words)
            if text:
                return TurnResult("failed", text, usage=self._billing.usage_so_far(call), error=error)
        return TurnResult("failed", error=error)

    def abandon(self, running: RunningTurn) -> StoredResult | None:
        """End a turn of which no other end could be stored: nothing is kept or charged."""
        turn = running.turn
        is_shown = running.end()
        if running.call is not None:
            self._billing.release(running.call)
        if not self._end(turn, TurnResult("failed")):
            return None
        messages = running.kind.abandoned(turn)
        return StoredResult(self._add_messages(turn, completed(turn, messages) if is_shown else messages))

    def release(self, running: RunningTurn) -> None:
        """Give the open call back, if there is one, and forget it."""
        if running.call is not None:
            self._billing.release(running.call)
            running.call = None

    def stop(self, turn: Turn, running: RunningTurn | None) -> list[Outgoing]:
        """End an open turn with the text so far; return the messages that show it.

        `running` is None for a turn that waits for a worker.
        """
        kind = self._kinds[turn.kind]
        result = self._stopped(kind, running)
        if running is not None and running.call is not None:
            if result.usage is not None:
                self._billing.settle(running.call, result.usage)
            else:
                self._billing.release(running.call)
        with self._db.topic_states.within(turn.user_id, turn.chat_id, turn.topic_id):
            messages = [*self._notice_gone(turn), *kind.stopped(turn, result.text)]
        if running is not None and running.partial is not None:
            messages = completed(turn, messages)
        self._end(turn, result)
        self._metrics.turn_ended(turn.kind, "stopped", running.seconds if running is not None else 0.0, None)
        event(log, logging.INFO, "turn_stopped", user=turn.user_id, turn=turn.id, chars=len(result.text))
        return messages

    def take_back(self, turn: Turn, running: RunningTurn | None) -> list[Outgoing] | None:
        """End an open turn as if it had not been asked; return the messages that show that.

        None, and nothing is changed, once its answer has begun.
        """
        if running is not None:
            with running.lock:
                if running.ended or running.first_text_at is not None:
                    return None
                running.ended = True
                call = running.call
            if call is not None:
                self._billing.release(call)
        messages = self._notice_gone(turn)
        self._end(turn, TurnResult("stopped"))
        event(log, logging.INFO, "turn_taken_back", user=turn.user_id, turn=turn.id)
        return messages

    def _stopped(self, kind: TurnKind, running: RunningTurn | None) -> TurnResult:
        """Return the result of a stop; nothing of the growing answer goes out after it."""
        if running is None:
            return TurnResult("stopped")
        running.end()
        call = running.call
        text = kind.text_after_stop(call.text, running.words) if call is not None else ""
        if call is None or not text:
            return TurnResult("stopped")
        return TurnResult("stopped", text, usage=self._billing.usage_so_far(call))

    def _close_call(self, running: RunningTurn, result: TurnResult) -> bool:
        """Charge or give back the open call; False if a stop was faster."""
        call = running.call
        if call is None:
            return self._db.turns.is_open(running.turn.id)
        if result.usage is not None:
            return self._billing.settle(call, result.usage)
        return self._billing.release_failed(call, result.error)

    def _messages(self, kind: TurnKind, turn: Turn, result: TurnResult) -> list[Outgoing]:
        if result.state == "answered":
            return kind.answered(turn, result)
        if result.text:
            return kind.broken_off(turn, result)
        return kind.failed(turn, result.error)

    def _add_messages(self, turn: Turn, messages: list[Outgoing]) -> list[OutboxRow]:
        """Store the messages of a turn's end, after the deletion of the notice that it runs."""
        shown = [message.in_topic(turn.chat_id, turn.topic_id) for message in messages]
        return self._db.outbox.add(turn.inbox_id, [*self._notice_gone(turn), *shown])

    def _notice_gone(self, turn: Turn) -> list[Outgoing]:
        return work_notices.deletion(self._db, turn.chat_id, turn.inbox_id)

    def _end(self, turn: Turn, result: TurnResult) -> bool:
        return self._db.turns.end(turn.id, result.state, int(time.time()))

    def _start_next(self, kind: TurnKind, turn: Turn) -> tuple[int, str] | None:
        """Add the turn that follows by itself; return its id and kind. It is queued after the commit."""
        following = kind.next_turn(turn)
        if following is None:
            return None
        turn_id = self._db.turns.add(
            inbox_id=None,
            chat_id=turn.chat_id,
            user_id=turn.user_id,
            session_id=turn.session_id,
            kind=following.kind,
            prompt_id=following.prompt_id,
            hint="",
            reply_to=turn.reply_to,
            topic_id=turn.topic_id,
            now=int(time.time()),
        )
        return turn_id, following.kind
