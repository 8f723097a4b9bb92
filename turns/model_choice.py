"""Which model a turn asks: its user's choice, or the default one if that is gone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from ai.catalog import CostMultiplier, Model
from ai.registry import ModelRegistry
from conversation.localization import Locales
from core.errors import ModelGone, PromptTooLong
from core.logs import event
from core.schemas import Outgoing
from database import Database, Turn, User
from telegram.sender import Delivery
from turns.billing import TurnBilling
from turns.message_view import sentence
from turns.running_turn import RunningTurn
from turns.sight import Sight
from turns.turn_kind import TurnKind

log = logging.getLogger(__name__)

Written = TypeVar("Written")


class ModelChoice:
    """The models of users' turns."""

    def __init__(
        self,
        *,
        db: Database,
        locales: Locales,
        registry: ModelRegistry,
        billing: TurnBilling,
        delivery: Delivery,
        sight: Sight,
    ) -> None:
        self._db = db
        self._locales = locales
        self._registry = registry
        self._billing = billing
        self._delivery = delivery
        self.sight = sight

    def with_model(self, running: RunningTurn, write: Callable[[], Written]) -> Written:
        """Return what `write` makes of the turn with its user's model; with the default one if that is gone."""
        running.model = self._model_of(running.turn)
        try:
            return write()
        except PromptTooLong as error:
            model = self._model_of(running.turn)
            if model.context_tokens >= running.model.context_tokens or (running.call and running.call.text):
                raise
            self._billing.drop_failed(running, error)
            running.model = model  # its server has said how large its context is: the prompt is made to fit
            return write()
        except ModelGone as error:
            if running.model.name == self._registry.default.name:
                raise
            self._billing.drop_failed(running, error)
            running.model = self._fall_back(running.turn, running.model.name)
            return write()

    def weight(self, user: User, kind: TurnKind) -> CostMultiplier:
        """Return what the tokens of a turn of this kind would weigh for the user."""
        return self._registry.weight("" if kind.by_service else user.model)

    def _model_of(self, turn: Turn) -> Model:
        name = self._db.users.model_of(turn.user_id)
        return self._registry.chosen(name) or self._fall_back(turn, name)

    def _fall_back(self, turn: Turn, gone: str) -> Model:
        """Make the default model the user's, tell them at once, and return it."""
        event(log, logging.WARNING, "chosen_model_missing", user=turn.user_id, turn=turn.id, model=gone)
        with self._db.transaction():
            dropped = self._db.users.drop_model(turn.user_id, gone)
            rows = self._db.outbox.add(
                None, [self._gone_message(turn, gone).in_topic(turn.chat_id, turn.topic_id)] if dropped else []
            )
        self._delivery.wake(rows)
        return self._registry.default

    def _gone_message(self, turn: Turn, gone: str) -> Outgoing:
        texts = self._locales[self._db.users.language_of(turn.user_id)]
        return sentence(turn.chat_id, texts.say("model.gone", gone=gone, title=self._registry.default.title or "…"))
