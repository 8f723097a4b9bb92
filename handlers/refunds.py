"""/refund: give a payment's Stars back. Its tokens are taken back at once, and again credited if Telegram refuses.

A refund that begins at Telegram comes as a message and is booked in the same way. Whichever says first that the Stars
are back, the message or the answer to the call, ends the refund; the other one changes nothing.

A subscription is cancelled before its payment is refunded: its call first, and the refund's when that has ended.
"""

from __future__ import annotations

import logging
from typing import Final

from core.logs import event
from core.numbers import is_number
from core.schemas import Json, OutboxRow, Outgoing
from core.star_packs import pack_of
from database import Payment
from handlers.balances import balance_to_say
from handlers.context import Services, UpdateContext, after_commit, now
from handlers.dates import date
from handlers.fallback import unknown_command
from telegram.payment_methods import EDIT_SUBSCRIPTION, REFUND
from telegram.update_result import NOTHING, MakePaymentCalls, UpdateResult
from turns.limit_requests import reachable
from turns.message_view import sentence

log = logging.getLogger(__name__)

_CANCELLED: Final = "cancelled"  # kept with the call of a refund: its subscription was ended for it
_PERHAPS: Final = "perhaps"  # kept with the end of a subscription that was not known to go on


# ---------------------------------------------------------------------- /refund


def refund(context: UpdateContext) -> UpdateResult:
    """/refund CHARGE [ID]: take a payment's tokens back and ask Telegram to give its Stars back."""
    if not context.is_admin or not (context.config.packs or context.db.payments.sales().payments):
        return unknown_command(context)
    arguments = context.words.split()[1:]
    named = arguments[1] if len(arguments) == 2 else "0"
    if not 1 <= len(arguments) <= 2 or not is_number(named):
        return context.say("refund.usage")
    payment = context.db.payments.get(arguments[0])
    if payment is None:
        return context.say("refund.unknown", charge=arguments[0])
    if payment.state == "refunded":
        return context.say("refund.done_before", charge=payment.charge_id)
    if payment.state == "refunding":  # its call stands in the outbox until Telegram has answered
        return context.say("refund.asked", stars=payment.stars, tokens=payment.taken_back)
    payer = payment.user_id or int(named)
    if not payer:
        return context.say("refund.whose", charge=payment.charge_id)
    return _begin(context, payment, payer)


def _begin(context: UpdateContext, payment: Payment, payer: int) -> UpdateResult:
    taken = context.db.payments.begin_refund(payment.charge_id, payer)
    said = context.say("refund.asked", stars=payment.stars, tokens=taken or 0)
    first = _cancelling_if_it_goes_on(context.services, context.chat_id, payer, payment.charge_id)
    call = first or _refunding(context.chat_id, payer, payment.charge_id)
    return said + context.deliver(call) + after_commit(MakePaymentCalls())


def _refunding(chat_id: int, payer: int, charge_id: str, *, cancelled: bool = False) -> Outgoing:
    named: dict[str, Json] = {"user_id": payer, "telegram_payment_charge_id": charge_id}
    return Outgoing(chat_id, REFUND, named, note_for_end=_CANCELLED if cancelled else "")


def cancelling(chat_id: int, payer: int, charge_id: str, *, known: bool = True) -> Outgoing:
    """Return the call that ends a subscription; `known`: it goes on."""
    named: dict[str, Json] = {"user_id": payer, "telegram_payment_charge_id": charge_id, "is_canceled": True}
    return Outgoing(chat_id, EDIT_SUBSCRIPTION, named, note_for_end="" if known else _PERHAPS)


def _cancelling_if_it_goes_on(services: Services, chat_id: int, payer: int, charge_id: str) -> Outgoing | None:
    payments = services.db.payments
    if not payments.may_go_on(charge_id):
        return None
    return cancelling(chat_id, payer, charge_id, known=payments.goes_on(charge_id))


def cancel_subscriptions(services: Services, chat_id: int, user_id: int) -> UpdateResult:
    """Return the end of a user's subscriptions: nobody pays for a bot that is closed to them or has forgotten them."""
    months = services.db.payments.stop_renewals(user_id, now())
    calls = tuple(cancelling(chat_id, user_id, month.charge_id, known=month.renews) for month in months)
    if not calls:
        return NOTHING
    return UpdateResult(messages=calls) + after_commit(MakePaymentCalls())


# ---------------------------------------------------------------------- what Telegram says of it


def on_refunded(services: Services, payer: int, *, charge_id: str, stars: int, payload: str) -> UpdateResult:
    """Book a refund that Telegram reports, whoever asked for it."""
    payments = services.db.payments
    payment = payments.get(charge_id)
    if payment is None:
        event(log, logging.ERROR, "refund_unknown", user=payer, stars=stars, charge=charge_id)
        payments.add_refunded(charge_id=charge_id, user_id=payer, stars=stars, payload=payload, now=now())
        pack = pack_of(payload)
        return _calling(cancelling(payer, payer, charge_id) if pack is not None and pack.monthly else None)
    payer = payment.user_id or payer
    begins = payments.begin_refund(charge_id, payer) is not None  # else /refund has cancelled the subscription
    booked = UpdateResult(messages=tuple(_end(services, charge_id, payer)))
    return booked + _calling(_cancelling_if_it_goes_on(services, payer, payer, charge_id) if begins else None)


def _calling(call: Outgoing | None) -> UpdateResult:
    return UpdateResult(messages=(call,)) + after_commit(MakePaymentCalls()) if call is not None else NOTHING


def ended(services: Services, row: OutboxRow, refusal: str) -> list[Outgoing]:
    """Book how a refund, or the end of a subscription, ended, in its transaction.

    Return what is said of it, and the call that follows.
    """
    if row.method not in (REFUND, EDIT_SUBSCRIPTION):
        return []
    charge_id, payer = str(row.params["telegram_payment_charge_id"]), row.params["user_id"]
    assert isinstance(payer, int)
    if row.method == REFUND and refusal:
        return _refused(services, charge_id, payer, refusal, cancelled=row.note_for_end == _CANCELLED)
    if row.method == REFUND:
        return _end(services, charge_id, payer)
    went_on = not refusal and services.db.payments.end_renewal(charge_id)
    known = row.note_for_end != _PERHAPS
    said = _not_cancelled(services, charge_id, payer, refusal, known=known) if refusal else []
    payment = services.db.payments.get(charge_id)
    if payment is not None and payment.state == "refunding":
        return [*said, _refunding(row.chat_id, payer, charge_id, cancelled=went_on)]
    return _cancelled(services, charge_id, payer) if went_on else said


def _not_cancelled(services: Services, charge_id: str, payer: int, refusal: str, *, known: bool) -> list[Outgoing]:
    """Note that a subscription goes on at Telegram; tell the admins, since nobody else can end it.

    One that is over, or of which no month came here, or that was not known to go on, is only logged.
    """
    until = services.db.payments.resume_renewal(charge_id, now()) if known else None
    if until is None:
        event(log, logging.WARNING, "subscription_not_cancelled", user=payer, charge=charge_id, error=refusal)
        return []
    said: list[Outgoing] = []
    for admin in reachable(services.config, services.db):
        texts = services.locales[admin.language]
        values = {"charge": charge_id, "user": payer, "error": refusal, "day": date(texts, until)}
        said.append(sentence(admin.id, texts.say("refund.not_cancelled", **values)))
    return _where_asked(services, charge_id, said)


def _cancelled(services: Services, charge_id: str, payer: int) -> list[Outgoing]:
    """Tell the payer that their subscription has ended, and until when it is paid if a month isn't refunded.

    No day is named if another one of the pack goes on.
    """
    payment, user = services.db.payments.get(charge_id), services.db.users.get(payer)
    if payment is None or user is None:
        return []
    month, texts = _current_month(services, payment, payer), services.locales[user.language]
    if month is None or month.renews:
        return [sentence(payer, texts.say("refund.cancelled"))]
    return [sentence(payer, texts.say("checkout.subscription_canceled", day=date(texts, month.until or 0)))]


def _refused(services: Services, charge_id: str, payer: int, refusal: str, *, cancelled: bool) -> list[Outgoing]:
    """Give the tokens of a refused refund to the payer again; tell them if their subscription has ended for it."""
    if not services.db.payments.cancel_refund(charge_id, payer):
        return []
    told = _to_admins(services, "refund.refused", charge_id, error=refusal)
    return [*_cancelled(services, charge_id, payer), *told] if cancelled else told


def _current_month(services: Services, payment: Payment, payer: int) -> Payment | None:
    """Return what the payer has of this pack now; None if they aren't subscribed to it."""
    if payment.until is None:
        return None
    months = services.db.payments.subscriptions(payer, now())
    return next((month for month in months if month.payload == payment.payload), None)


def _end(services: Services, charge_id: str, payer: int) -> list[Outgoing]:
    """End a refund that is under way; tell the payer and the admins."""
    payments = services.db.payments
    if not payments.end_refund(charge_id, now()):
        return []
    payment, account = payments.get(charge_id), services.db.accounts.get(payer)
    assert payment is not None
    event(log, logging.INFO, "payment_refunded", stars=payment.stars, taken=payment.taken_back, charge=charge_id)
    month = _current_month(services, payment, payer)
    goes_on = payments.goes_on(charge_id) or (month is not None and month.renews)
    told = _to_admins(services, "refund.done", charge_id, stars=payment.stars, tokens=payment.taken_back)
    if account is None:
        return told
    texts = services.locales[account.language]
    balance = balance_to_say(services, texts, account)
    values = {"stars": payment.stars, "tokens": payment.taken_back, "charge": charge_id, "balance": balance}
    key = "refund.yours" if payment.until is None or goes_on else "refund.yours_month"
    return [sentence(payer, texts.say(key, **values)), *told]


def _to_admins(services: Services, key: str, charge_id: str, **values: object) -> list[Outgoing]:
    values["charge"] = charge_id
    admins = reachable(services.config, services.db)
    said = [sentence(admin.id, services.locales[admin.language].say(key, **values)) for admin in admins]
    return _where_asked(services, charge_id, said)


def _where_asked(services: Services, charge_id: str, said: list[Outgoing]) -> list[Outgoing]:
    """Send what is told to those who asked for the refund or its cancellation into the topic in which each did."""
    for row in services.db.outbox.pending_of([REFUND, EDIT_SUBSCRIPTION]):
        if row.params["telegram_payment_charge_id"] == charge_id:
            topic_id = services.db.inbox.topic_of(row.inbox_id)
            said = [message.in_topic(row.chat_id, topic_id) for message in said]
    return said
