"""Warnings that go with an answer: few turns are left, a story is nearly full, the project's budget is nearly spent."""

from __future__ import annotations

import time

from ai.catalog import CostMultiplier
from ai.registry import ModelRegistry
from config import Config
from conversation.keyboards import inline
from conversation.localization import Html, Locales, Texts
from core.schemas import Outgoing
from database import Database, Story, Turn, User
from turns import limits
from turns.limit_requests import how_to_get
from turns.message_view import sentence


class SessionWarnings:
    """Warnings to a user and to the admins, each said once. To be called in the turn's transaction."""

    def __init__(self, *, config: Config, db: Database, locales: Locales, registry: ModelRegistry) -> None:
        self._config = config
        self._db = db
        self._locales = locales
        self._registry = registry

    def few_turns(self, turn: Turn) -> list[Outgoing]:
        """Tell the user that three turns are left, or one; or that the story has nearly spent what it may."""
        user = self._db.users.get(turn.user_id)
        if user is None or turn.chat_id != user.id:
            return []  # a group isn't told of its members' tokens
        story = self._db.stories.get(turn.session_id)
        if story is not None and story.finished:
            story = None
        of_balance, of_story = self._tokens_left(user, story)
        tokens = min((left for left in (of_balance, of_story) if left is not None), default=None)
        if tokens is None:
            return []
        weight = self._registry.weight(user.model)
        turns = limits.turns_left(self._config, tokens, weight)
        texts = self._locales[user.language]
        if not self._is_to_be_told(turn, tokens, turns, weight):
            return self._story_nearly_full(turn, texts, story, turns) if story is not None else []
        if story is not None:
            said = texts.say("problem.few_turns", turns=turns) if turns else texts.say("problem.only_ending")
        else:
            said = texts.say("problem.few_turns_left", turns=turns) if turns else texts.say("problem.balance")
        if tokens != of_balance:
            return [sentence(turn.chat_id, said)]
        how, row = how_to_get(self._config, self._db, texts, "tokens")
        return [sentence(turn.chat_id, Html(f"{said} {how}"), inline(row) if row else None)]

    def _is_to_be_told(self, turn: Turn, tokens: int, turns: int, weight: CostMultiplier) -> bool:
        """Return whether this turn has brought the turns left down to a number that users are told."""
        if turns > max(limits.TURNS_TOLD):
            return False
        before = limits.turns_left(self._config, tokens + self._db.ledger.charged_for(turn.id), weight)
        return any(before > told >= turns for told in limits.TURNS_TOLD)

    def _tokens_left(self, user: User, story: Story | None) -> tuple[int | None, int | None]:
        """Return the tokens for turns that the balance has, and the unfinished story; None: no limit."""
        config, weight = self._config, self._registry.weight(user.model)
        of_balance = of_story = None
        if user.id not in config.admin_ids:
            is_open = story is not None and not story.deleted
            has_unfinished = is_open or self._db.stories.has_unfinished(user.id)
            kept = limits.kept_of_balance(config, weight) if has_unfinished else 0
            of_balance = user.free - kept
        if story is not None:
            of_story = config.max_tokens_per_session - limits.kept_for_ending(config, weight) - story.spent
        return of_balance, of_story

    def _story_nearly_full(self, turn: Turn, texts: Texts, story: Story, turns: int) -> list[Outgoing]:
        limit = self._config.max_tokens_per_session
        if story.spent * 100 // limit < limits.SESSION_NEAR_PERCENT or story.warned:
            return []
        self._db.stories.set_warned(turn.session_id)
        said = texts.say("problem.session_near", percent=limits.SESSION_NEAR_PERCENT, turns=turns)
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
