"""Warnings that go with an answer: a story's session is nearly full, the project's budget is nearly spent."""

from __future__ import annotations

import time

from ai.registry import ModelRegistry
from config import Config
from conversation.localization import FALLBACK, Locales
from core.schemas import Outgoing
from database import Database, Story, Turn
from turns import limits
from turns.message_view import sentence


class SessionWarnings:
    """Each warning is said once: the database knows which were. To be called in the turn's transaction."""

    def __init__(self, *, config: Config, db: Database, locales: Locales, registry: ModelRegistry) -> None:
        self._config = config
        self._db = db
        self._locales = locales
        self._registry = registry

    def story_nearly_full(self, turn: Turn, story: Story) -> list[Outgoing]:
        """Warn the user that the story has nearly spent what it may."""
        limit = self._config.max_tokens_per_session
        if story.spent * 100 // limit < limits.SESSION_NEAR_PERCENT or story.warned:
            return []
        self._db.stories.set_warned(turn.session_id)
        user = self._db.users.get(turn.user_id)
        texts = self._locales[user.language if user is not None else FALLBACK]
        weight = self._registry.weight(user.model if user is not None else "")
        left = limit - limits.kept_for_ending(self._config, weight) - story.spent
        turns = limits.turns_left(self._config, left, weight)
        said = texts.say("trouble.session_near", percent=limits.SESSION_NEAR_PERCENT, turns=turns)
        return [sentence(turn.chat_id, said)]

    def budget(self) -> list[Outgoing]:
        """Tell the admins that another share of the project's budget is spent."""
        period = limits.budget_period(self._config, time.time())
        budget = self._db.ledger.budget(period)
        limit = self._config.max_project_tokens
        used = budget.spent + budget.lost
        if limit - used < limits.turn_price(self._config):
            used = limit  # what is left is enough for no turn
        percent = limits.share_to_tell(used, limit, budget.told)
        if not percent:
            return []
        self._db.ledger.set_told(period, percent)
        messages = []
        for admin_id in sorted(self._config.admin_ids):
            admin = self._db.users.get(admin_id)
            if admin is not None and not admin.blocked:
                texts = self._locales[admin.language]
                key = "admin.budget_full" if percent == 100 else "admin.budget"
                values = {"spent": budget.spent + budget.lost, "limit": limit, "percent": percent}
                messages.append(sentence(admin_id, texts.say(key, **values)))
        return messages
