"""Offers of cards: after a part that brings a new name the bot asks whether to remember it.

At most one in five parts, only to a reader who is at the story and waits for nothing, and to nobody who has switched
them off. It takes no call of a model.
"""

from __future__ import annotations

from typing import Final

from conversation.cards import MOST_CARDS
from conversation.keyboards import inline
from conversation.localization import Texts
from conversation.naming import named, names, spoken
from conversation.new_names import new_name
from conversation.steps import Step
from core.schemas import Outgoing
from database import Database, Story, Turn
from turns.message_view import read_text, sentence

EVERY: Final = 5  # parts
LOOKED_AT: Final = 5  # newest texts of the path


class CardOffers:
    """Makes offers. Called inside the transaction that stores a part."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def after(self, turn: Turn, story: Story, texts: Texts) -> list[Outgoing]:
        """Return the message that offers a card for a new name of the last part; none if there is nothing to offer."""
        cards = self._db.cards
        parts = self._db.tree.parts(story.head_id, story.starts_after)
        if not self._is_welcome(turn, parts):
            return []
        path = self._db.tree.path(story.head_id)
        familiar = spoken("\n".join((story.hero, story.setting, story.extra, path.memory)))
        known = [caller for card in cards.known(story.session_id) for caller in card.callers]
        card = new_name(
            [read_text(prompt) for prompt in path.prompts[-LOOKED_AT:]],
            lambda name: names(name, familiar) or named(known, spoken(name)),
        )
        if card is None:
            return []
        card_id = cards.offer(story.session_id, card, parts)
        rows = (
            [(texts.label("keep_card"), f"keep_card:{card_id}"), (texts.label("change"), f"edit_card:{card_id}")],
            [(texts.label("no_card"), f"no_card:{card_id}"), (texts.label("no_cards"), f"no_cards:{card_id}")],
        )
        return [sentence(turn.chat_id, texts.say("card.offer", card=card.line), inline(*rows))]

    def _is_welcome(self, turn: Turn, parts: int) -> bool:
        """Return whether an offer after this part is in nobody's way."""
        cards, user = self._db.cards, self._db.users.get(turn.user_id)
        if user is None or user.step is not Step.STORY or user.session_id != turn.session_id:
            return False
        last = cards.last_offer(turn.session_id)
        if last is not None and parts < last + EVERY:
            return False
        if not cards.offers_to(turn.user_id) or self._db.inbox.queued_in(turn.chat_id, turn.topic_id):
            return False
        return len(cards.of_story(turn.session_id)) < MOST_CARDS
