"""The buttons under an offer of a card: keep it, not this one, or no offers any more. «✏️ Изменить» is in `cards`."""

from __future__ import annotations

from conversation.cards import MOST_CARDS
from handlers import cards
from handlers.context import UpdateContext
from telegram.update_result import UpdateResult


def keep(context: UpdateContext, card_id: int) -> UpdateResult:
    """«📌 Запомнить»: keep the offered card."""
    card = cards.own_card(context, card_id)
    if card is None:
        return context.toast("toast.past")
    own = context.db.cards.named(card.session_id, card.text.name, but=card.id)
    if own is not None:  # the reader has made one meanwhile, which stays
        context.db.cards.delete(card.id)
        card = own
    if not card.kept and cards.is_full(context, card.session_id):
        return context.say("card.too_many", n=MOST_CARDS)
    context.db.cards.keep(card.id, card.text)
    change = context.inline(context.button("change", f"edit_card:{card.id}"))
    return context.edit("card.offer_kept", keyboard=change, card=card.text.line)


def refuse(context: UpdateContext, card_id: int) -> UpdateResult:
    """«✖️ Нет»: never offer this name in the story again."""
    card = cards.own_card(context, card_id)
    if card is None or card.kept:
        return context.toast("toast.past")
    context.db.cards.delete(card.id)
    return context.edit("card.offer_refused", name=card.text.name)


def refuse_all(context: UpdateContext, card_id: int) -> UpdateResult:
    """«🔕 Не предлагать»: offer no cards in any story of the user."""
    card = cards.own_card(context, card_id)
    if card is not None and not card.kept:
        context.db.cards.delete(card.id)
    context.db.cards.set_offers(context.user.id, False)
    return context.edit("card.offers_off")
