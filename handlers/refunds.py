"""/refund: give a payment's Stars back. Its tokens are taken back at once, and again credited if Telegram refuses.

A refund that begins at Telegram comes as a message and is booked in the same way. Whichever says first that the Stars
are back, the message or the answer to the call, ends the refund; the other one changes nothing.
"""

from __future__ import annotations

import logging

from core.logs import event
from core.numbers import is_number
from core.schemas import Json, OutboxRow, Outgoing
from database import Payment
from handlers.balances import balance_of
from handlers.context import Services, UpdateContext, after_commit, now
from handlers.dates import date
from handlers.fallback import unknown_command
from telegram.payment_methods import EDIT_SUBSCRIPTION, REFUND
from telegram.update_result import NOTHING, MakePaymentCalls, UpdateResult
from turns.limit_requests import reachable
from turns.message_view import sentence

log = logging.getLogger(__name__)


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
    calls = [_call(context.chat_id, REFUND, payer, payment.charge_id)]
    if payment.renews:
        calls.insert(0, _cancelling(context.chat_id, payer, payment.charge_id))
    return said + context.deliver(*calls) + after_commit(MakePaymentCalls())


def _call(chat_id: int, method: str, payer: int, charge_id: str) -> Outgoing:
    return Outgoing(chat_id, method, {"user_id": payer, "telegram_payment_charge_id": charge_id})


def _cancelling(chat_id: int, payer: int, charge_id: str) -> Outgoing:
    named: dict[str, Json] = {"user_id": payer, "telegram_payment_charge_id": charge_id, "is_canceled": True}
    return Outgoing(chat_id, EDIT_SUBSCRIPTION, named)


def cancel_subscriptions(services: Services, chat_id: int, user_id: int) -> UpdateResult:
    """Return the end of a user's subscriptions: nobody pays for a bot that is closed to them or has forgotten them."""
    charges = services.db.payments.stop_renewals(user_id, now())
    calls = tuple(_cancelling(chat_id, user_id, charge_id) for charge_id in charges)
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
        return NOTHING
    payer = payment.user_id or payer
    payments.begin_refund(charge_id, payer)
    booked = UpdateResult(messages=tuple(_end(services, charge_id, payer)))
    if not payment.renews:
        return booked
    return booked + UpdateResult(messages=(_cancelling(payer, payer, charge_id),)) + after_commit(MakePaymentCalls())


def ended(services: Services, row: OutboxRow, refusal: str) -> list[Outgoing]:
    """Book how a refund, or the end of a subscription, ended, in its transaction; return what is said of it."""
    if row.method not in (REFUND, EDIT_SUBSCRIPTION):
        return []
    charge_id, payer = str(row.params["telegram_payment_charge_id"]), row.params["user_id"]
    assert isinstance(payer, int)
    if row.method == EDIT_SUBSCRIPTION:
        return [] if refusal else _subscription_ended(services, charge_id, payer)
    if not refusal:
        return _end(services, charge_id, payer)
    if not services.db.payments.cancel_refund(charge_id, payer):
        return []
    return _to_admins(services, "refund.refused", charge=charge_id, error=refusal)


def _subscription_ended(services: Services, charge_id: str, payer: int) -> list[Outgoing]:
    """Note that Telegram has ended a subscription, whatever it says of the refund; tell its user if they don't know."""
    payment, user = services.db.payments.get(charge_id), services.db.users.get(payer)
    if not services.db.payments.end_renewal(charge_id) or payment is None or user is None:
        return []
    texts = services.locales[user.language]
    said = texts.say("checkout.subscription_canceled", day=date(texts, payment.until or 0))
    return [sentence(payer, said)]


def _end(services: Services, charge_id: str, payer: int) -> list[Outgoing]:
    """End a refund that is under way; tell the payer and the admins."""
    payments = services.db.payments
    if not payments.end_refund(charge_id, now()):
        return []
    payment, account = payments.get(charge_id), services.db.accounts.get(payer)
    assert payment is not None
    event(log, logging.INFO, "payment_refunded", stars=payment.stars, taken=payment.taken_back, charge=charge_id)
    ends_subscription = payments.end_renewal(charge_id)
    told = _to_admins(services, "refund.done", stars=payment.stars, tokens=payment.taken_back, charge=charge_id)
    if account is None:
        return told
    texts = services.locales[account.language]
    balance = balance_of(services, texts, account, account.free)
    values = {"stars": payment.stars, "tokens": payment.taken_back, "charge": charge_id, "balance": balance}
    key = "refund.yours_month" if ends_subscription else "refund.yours"
    return [sentence(payer, texts.say(key, **values)), *told]


def _to_admins(services: Services, key: str, **values: object) -> list[Outgoing]:
    admins = reachable(services.config, services.db)
    return [sentence(admin.id, services.locales[admin.language].say(key, **values)) for admin in admins]
