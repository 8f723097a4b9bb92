"""What Telegram says of payments: the question before one, the payment, its refund, and a subscription that changes.

Money that has been paid is credited to whoever paid, once by its charge id, in the transaction of its update: also to
somebody banned, new, or beyond the limit of users, whom the question before a payment would have refused.
"""

from __future__ import annotations

import logging
from typing import Final

from telebot import types

from core.days import DAY_S
from core.logs import event
from core.schemas import Json, Outgoing
from core.star_packs import CURRENCY, StarPack, pack_of
from database import Month, User
from handlers import access_requests, refunds
from handlers.admission import admit_payer
from handlers.balances import balance_to_say
from handlers.context import Services, after_commit, now
from handlers.dates import date
from handlers.payments import contact
from telegram.payment_methods import ANSWER
from telegram.update_result import NOTHING, IncomingUpdate, MakePaymentCalls, TrackEvent, UpdateResult
from turns import limits
from turns.limit_requests import reachable
from turns.message_view import sentence

log = logging.getLogger(__name__)

_RENEWAL_S: Final = 2 * DAY_S  # before the end of a month
# The states of a subscription, as Telegram names them, and what is said of each.
_CHANGES: Final = {
    "canceled": "checkout.subscription_canceled",
    "active": "checkout.subscription_active",
    "failed": "checkout.subscription_failed",
}


def on_pre_checkout(services: Services, incoming: IncomingUpdate, query: types.PreCheckoutQuery) -> UpdateResult:
    """Answer whether a payment may go on: the pack is sold as its invoice says, and its payer may use the bot."""
    user = services.db.users.get(query.from_user.id)
    code = user.language if user is not None else services.locales.language_of(query.from_user.language_code)
    problem = _problem(services, user, query)
    params: dict[str, Json] = {"pre_checkout_query_id": query.id, "ok": not problem}
    if problem:
        params["error_message"] = services.locales[code].plain(problem)
        event(log, logging.INFO, "payment_declined", user=query.from_user.id, reason=problem)
    answer = Outgoing(query.from_user.id, ANSWER, params)
    return UpdateResult(messages=(answer,)) + after_commit(MakePaymentCalls())


def _problem(services: Services, user: User | None, query: types.PreCheckoutQuery) -> str:
    """Return the key of the sentence that says why a payment is refused; empty: it is not."""
    config, pack = services.config, pack_of(query.invoice_payload)
    if pack is None or pack not in config.packs or (query.currency, query.total_amount) != (CURRENCY, pack.stars):
        return "checkout.changed"
    used = services.db.ledger.budget(limits.budget_period(config, now())).used
    if config.max_project_tokens - used < limits.turn_price(config):
        return "checkout.project"
    banned = user.banned if user is not None else services.db.forgetting.returns_banned(query.from_user.id)
    if banned:
        return "checkout.banned"
    if user is not None and _is_subscribed(services, user.id, pack):
        return "checkout.subscribed_already"
    if user is None and services.db.users.count() >= config.max_users:
        return "checkout.full"
    return ""


def _is_subscribed(services: Services, user_id: int, pack: StarPack) -> bool:
    """Return whether a user has this subscription and it goes on: a second one would be charged beside it.

    Shortly before its month ends a payment may be its renewal, and is let through.
    """
    later = services.db.payments.subscriptions(user_id, now() + _RENEWAL_S)
    return any(payment.renews and payment.payload == pack.payload for payment in later)


def on_payment(services: Services, incoming: IncomingUpdate, message: types.Message) -> UpdateResult:
    """Credit a payment, or take a refunded one back: what the message says has happened at Telegram already."""
    if message.refunded_payment is not None:
        refunded = message.refunded_payment
        return refunds.on_refunded(
            services,
            message.chat.id,
            charge_id=refunded.telegram_payment_charge_id,
            stars=refunded.total_amount,
            payload=refunded.invoice_payload,
        )
    paid = message.successful_payment
    if paid is None or message.from_user is None:
        return NOTHING
    payer = admit_payer(services, message.from_user, private=message.chat.id > 0)
    pack, until = pack_of(paid.invoice_payload), paid.subscription_expiration_date
    if pack is not None and (paid.currency, paid.total_amount) != (CURRENCY, pack.stars):
        pack = None
    charge_id, renewed = paid.telegram_payment_charge_id, bool(paid.is_recurring) and not paid.is_first_recurring
    credited = services.db.payments.credit(
        charge_id=charge_id,
        user_id=payer.id,
        stars=paid.total_amount,
        payload=paid.invoice_payload,
        pack=pack,
        month=Month(until, until > now(), first=not renewed) if until is not None else None,
        now=now(),
    )
    if not credited:
        event(log, logging.INFO, "payment_known", charge=charge_id)
        return NOTHING
    ended = refunds.cancel_subscriptions(services, payer.id, payer.id) if payer.banned else NOTHING
    if pack is None:
        return _not_understood(services, payer, charge_id, paid.total_amount) + ended
    event(log, logging.INFO, "payment_credited", user=payer.id, stars=pack.stars, tokens=pack.tokens, charge=charge_id)
    goes_on = until is not None and not payer.banned  # of somebody banned it has just been cancelled
    key = "checkout.renewed" if renewed else "checkout.subscribed" if goes_on else "checkout.paid"
    return _thanks(services, payer, key, pack, charge_id=charge_id, until=until) + _track(payer, pack) + ended


def _thanks(
    services: Services, payer: User, key: str, pack: StarPack, *, charge_id: str, until: int | None
) -> UpdateResult:
    account = services.db.accounts.get(payer.id)
    assert account is not None
    texts = services.locales[account.language]
    said = texts.say(
        key,
        tokens=pack.tokens,
        charge=charge_id,
        day=date(texts, until or 0),
        balance=balance_to_say(services, texts, account),
    )
    return UpdateResult(messages=(sentence(payer.id, said),))


def _not_understood(services: Services, payer: User, charge_id: str, stars: int) -> UpdateResult:
    """Tell the payer and the admins of a payment that names no pack: it is stored and can be refunded."""
    event(log, logging.ERROR, "payment_not_credited", user=payer.id, stars=stars, charge=charge_id)
    texts, account = services.locales[payer.language], services.db.accounts.get(payer.id)
    assert account is not None
    said = texts.say("checkout.not_credited", charge=charge_id, contact=contact(services, texts))
    messages = [sentence(payer.id, said)]
    for admin in reachable(services.config, services.db):
        texts = services.locales[admin.language]
        who = access_requests.who(texts, account)
        messages.append(sentence(admin.id, texts.say("refund.not_credited", who=who, stars=stars, charge=charge_id)))
    return UpdateResult(messages=tuple(messages))


def on_subscription(services: Services, incoming: IncomingUpdate, change: types.BotSubscriptionUpdated) -> UpdateResult:
    """Note that a subscription was cancelled, taken up again, or could not be paid; say so to its user."""
    user = services.db.users.get(change.user.id)
    if user is None or change.state not in _CHANGES:
        return NOTHING
    payment = services.db.payments.set_renewal(
        user.id, change.invoice_payload, change.state == "active", now(), failed=change.state == "failed"
    )
    if payment is None:
        return NOTHING
    texts = services.locales[user.language]
    said = texts.say(_CHANGES[change.state], tokens=payment.tokens, day=date(texts, payment.until or 0))
    return UpdateResult(messages=(sentence(user.id, said),))


def _track(payer: User, pack: StarPack) -> UpdateResult:
    return after_commit(TrackEvent("tokens_bought", payer.id, {"stars": pack.stars, "tokens": pack.tokens}))
