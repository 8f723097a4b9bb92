"""Stopping a turn: it ends with the text so far, and its worker finds it ended."""

from __future__ import annotations

from core.schemas import Outgoing
from database import Turn
from telegram.chat_queue import ChatQueues
from telegram.sender import Delivery
from turns.completion import TurnCompletion
from turns.notices import TurnNotices
from turns.running_turn import RunningTurns
from turns.turn_queue import TurnQueues


class TurnStops:
    """Stops turns in two steps: `end` in the stop's transaction, `release` after its commit."""

    def __init__(
        self,
        *,
        completion: TurnCompletion,
        running_turns: RunningTurns,
        queues: TurnQueues,
        notices: TurnNotices,
        delivery: Delivery,
        chats: ChatQueues,
    ) -> None:
        self._completion = completion
        self._running_turns = running_turns
        self._queues = queues
        self._notices = notices
        self._delivery = delivery
        self._chats = chats

    def end(self, turn: Turn) -> list[Outgoing]:
        """End an open turn with the text so far; return the messages that show it."""
        return self._completion.stop(turn, self._running_turns.get(turn.id))

    def take_back(self, turn: Turn) -> list[Outgoing] | None:
        """End an open turn as if it had not been asked; None once its answer has begun."""
        return self._completion.take_back(turn, self._running_turns.get(turn.id))

    def release(self, turn: Turn) -> None:
        """Wake the worker of a stopped turn, delete its notices and let its chat go on."""
        running = self._running_turns.get(turn.id)
        waiting = self._queues.withdraw(turn)
        if waiting is not None:
            self._notices.drop_place(waiting)
        if running is not None:
            running.cancel.set()
        self._delivery.end_draft(turn.chat_id, turn.id)
        self._chats.resume(turn.chat_id, turn.topic_id)
