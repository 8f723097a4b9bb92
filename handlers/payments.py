"""«⭐ Купить», /paysupport and /terms: what is sold for Telegram Stars, its invoice, and whom to ask about it.

Unless `STARS_PER_1000_TOKENS` is set nothing is sold: there is no button, and the commands are unknown. Whoever paid
before that was switched off still reaches /paysupport and /terms. What Telegram says of payments is in `checkout`.
"""

from __future__ import annotations

from typing import Final

from conversation.localization import Html, Texts
from core.schemas import Json, Outgoing
from core.star_packs import StarPack, pack_of
from database import Payment
from handlers.account import repeat_question
from handlers.balances import balance
from handlers.context import Services, UpdateContext, now
from handlers.dates import date, day
from handlers.fallback import unknown_command
from telegram.invoice_links import invoice, link_of
from telegram.update_result import UpdateResult
from turns import limits
from turns.limit_requests import BUY

SHOWN: Final = 3  # payments, in /paysupport


def sells(context: UpdateContext) -> bool:
    """Return whether this user may buy: something is sold, and their balance has a limit."""
    return bool(context.config.packs) and not context.is_admin


def show(context: UpdateContext) -> UpdateResult:
    """«⭐ Купить»: show the packs."""
    said = context.texts.say("buy.choose", balance=balance(context), measure=_measure(context))
    buttons = [button for pack in context.config.packs if (button := _button(context, pack)) is not None]
    return context.send(said, keyboard={"inline_keyboard": [[button] for button in buttons]})


def press(context: UpdateContext, what: str) -> UpdateResult:
    """Show the packs, or send the invoice of the pack whose button was pressed."""
    if not context.config.packs:
        return context.toast("toast.over")
    if what == BUY:
        return show(context)
    pack = pack_of(what)
    if pack is None or pack not in context.config.packs or pack.monthly:  # a link alone opens a subscription
        return context.toast("toast.pack_changed") + show(context)
    return context.deliver(Outgoing(context.chat_id, "sendInvoice", invoice(context.texts, pack)))


def _measure(context: UpdateContext) -> Html:
    """Return a line of its own: how far the smallest pack that is enough for a turn goes; empty if none is."""
    packs = sorted(pack.tokens for pack in context.config.packs)
    turns = ((tokens, limits.turns_of(context.config, tokens, context.model.weight)) for tokens in packs)
    enough = next(((tokens, number) for tokens, number in turns if number), None)
    if enough is None:
        return Html()
    said = context.texts.say("buy.measure", tokens=enough[0], turns=enough[1])
    return Html(f"\n{said}")


def _button(context: UpdateContext, pack: StarPack) -> Json:
    """Return a pack's button; None while a subscription, which only a link opens, has no link."""
    label = context.texts.label("buy_month" if pack.monthly else "buy_pack", n=pack.tokens, stars=pack.stars)
    if not pack.monthly:
        return {"text": label, "callback_data": f"buy:{pack.payload}"}
    link = link_of(context.db, context.config, context.texts.language, pack)
    return {"text": label, "url": link} if link else None


# ---------------------------------------------------------------------- what Telegram demands of whoever sells


def paysupport(context: UpdateContext) -> UpdateResult:
    """/paysupport: say whom to write to, and the numbers of the last payments."""
    paid = context.db.payments.last_of(context.user.id, SHOWN)
    if not (context.config.packs or paid):
        return unknown_command(context)
    lines = [Html("\n".join([context.texts.say("buy.yours"), *(_paid(context, one) for one in paid)]))] if paid else []
    said = [
        context.texts.say("buy.support", contact=contact(context.services, context.texts)),
        *lines,
        context.texts.say("buy.see_terms"),
    ]
    return context.send(Html("\n\n".join(said))) + repeat_question(context)


def terms(context: UpdateContext) -> UpdateResult:
    """/terms: say what is sold, and how it can be given back."""
    if not (context.config.packs or context.db.payments.last_of(context.user.id, 1)):
        return unknown_command(context)
    return context.say("buy.terms", contact=contact(context.services, context.texts)) + repeat_question(context)


def contact(services: Services, texts: Texts) -> str:
    """Return whom a buyer writes to."""
    return services.config.support_contact or texts.plain("buy.admin")


def _paid(context: UpdateContext, payment: Payment) -> Html:
    return context.texts.say(
        "buy.payment" if payment.state == "paid" else "buy.payment_refunded",
        day=day(context.texts, payment.paid_at),
        tokens=payment.tokens,
        stars=payment.stars,
        charge=payment.charge_id,
    )


# ---------------------------------------------------------------------- in the profile


def bought(context: UpdateContext) -> Html:
    """Return how much of the balance was bought; empty if nothing is left of that."""
    tokens = context.user.bought
    return context.texts.say("buy.bought", tokens=tokens) if tokens else Html()


def subscriptions(context: UpdateContext) -> list[Html]:
    """Return the user's subscriptions, a line each."""
    texts, lines = context.texts, []
    for payment in context.db.payments.subscriptions(context.user.id, now()):
        key = "buy.subscribed" if payment.renews else "buy.subscribed_to"
        lines.append(texts.say(key, tokens=payment.tokens, day=date(texts, payment.until or 0)))
    return lines
