"""Raw updates: which chat they belong to, how they are stored, how they are parsed.

An update may contain anything. `telegram/update_fields.py` names what the bot reads of one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from telebot import types

from core.guest_chats import guest_chat_id
from database import AT_ONCE
from telegram import update_fields
from telegram.update_fields import is_id

_READERS: Final = {
    "message": update_fields.message,
    "edited_message": update_fields.message,
    "guest_message": update_fields.guest_message,
    "callback_query": update_fields.query,
    "stopped_message_generation": update_fields.stopped,
    "my_chat_member": update_fields.membership,
    "pre_checkout_query": update_fields.pre_checkout,
    "subscription": update_fields.subscription,
    "inline_query": update_fields.inline_query,
    "chosen_inline_result": update_fields.chosen_result,
    "message_reaction": update_fields.reaction,
}
_ANSWERED_AT_ONCE: Final = ("pre_checkout_query", "inline_query", "chosen_inline_result")
_WITH_ID: Final = ("callback_query", "pre_checkout_query", "inline_query")
_OF_SOMEBODY: Final = ("pre_checkout_query", "subscription", "inline_query", "chosen_inline_result")
# Fields that `telegram/gathering.py` adds, and the mark of a recognised voice message.
_OWN: Final = frozenset({"gathered", "last_piece", "more_files", update_fields.SPOKEN})
_NAMED_USER: Final = frozenset({"subscription", "message_reaction"})  # their sender is called `user`
_GENERAL: Final = 1  # the main topic of a forum


class Unreadable(Exception):
    """An update without what its kind can't do without, or to which nobody could be answered."""


def chat_of(update: dict[str, Any]) -> int:
    """Return the id of the chat that an update belongs to; 0 if none. A chat that the bot is a guest in has its own."""
    if "guest_message" in update:
        owners = [int(owner["id"]) for owner in _owners(update) if is_id(owner.get("id"))]
        return guest_chat_id(owners[0], owners[1]) if len(owners) == 2 else 0
    return next((int(owner["id"]) for owner in _owners(update) if is_id(owner.get("id"))), 0)


def topic_of(update: dict[str, Any]) -> int:
    """Return the topic of a forum or private chat that an update belongs to; 0 if none.

    The question before a payment and a query from another chat have a queue of their own, `AT_ONCE`: Telegram waits
    some seconds for the answer.
    A thread of replies has a number too, and is no topic; nor is a forum's main one, which no call may name.
    """
    if any(kind in update for kind in _ANSWERED_AT_ONCE):
        return AT_ONCE
    stopped = update.get("stopped_message_generation")
    if isinstance(stopped, dict):
        return _topic(stopped.get("message_thread_id"), chat_of(update))
    query = update.get("callback_query")
    for message in (
        update.get("message"),
        update.get("edited_message"),
        isinstance(query, dict) and query.get("message"),
    ):
        if isinstance(message, dict) and message.get("is_topic_message") is True:
            return _topic(message.get("message_thread_id"), chat_of(update))
    return 0


def _topic(thread: object, chat_id: int) -> int:
    if not isinstance(thread, int) or not is_id(thread) or (chat_id < 0 and thread == _GENERAL):
        return 0
    return thread


def _owners(update: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the chat and the sender of an update, as far as it has them."""
    for kind, content in update.items():
        if kind == "update_id" or not isinstance(content, dict):
            continue
        inner = content.get("message") if kind == "callback_query" else content
        chat = inner.get("chat") if isinstance(inner, dict) else None
        sender = content.get("user") if kind in _NAMED_USER else content.get("from")
        yield from (owner for owner in (chat, sender) if isinstance(owner, dict))


def charge_in(body: str) -> str:
    """Return Telegram's id of the payment that a stored update reports; empty if it reports none."""
    if '"successful_payment"' not in body:
        return ""
    try:
        content = json.loads(body)["message"]["successful_payment"]
        return str(content.get("telegram_payment_charge_id") or "?")
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""


def received(update: dict[str, Any]) -> str:
    """Return an update from Telegram as JSON to be stored; the fields of gathered pieces are the bot's own."""
    message = update.get("message")
    if isinstance(message, dict) and not _OWN.isdisjoint(message):
        message = {name: value for name, value in message.items() if name not in _OWN}
        update = {**update, "message": message}
    return body_of(update)


def body_of(update: dict[str, Any]) -> str:
    """Return the update as JSON that can be stored: half a surrogate pair has no UTF-8."""
    text = json.dumps(update, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()


def read(body: str) -> types.Update | None:
    """Return the update stored as `body`, with the fields that the bot reads; None if it is of no kind that it reads.

    Raises `Unreadable`, also if an id that an answer would name has another type than Telegram gives it.
    """
    content = json.loads(body)
    kept = {
        kind: reader(content[kind])
        for kind, reader in _READERS.items()
        if isinstance(content, dict) and isinstance(content.get(kind), dict)
    }
    if not kept:
        if isinstance(content, dict) and not _READERS.keys() & content.keys():
            return None
        raise Unreadable("unreadable update: no content")
    _check_ids(kept)
    member = kept.pop("my_chat_member", None)
    try:
        update: types.Update = types.Update.de_json({"update_id": 0, **kept})
        for message in (update.message, update.edited_message, update.guest_message):
            if message is not None and "content_type" in message.json:
                message.content_type = message.json["content_type"]
        if member is not None:
            update.my_chat_member = _membership(member)
    except Exception as error:
        raise Unreadable(f"unreadable update: {type(error).__name__}") from error
    return update


def _membership(value: dict[str, Any]) -> types.ChatMemberUpdated:
    """Return a change of membership; telebot refuses every status that it doesn't know."""
    bot = types.User(0, True, "")
    return types.ChatMemberUpdated(
        types.Chat.de_json(value["chat"]),
        types.User.de_json(value["from"]),
        value["date"],
        types.ChatMember(bot, value["old_chat_member"]["status"]),
        types.ChatMember(bot, value["new_chat_member"]["status"]),
    )


def _check_ids(kept: dict[str, Any]) -> None:
    """Raise `Unreadable` unless whatever an answer would name has an id of the right type."""
    if not all(is_id(owner.get("id")) for owner in _owners(kept)):
        raise Unreadable("unreadable update: a chat or sender without a numeric id")
    if not all(is_id(message.get("message_id")) for message in _messages(kept)):
        raise Unreadable("unreadable update: a message without a numeric id")
    for kind in _WITH_ID:
        named = kept[kind].get("id") if kind in kept else "none"
        if not isinstance(named, str) or not named:
            raise Unreadable(f"unreadable update: a {kind} whose id is no string, or empty")
    if "guest_query_id" not in kept.get("guest_message", {"guest_query_id": ""}):
        raise Unreadable("unreadable update: a guest message without a query")
    if any(kind in kept and not any(_owners({kind: kept[kind]})) for kind in _OF_SOMEBODY):
        raise Unreadable("unreadable update: nobody to whom a payment or a query belongs")


def _messages(update: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the message of an update, and the one under whose button somebody tapped."""
    for kind in ("message", "edited_message", "guest_message", "message_reaction"):
        if kind in update:
            yield update[kind]
    if "message" in update.get("callback_query", {}):
        yield update["callback_query"]["message"]
