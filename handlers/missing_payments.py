"""What Telegram's list of payments has and the database lacks: it is credited, or booked as refunded.

A restored database lacks what was paid since; so does one whose bot was off for more than the 24 hours for which
Telegram keeps updates. A minute after each start, when the updates that waited are handled, the list is read from where
the last reading ended; /payments reads it whole. A new, empty database credits nothing of what was paid before, unless
an admin says so by /payments.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from telebot import types

from core.errors import StorageError
from core.logs import event
from core.schemas import Json, OutboxRow, Outgoing
from core.star_packs import StarPack, pack_of
from database import Month
from handlers import refunds
from handlers.admission import admit_payer
from handlers.balances import balance_to_say
from handlers.context import Services, UpdateContext, after_commit, now
from handlers.dates import date
from handlers.fallback import unknown_command
from telegram.payment_methods import LIST
from telegram.update_result import MakePaymentCalls, UpdateResult
from turns.limit_requests import reachable
from turns.message_view import sentence

log = logging.getLogger(__name__)

PAGE: Final = 100  # the most that Telegram gives
YOUNG_S: Final = 60  # at a start the update of such a payment may still come
_START: Final = 0  # in place of a chat: nobody has sent /payments
_MOST_NAMED: Final = 10  # charges that could not be booked; the log has all
# What a reading is for: the payments since the last one, those before a new database's first one, or all.
_SINCE, _BEFORE, _ALL = "since", "before", "all"


@dataclass(frozen=True, slots=True)
class _Transaction:
    """A payment, or its refund. `pack` is None if it names none of ours, or has another price."""

    charge_id: str
    date: int
    payer: types.User
    stars: int
    payload: str
    pack: StarPack | None
    period_s: int  # of a subscription; 0: it is none
    refund: bool


def list_payments(context: UpdateContext) -> UpdateResult:
    """/payments: compare the whole list with the database."""
    if not context.is_admin or not _is_seller(context.services):
        return unknown_command(context)
    if _asked_by(context.services, context.chat_id):
        return context.say("payments.asked")
    call = _page(context.chat_id, 0, _ALL)
    return context.say("payments.asked") + context.deliver(call) + after_commit(MakePaymentCalls())


def begin(services: Services) -> None:
    """Decide what this start's reading is for, before any update is handled: a payment makes a new database look old.

    Delete the call that the last run has left: it would overtake updates. `ask_after_start` makes it anew.
    """
    db = services.db
    with db.transaction():
        for row in _asked_by(services, _START):
            db.outbox.dropped(row.id, "")
        if _read_so_far(services) is None:
            _keep(services, _SINCE if db.payments.sales().payments else _BEFORE, 0)


def ask_after_start(services: Services) -> None:
    """Put the call for what was paid since the last reading into the outbox, if tokens are or were sold."""
    db, begun = services.db, _read_so_far(services)
    if begun is None or not _is_seller(services) or _asked_by(services, _START):
        return
    how, offset, missing = begun
    db.outbox.add(None, [_page(_START, offset, how, missing)])


def _asked_by(services: Services, chat_id: int) -> list[OutboxRow]:
    return [row for row in services.db.outbox.pending_of([LIST]) if row.chat_id == chat_id]


def _is_seller(services: Services) -> bool:
    return bool(services.config.packs or services.db.payments.sales().payments)


def _read_so_far(services: Services) -> tuple[str, int, int] | None:
    """Return what the reading of a start is for, where it goes on, and how many it has found; None: there was none."""
    how, *numbers = (services.db.settings.get(_mark(services)) or "").split(":")
    return (how, int(numbers[0]), int(numbers[-1]) if len(numbers) > 1 else 0) if numbers else None


def _keep(services: Services, how: str, offset: int, missing: int = 0) -> None:
    services.db.settings.put(_mark(services), f"{how}:{offset}:{missing}")


def _mark(services: Services) -> str:
    return f"payments_read:{services.config.telegram_token.partition(':')[0]}"  # a list belongs to its bot


def _page(chat_id: int, offset: int, how: str, missing: int = 0) -> Outgoing:
    """Return the call for a page of the list. `missing`: how many the pages before it had."""
    return Outgoing(chat_id, LIST, {"offset": offset, "limit": PAGE}, note_for_end=f"{how}:{missing}")


# ---------------------------------------------------------------------- what Telegram answers


def ended(services: Services, row: OutboxRow, refusal: str, answer: Json) -> list[Outgoing]:
    """Book how a call about payments ended, in its transaction. Return what is said of it, and further calls."""
    if row.method != LIST:
        return refunds.ended(services, row, refusal)
    topic_id = services.db.inbox.topic_of(row.inbox_id)
    return [one.in_topic(row.chat_id, topic_id) for one in _page_read(services, row, refusal, answer)]


def _page_read(services: Services, row: OutboxRow, refusal: str, answer: Json) -> list[Outgoing]:
    how, _, number = row.note_for_end.partition(":")
    found = answer.get("transactions") if isinstance(answer, dict) else None
    if refusal or not isinstance(found, list):
        return _to_reader(services, row.chat_id, how, "payments.refused", error=refusal or "?")
    missing, offset = int(number), row.params["offset"]
    assert isinstance(offset, int)
    transactions = [_transaction(one) for one in found]
    refunded = {one.charge_id for one in transactions if one is not None and one.refund}
    said: list[Outgoing] = []
    failed: list[str] = []
    read = 0
    for one in transactions:
        if one is not None:
            if how != _ALL and one.date > now() - YOUNG_S:
                break
            try:
                with services.db.savepoint():
                    told = _book(services, one, how, is_refunded=one.charge_id in refunded)
            except StorageError:
                raise  # the whole page is booked later
            except Exception:
                event(log, logging.ERROR, "payment_not_booked", user=one.payer.id, charge=one.charge_id, exc_info=True)
                failed.append(one.charge_id)
                told = None
            missing += told is not None
            said += told or []
        read += 1
    if failed:
        named = ", ".join(failed[:_MOST_NAMED])
        said += _to_admins(services, "payments.not_booked", number=len(failed), charges=named)
    offset += read
    _note(services, how, offset, missing, done=read < PAGE)
    if read == PAGE:
        return [*said, _page(row.chat_id, offset, how, missing)]
    return [*said, *_end(services, row.chat_id, how, missing=missing, read=offset)]


def _note(services: Services, how: str, offset: int, missing: int, *, done: bool) -> None:
    """Keep where the reading of the next start begins, and what this one has found if it isn't done."""
    if how == _BEFORE and not done:
        _keep(services, _BEFORE, offset, missing)
    elif how == _SINCE or done:
        kept, before, found = _read_so_far(services) or (how, 0, 0)
        if how == _SINCE:
            found = 0 if done else missing
        elif kept == _BEFORE:
            found = 0
        _keep(services, _SINCE, max(offset, before), found)


def _transaction(listed: Json) -> _Transaction | None:
    """Return what a transaction says of a payment; None if it is about something else, such as a withdrawal."""
    if not isinstance(listed, dict):
        return None
    partner = listed.get("source") or listed.get("receiver")
    if not isinstance(partner, dict) or partner.get("transaction_type") != "invoice_payment":
        return None
    try:
        payer = types.User.de_json(partner.get("user"))
    except (TypeError, KeyError, ValueError):  # it isn't what Telegram documents
        return None
    charge_id, moment, stars = (listed.get(name) for name in ("id", "date", "amount"))
    payload = partner.get("invoice_payload")
    if payer is None or not isinstance(charge_id, str) or not isinstance(payload, str):
        return None
    if not isinstance(moment, int) or not isinstance(stars, int):
        return None
    pack, period_s = pack_of(payload), partner.get("subscription_period")
    if pack is not None and pack.stars != stars:
        pack = None
    period_s = period_s if isinstance(period_s, int) else 0
    return _Transaction(charge_id, moment, payer, stars, payload, pack, period_s, refund="source" not in listed)


def _book(services: Services, one: _Transaction, how: str, *, is_refunded: bool) -> list[Outgoing] | None:
    """Book a transaction that is missing, and return what is said of it. None if it was known.

    Of what was paid before a new database nothing is booked. Nothing is said of a payment whose refund is on its page.
    """
    payment = services.db.payments.get(one.charge_id)
    if how == _BEFORE:
        return [] if payment is None and not is_refunded else None
    if one.refund or (payment is None and is_refunded):
        return _refund(services, one) if payment is None or payment.state != "refunded" else None
    return _credit(services, one) if payment is None else None


def _refund(services: Services, one: _Transaction) -> list[Outgoing]:
    booked = refunds.on_refunded(services, one.payer.id, charge_id=one.charge_id, stars=one.stars, payload=one.payload)
    return list(booked.messages)


def _credit(services: Services, one: _Transaction) -> list[Outgoing]:
    """Credit a payment; its payer reads of it, unless they have had their data deleted.

    One by somebody banned or forgotten ends their subscriptions. One for no pack of ours is kept for a refund, and told
    to the admins: it may be older than this bot.
    """
    db, payer_id, until = services.db, one.payer.id, one.date + one.period_s
    forgotten = db.users.get(payer_id) is None and db.forgetting.returns_banned(payer_id) is not None
    if one.pack is not None and not forgotten:
        admit_payer(services, one.payer, private=True)
    db.payments.credit(
        charge_id=one.charge_id,
        user_id=payer_id,
        stars=one.stars,
        payload=one.payload,
        pack=one.pack,
        month=Month(until, goes_on=until > now()) if one.period_s else None,
        now=one.date,
    )
    ended = _ending(services, one, forgotten=forgotten)
    if one.pack is None:
        return [*_not_understood(services, one), *ended]
    event(log, logging.WARNING, "payment_found", user=payer_id, tokens=one.pack.tokens, charge=one.charge_id)
    account = db.accounts.get(payer_id)
    if account is None:
        return ended
    texts = services.locales[account.language]
    values = {"tokens": one.pack.tokens, "charge": one.charge_id, "day": date(texts, one.date)}
    said = texts.say("checkout.found", **values, balance=balance_to_say(services, texts, account))
    return [sentence(payer_id, said), *ended]


def _ending(services: Services, one: _Transaction, *, forgotten: bool) -> list[Outgoing]:
    """Return the calls that end the subscriptions of a payer who is banned or forgotten; none for others."""
    user, payer_id = services.db.users.get(one.payer.id), one.payer.id
    if forgotten and one.period_s and one.date + one.period_s > now():
        return [refunds.cancelling(payer_id, payer_id, one.charge_id)]  # the payment has no user that could name it
    if user is None or not user.banned:
        return []
    return [*refunds.cancel_subscriptions(services, payer_id, payer_id).messages]


def _not_understood(services: Services, one: _Transaction) -> list[Outgoing]:
    event(log, logging.ERROR, "payment_not_credited", user=one.payer.id, stars=one.stars, charge=one.charge_id)
    values = {"who": f"id {one.payer.id}", "stars": one.stars, "charge": one.charge_id}
    return _to_admins(services, "refund.not_credited", **values)


# ---------------------------------------------------------------------- the end of a reading


def _end(services: Services, chat_id: int, how: str, *, missing: int, read: int) -> list[Outgoing]:
    if how == _ALL:
        key = "payments.compared" if missing else "payments.all_there"
        return _to_reader(services, chat_id, how, key, missing=missing, read=read)
    if not missing:
        return []
    if how == _BEFORE:
        event(log, logging.WARNING, "payments_before", payments=missing)
    return _to_admins(services, "payments.before" if how == _BEFORE else "payments.found", missing=missing)


def _to_admins(services: Services, key: str, **values: object) -> list[Outgoing]:
    admins = reachable(services.config, services.db)
    return [sentence(admin.id, services.locales[admin.language].say(key, **values)) for admin in admins]


def _to_reader(services: Services, chat_id: int, how: str, key: str, **values: object) -> list[Outgoing]:
    """Tell whoever sent /payments; of a start's reading, all admins."""
    if how != _ALL:
        return _to_admins(services, key, **values)
    admin = services.db.users.get(chat_id)
    return [sentence(admin.id, services.locales[admin.language].say(key, **values))] if admin is not None else []
