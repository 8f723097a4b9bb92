"""«📌 Держи в уме»: the reader's note of a story, and its cards of people, places and things."""

from __future__ import annotations

from typing import Final

from conversation import cards
from conversation.cards import MOST_CARDS, CardText
from conversation.keyboards import inline, page_row, pages_of
from conversation.localization import Html
from conversation.steps import Step
from core.numbers import is_number
from core.schemas import Json
from core.text import shorten
from database import Card, Story
from handlers import questions
from handlers.context import UpdateContext
from handlers.refusals import over_step
from telegram.update_result import UpdateResult
from turns.message_view import title_of

PAGE: Final = 6  # cards shown at once
LINE_UNITS: Final = 400  # of a card in the list: a page of them, of nothing but emoji too, is one message


def show(context: UpdateContext, story: Story) -> UpdateResult:
    """Show the note and the cards of a story, with a button for each thing that can be done with them."""
    return context.send(_listed(context, story, 0), keyboard=_buttons(context, story, 0))


def turn_page(context: UpdateContext, argument: str) -> UpdateResult:
    """◀ ▶ and «⬅️ Назад»: show another page of a story's cards in the same message; `argument` is «story:page»."""
    number, _, page = argument.partition(":")
    if not (is_number(number) and is_number(page)):
        return context.toast("toast.past")
    story = context.db.stories.own(context.user.id, int(number))
    if story is None:
        return context.toast("toast.past")
    return context.edit_html(_listed(context, story, int(page)), keyboard=_buttons(context, story, int(page)))


def switch_offers(context: UpdateContext, story: Story) -> UpdateResult:
    """Switch the offers of cards on or off, for all stories of the user."""
    db = context.db
    db.cards.set_offers(context.user.id, not db.cards.offers_to(context.user.id))
    return context.edit_html(_listed(context, story, 0), keyboard=_buttons(context, story, 0))


# ---------------------------------------------------------------------- the note


def ask_note(context: UpdateContext, story: Story) -> UpdateResult:
    """Ask for the note; show the one that there is."""
    if story.note:
        return questions.ask(context, Step.NOTE, story.session_id, "note.ask_other", note=story.note)
    return questions.ask(context, Step.NOTE, story.session_id, "note.ask")


@questions.about_story
def set_note(context: UpdateContext, story: Story) -> UpdateResult:
    """Take the user's words as the note."""
    if refusal := over_step(context):
        return refusal
    note = cards.tidy_note(context.words)
    context.db.cards.set_note(story.session_id, note)
    questions.go_back(context)
    return context.say_here("note.done", note=note) if note else context.say_here("note.dropped")


@questions.about_story
def drop_note(context: UpdateContext, story: Story) -> UpdateResult:
    """«🧹 Убрать записку»: keep no note of the story."""
    context.db.cards.set_note(story.session_id, "")
    questions.go_back(context)
    return context.say_here("note.dropped")


# ---------------------------------------------------------------------- a card


def ask_new(context: UpdateContext, story: Story) -> UpdateResult:
    """Ask for a new card."""
    if is_full(context, story.session_id):
        return context.say("card.too_many", n=MOST_CARDS)
    return questions.ask(context, Step.CARD, story.session_id, "card.ask")


@questions.about_story
def add(context: UpdateContext, story: Story) -> UpdateResult:
    """Take the user's words as a card of the story."""
    card, refusal = _typed(context)
    if refusal is not None:
        return refusal
    if is_full(context, story.session_id):
        questions.go_back(context)
        return context.say_here("card.too_many", n=MOST_CARDS)
    context.db.cards.add(story.session_id, card)
    questions.go_back(context)
    return context.say_here("card.done", card=card.line)


def show_one(context: UpdateContext, card_id: int) -> UpdateResult:
    """Show a card in place of the list, with what can be done with it."""
    card = own_card(context, card_id)
    if card is None:
        return context.toast("toast.past")
    keyboard = inline(
        [context.button("change", f"edit_card:{card.id}"), context.button("delete", f"drop_card:{card.id}")],
        [context.button("back", f"minds:{card.session_id}:0")],
    )
    return context.edit("card.one", keyboard=keyboard, card=card.text.line)


def ask_change(context: UpdateContext, card_id: int) -> UpdateResult:
    """Ask for other words on a card; an offered one is kept with them."""
    card = own_card(context, card_id)
    if card is None:
        return context.toast("toast.past")
    return questions.ask(
        context, Step.EDIT_CARD, card.session_id, "card.ask_change", card_id=card.id, card=card.text.line
    )


def change(context: UpdateContext) -> UpdateResult:
    """Take the user's words as the new text of a card."""
    asked = context.user.asks_card
    card = own_card(context, asked) if asked is not None else None
    if card is None:
        questions.go_back(context)
        return context.say_here("card.gone")
    text, refusal = _typed(context)
    if refusal is not None:
        return refusal
    if context.db.cards.named(card.session_id, text.name, but=card.id) is not None:
        return context.say_here("card.same_name", name=text.name)
    questions.go_back(context)
    if not card.kept and is_full(context, card.session_id):
        return context.say_here("card.too_many", n=MOST_CARDS)
    context.db.cards.keep(card.id, text)
    return context.say_here("card.done", card=text.line)


def drop(context: UpdateContext, card_id: int) -> UpdateResult:
    """«🗑 Удалить»: delete a card; its words stay in the message, to be sent again."""
    card = own_card(context, card_id)
    if card is None:
        return context.toast("toast.past")
    context.db.cards.delete(card.id)
    back = context.inline(context.button("back", f"minds:{card.session_id}:0"))
    return context.edit("card.deleted", keyboard=back, card=card.text.line)


# ---------------------------------------------------------------------- inside


def own_card(context: UpdateContext, card_id: int) -> Card | None:
    """Return a card of a story of the user's own; None if there is none."""
    card = context.db.cards.get(card_id)
    return card if card is not None and context.db.stories.own(context.user.id, card.session_id) else None


def is_full(context: UpdateContext, session_id: int) -> bool:
    """Return whether a story has as many cards as it may."""
    return len(context.db.cards.of_story(session_id)) >= MOST_CARDS


def _typed(context: UpdateContext) -> tuple[CardText, UpdateResult | None]:
    """Return the card that the user's words are, and what to say if they are none."""
    card = cards.typed(context.words)
    if not cards.faults(card):
        return card, None
    limits = cards.LIMITS
    return card, context.say_here("card.faulty", name=limits["name"], about=limits["about"], words=limits["words"])


def _listed(context: UpdateContext, story: Story, page: int) -> Html:
    """Return the note and a page of cards."""
    kept, texts = context.db.cards, context.texts
    note, all_cards = kept.note(story.session_id), kept.of_story(story.session_id)
    lines = [
        texts.say("mind.line", title=title_of(story)),
        texts.say("mind.note", note=note) if note else texts.say("mind.no_note"),
        texts.say("mind.cards", n=len(all_cards), most=MOST_CARDS) if all_cards else texts.say("mind.no_cards"),
    ]
    shown = [texts.say("mind.card", card=shorten(card.text.line, LINE_UNITS)) for card in _shown(all_cards, page)]
    return Html("\n\n".join(lines) + "".join(f"\n{line}" for line in shown))


def _buttons(context: UpdateContext, story: Story, page: int) -> Json:
    number, all_cards = story.session_id, context.db.cards.of_story(story.session_id)
    pages = pages_of(len(all_cards), PAGE)
    names = [[(card.text.name, f"card_of:{card.id}")] for card in _shown(all_cards, page)]
    turning = [page_row(f"minds:{number}", min(page, pages - 1), pages)] if pages > 1 else []
    url = context.config.webapp_url
    offers = "offer_no_cards" if context.db.cards.offers_to(context.user.id) else "offer_cards"
    return inline(
        [context.button("note", f"note:{number}"), context.button("new_card", f"new_card:{number}")],
        *names,
        *turning,
        [context.button(offers, f"offers:{number}")],
        page=(context.texts.label("cards_page"), f"{url}/?cards={number}") if url else None,
    )


def _shown(all_cards: list[Card], page: int) -> list[Card]:
    start = min(page, pages_of(len(all_cards), PAGE) - 1) * PAGE
    return all_cards[start : start + PAGE]
