"""The card of a story that a group may begin: made by chance, or of the phrase behind `/story`."""

from __future__ import annotations

import random
from dataclasses import replace

from conversation.keyboards import inline
from conversation.localization import Html, Texts
from conversation.outline import Outline, filled
from conversation.steps import Step
from conversation.story_draft import Draft
from conversation.wizard_questions import question
from core.schemas import Json, Outgoing
from database import Database, GroupDraft, Turn
from turns.message_view import as_reply, sentence


def by_chance(texts: Texts, draft: Draft) -> Draft:
    """Return the draft with what it lacks chosen by chance."""
    genre = draft.genre or random.choice(texts.genres).label
    hero = draft.hero or random.choice(texts.heroes(genre)).full
    setting = draft.setting or random.choice(texts.settings(genre)).full
    return replace(draft, genre=genre, hero=hero, setting=setting)


def card_of(texts: Texts, card: GroupDraft) -> tuple[Html, Json]:
    """Return a card and its buttons, which are for whoever asked for the story."""
    line = "line_lucky" if card.draft.lucky else "line_outline"
    asked = question(texts, Step.SUMMARY, card.draft, user_id=card.user_id, card_line=line)
    keyboard = inline(
        [(texts.label("begin"), f"g_begin:{card.id}")],
        [(texts.label("group_genre"), f"g_genres:{card.id}"), (texts.label("lucky_again"), f"g_lucky:{card.id}")],
        [(texts.label("not_needed"), f"g_drop:{card.id}")],
    )
    headline = texts.say("group_story.card")
    return Html(f"{headline}\n\n{asked}"), keyboard


def card_of_turn(db: Database, turn: Turn) -> Draft:
    """Return the draft that a group's turn is to fill; an empty one if another card has its place."""
    card = db.group_stories.draft_in(turn.chat_id, turn.topic_id)
    return card.draft if card is not None else Draft()


def filled_card(db: Database, texts: Texts, turn: Turn, outline: Outline) -> list[Outgoing]:
    """Fill the card of a group's turn and show it; show nothing if another member's card has its place.

    What the outline lacks is chosen by chance.
    """
    card = db.group_stories.draft_in(turn.chat_id, turn.topic_id)
    if card is None or card.user_id != turn.user_id:
        return []
    draft = by_chance(texts, replace(filled(card.draft, outline, texts), lucky=outline == Outline()))
    db.group_stories.change_draft(card.id, draft)
    html, keyboard = card_of(texts, replace(card, draft=draft))
    return [as_reply(sentence(turn.chat_id, html, keyboard), turn.reply_to)]
