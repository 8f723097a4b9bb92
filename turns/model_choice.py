"""Which model a turn asks: the one that its user has chosen, or the default one where that is gone."""

from __future__ import annotations

import logging

from ai.catalog import CostMultiplier, Model
from ai.registry import ModelRegistry
from core.logs import event
from database import Database, Turn
from telegram.sender import Delivery
from turns.story_outcomes import Outcomes
from turns.story_prompts import JOBS

log = logging.getLogger(__name__)


class Choosing:
    """The models of users' turns."""

    def __init__(self, db: Database, offer: ModelRegistry, delivery: Delivery, outcomes: Outcomes) -> None:
        self._db = db
        self._offer = offer
        self._delivery = delivery
        self._outcomes = outcomes

    def model_for(self, turn: Turn) -> Model:
        """The model that `turn` is to ask; one that is gone is replaced, and its user told so."""
        name = self._choice_of(turn.user_id)
        return self._offer.chosen(name) or self.fall_back(turn, name)

    def weight_for(self, user_id: int, kind: str) -> CostMultiplier:
        """What the tokens of a turn of this kind would weigh; what services make is described by the default model."""
        return self._offer.weight("" if kind in JOBS else self._choice_of(user_id))

    def is_default(self, model: Model) -> bool:
        """Whether it is the model that answers those who chose none; told by its name."""
        return model.name == self._offer.default.name

    def fall_back(self, turn: Turn, gone: str) -> Model:
        """The default model from now on, for somebody whose own is gone; they are told at once."""
        event(log, logging.WARNING, "chosen_model_missing", user=turn.user_id, turn=turn.id, model=gone)
        with self._db.transaction():
            dropped = self._db.users.drop_model(turn.user_id, gone)
            rows = self._db.outbox.add(None, [self._outcomes.model_gone(turn, gone)] if dropped else [])
        self._delivery.wake(rows)
        return self._offer.default

    def _choice_of(self, user_id: int) -> str:
        user = self._db.users.get(user_id)
        return user.model if user is not None else ""
