"""Act as Telegram's users who pay: with an invoice's button or link, and confirm in Telegram's dialog."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.payments import ANSWER_WITHIN_S, LINK, Checkout
from sandbox.telegram_state import ChatMessage, Json
from sandbox.users import ChatUser, NotCome, NotShown

NO_ANSWER = "BOT_PRECHECKOUT_TIMEOUT"


@dataclass(frozen=True, slots=True)
class Paid:
    """How a payment ended; `error` is what Telegram's dialog says if it failed."""

    ok: bool
    error: str = ""


def slug_of(user: ChatUser, wanted: ChatMessage | int | str | None = None) -> str:
    """Return the invoice of a message, of a link, or the latest one of the chat. Raises `NotShown`."""
    shop = user.state.shop
    if isinstance(wanted, str):
        slug = wanted.removeprefix(LINK)
    else:
        ids = [wanted.id if isinstance(wanted, ChatMessage) else wanted]
        if wanted is None:
            ids = [message.id for message in reversed(user.shown)]
        keys = (f"{user.chat.id}:{message_id}" for message_id in ids)
        slug = next((str(shop["messages"][key]) for key in keys if key in shop["messages"]), "")
    if slug not in shop["invoices"]:
        raise NotShown("no invoice on the screen")
    return slug


def invoice_of(user: ChatUser, wanted: ChatMessage | int | str | None = None) -> Json:
    """Return what Telegram's dialog shows of an invoice, and how many Stars the user has."""
    invoice = user.state.shop["invoices"][slug_of(user, wanted)]
    return {**invoice, "stars": user.api.stars_of(user.id)}


def begin_to_pay(user: ChatUser, wanted: ChatMessage | int | str | None = None) -> Checkout:
    """Confirm in the dialog, and don't wait for the bot. Raises `NotShown` if the Stars aren't enough."""
    slug = slug_of(user, wanted)
    with user.state.lock:
        if user.api.stars_of(user.id) < user.state.shop["invoices"][slug]["total_amount"]:
            raise NotShown("not enough Stars")
        user._mark = user.chat.revision
        return user.api.ask(user.id, slug)


def pay(user: ChatUser, wanted: ChatMessage | int | str | None = None) -> Paid:
    """Pay an invoice and wait for what the dialog says."""
    checkout = begin_to_pay(user, wanted)
    private = ChatUser(user.api, user.user, user.state.chats[user.id])
    try:
        private.until(lambda: checkout.ok is not None, ANSWER_WITHIN_S, "an answer before the payment")
    except NotCome:
        return Paid(False, NO_ANSWER)
    return Paid(bool(checkout.ok), checkout.error)


def change_subscriptions(user: ChatUser, what: str) -> Json:
    """Let a month pass for a user's subscriptions, cancel them or take them up again; return how many there are."""
    if what == "month":
        user.api.renew(user.id)
    elif what in ("cancel", "resume"):
        user.api.set_cancelled(user.id, what == "cancel")
    with user.state.lock:
        charges = user.api.subscriptions_of(user.id)
        cancelled = sum(bool(charge.get("cancelled")) for charge in charges)
    return {"goOn": len(charges) - cancelled, "cancelled": cancelled}
