"""Offers of cards: after a part that brings a new name the bot asks whether to remember it.

At most one in five parts, only to a reader who is at the story and waits for nothing, and to nobody who has switched
them off. It takes no call of a model.
"""

from __future__ import annotations

from typing import Final

from conversation.cards import MOST_CARDS
from conversation.keyboards import inline
from conversation.localization import Locales
from conversation.naming import named, names, spoken
from conversation.new_names import may_have_name, new_name
from conversation.steps import Step
from core.schemas import Outgoing
from database import Database, Story, Turn, User
from turns.message_view import read_text, sentence

EVERY: Final = 5  # parts
LOOKED_AT: Final = 5  # newest texts of the path


class CardOffers:
    """Makes offers. Called inside the transaction that stores a part."""

    def __init__(self, db: Database, locales: Locales) -> None:
        self._db = db
        self._locales = locales

    def after(self, turn: Turn, part: str) -> list[Outgoing]:
        """Return the message that offers a card for a new name of `part`, the story's last text; none without one."""
        if not may_have_name(part):
            return []
        user, story = self._db.users.get(turn.user_id), self._db.stories.get(turn.session_id)
        if user is None or story is None or not self._is_welcome(turn, user, story):
            return []
        cards, texts = self._db.cards, self._locales[user.language]
        path = self._db.tree.path(story.head_id)
        familiar = spoken("\n".join((story.hero, story.setting, story.extra, path.memory)))
        known = [caller for card in cards.known(story.session_id) for caller in card.callers]
        card = new_name(
            [read_text(prompt) for prompt in path.prompts[-LOOKED_AT:]],
            lambda name: names(name, familiar) or named(known, spoken(name)),
        )
        if card is None or not card.about:  # a name alone tells its reader nothing
            return []
        card_id = cards.offer(story.session_id, card, self._parts(story))
        rows = (
            [(texts.label("keep_card"), f"keep_card:{card_id}"), (texts.label("change"), f"edit_card:{card_id}")],
            [(texts.label("no_card"), f"no_card:{card_id}"), (texts.label("no_cards"), f"no_cards:{card_id}")],
        )
        text = texts.say("card.offer", card=card.line)
        return [sentence(turn.chat_id, text, inline(*rows))]

    def _is_welcome(self, turn: Turn, user: User, story: Story) -> bool:
        """Return whether an offer after this part is in nobody's way."""
        if user.step is not Step.STORY or user.session_id != turn.session_id:
            return False
        offers = self._db.cards.offers(turn.user_id, turn.session_id)
        if not offers.wanted or offers.kept >= MOST_CARDS:
            return False
        if offers.last is not None and self._parts(story) < offers.last + EVERY:
            return False
        return not self._db.inbox.queued_in(turn.chat_id, turn.topic_id)

    def _parts(self, story: Story) -> int:
        return self._db.tree.parts(story.head_id, story.starts_after)
