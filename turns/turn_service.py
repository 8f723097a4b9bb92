"""What handlers ask of turns: whether one is affordable and fits, to start it after the commit, and to stop it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

from ai.catalog import Model
from config import Config
from core.errors import LimitReached
from core.schemas import Message, Outgoing
from database import Database, Turn, User
from gpt import GPT
from turns import limits
from turns.model_choice import ModelChoice
from turns.sight import Sight
from turns.turn_kind import TurnKinds
from turns.turn_queue import TurnQueues
from turns.turn_stops import TurnStops


class TurnService:
    """Turns as handlers see them. All but `enqueue` and `release` belong into the handler's transaction."""

    def __init__(
        self,
        *,
        config: Config,
        db: Database,
        gpt: GPT,
        kinds: TurnKinds,
        models: ModelChoice,
        queues: TurnQueues,
        stops: TurnStops,
    ) -> None:
        self._config = config
        self._db = db
        self._gpt = gpt
        self.kinds = kinds
        self._models = models
        self._queues = queues
        self._stops = stops

    @property
    def sight(self) -> Sight:
        """Which models take pictures, and what those cost."""
        return self._models.sight

    def estimate(self, text: str) -> int:
        """Return about how many tokens a user's words have. No network."""
        return self._gpt.estimate([Message("user", text)])

    def estimate_prompt(self, messages: Sequence[Message], model: Model) -> int:
        """Return about how many tokens a whole prompt has for a model. No network."""
        return self._gpt.estimate(messages, model.name)

    def prompt_budget(self, model: Model) -> int:
        """Return the tokens that a whole prompt may take of a model."""
        return limits.prompt_budget(self._config, model.context_tokens)

    def check(self, user: User, session_id: int | None, kind: str, tokens: int | None = None) -> None:
        """Raise `LimitReached` if a turn that holds `tokens` wouldn't be let through now.

        Without `tokens`: the least that a turn of this kind holds there. The worker checks again.
        """
        asked = self.kinds[kind]
        weight = self._models.weight(user, asked)
        period = limits.budget_period(self._config, time.time())
        caps = asked.caps(user.id, weight)
        if tokens is None:
            with suppress(LimitReached):  # where the most is within the limits, nothing needs to be measured
                self._db.ledger.check(user.id, session_id, asked.most_price(weight), period, caps)
                return
            tokens = asked.least_price_in(session_id, weight)
        self._db.ledger.check(user.id, session_id, tokens, period, caps)

    def open_in(self, chat_id: int, topic_id: int) -> Turn | None:
        """Return the waiting or running turn of a chat, or of one of its topics."""
        return self._db.turns.open_in(chat_id, topic_id)

    def writes_in(self, session_id: int) -> bool:
        """Whether a session has a waiting or running turn."""
        return self._db.turns.open_of(session_id)

    def end_by_stop(self, turn: Turn) -> list[Outgoing]:
        """End an open turn with the text so far; return the messages that show it. `release` follows the commit."""
        return self._stops.end(turn)

    def take_back(self, turn: Turn) -> list[Outgoing] | None:
        """End an open turn as if it had not been asked, for its words to be asked together with others.

        None, and nothing is changed, once its answer has begun. `release` follows the commit.
        """
        return self._stops.take_back(turn)

    def release(self, turn: Turn) -> None:
        """Let the worker and the chat of a stopped turn go on, after the commit of `end_by_stop`."""
        self._stops.release(turn)

    def enqueue(self, turn_id: int, chat_id: int, kind: str) -> None:
        """Let a new turn wait for a worker, after the commit that added it."""
        self._queues.put(turn_id, chat_id, kind)
