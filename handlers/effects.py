"""What follows an update's commit: turns to the workers, events to analytics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handlers.recently_said import RecentlySaid
from monitoring.analytics import Analytics
from telegram.chat_queue import ChatQueues
from telegram.payment_calls import PaymentCalls
from telegram.sender import Delivery
from telegram.update_result import (
    DropMessages,
    Effect,
    ForgetQueued,
    ForgetSaid,
    MakePaymentCalls,
    NoteSaid,
    ReleaseTurn,
    StartTurn,
    StopBot,
    TrackEvent,
)
from turns.turn_service import TurnService


@dataclass(frozen=True, slots=True)
class EffectRunner:
    """Carries out effects, in a worker's thread. `stop_bot` makes the process stop in good order."""

    turns: TurnService
    chats: ChatQueues
    delivery: Delivery
    analytics: Analytics
    payment_calls: PaymentCalls
    recently_said: RecentlySaid
    stop_bot: Callable[[], None]

    def carry_out(self, effect: Effect) -> None:
        """Carry out one effect. Raises `StorageError`."""
        match effect:
            case StartTurn(turn_id, chat_id, kind):
                self.turns.enqueue(turn_id, chat_id, kind)
            case ReleaseTurn(turn):
                self.turns.release(turn)
            case ForgetQueued(chat_id, inbox_id, topic_id):
                self.chats.forget(chat_id, inbox_id, topic_id)
            case DropMessages(chat_id, row_ids):
                self.delivery.drop(chat_id, row_ids)
            case MakePaymentCalls():
                self.payment_calls.wake()
            case NoteSaid(chat_id, topic_id, user_id, key):
                self.recently_said.note(chat_id, topic_id, user_id, key)
            case ForgetSaid(chat_id, topic_id, user_id):
                self.recently_said.forget(chat_id, topic_id, user_id)
            case TrackEvent(name, user_id, properties):
                self.analytics.tell(name, user_id, **properties)
            case StopBot():
                self.stop_bot()
