"""Raw updates: which chat they belong to, how they are stored, how they are parsed.

An update may contain anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from telebot.types import Update

_MOST_ID = 2**63  # SQLite stores no larger integers


class Unreadable(Exception):
    """telebot can't parse this update, or nobody could be answered."""


def is_id(value: object) -> bool:
    """Return whether `value` can be an update's or chat's id. JSON's `true` is an int in Python, but no id."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST_ID


def chat_of(update: dict[str, Any]) -> int:
    """Return the id of the chat that an update belongs to; 0 if none."""
    return next((int(owner["id"]) for owner in _owners(update) if is_id(owner.get("id"))), 0)


def _owners(update: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the chat and the sender of an update, as far as it has them."""
    for kind, content in update.items():
        if kind == "update_id" or not isinstance(content, dict):
            continue
        inner = content.get("message") if kind == "callback_query" else content
        chat = inner.get("chat") if isinstance(inner, dict) else None
        yield from (owner for owner in (chat, content.get("from")) if isinstance(owner, dict))


def body_of(update: dict[str, Any]) -> str:
    """Return the update as JSON that can be stored: half a surrogate pair has no UTF-8."""
    text = json.dumps(update, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()


def read(body: str) -> Update | None:
    """Return the update stored as `body`; None if telebot does not know its type.

    Raises `Unreadable`, also if an id that an answer would name has another type than Telegram gives it.
    """
    try:
        content = json.loads(body)
        update: Update | None = Update.de_json(content)
    except Exception as error:
        raise Unreadable(f"unreadable update: {type(error).__name__}") from error
    if update is None:
        return None
    if not all(is_id(owner.get("id")) for owner in _owners(content)):
        raise Unreadable("unreadable update: a chat or sender without a numeric id")
    if not all(is_id(message["message_id"]) for message in _messages(content) if "message_id" in message):
        raise Unreadable("unreadable update: a message without a numeric id")
    query = content.get("callback_query")
    if query is not None and not isinstance(query.get("id"), str):
        raise Unreadable("unreadable update: a callback query whose id is no string")
    return update


def _messages(update: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the message of an update, and the one under whose button somebody tapped."""
    for kind, content in update.items():
        message = content.get("message") if kind == "callback_query" and isinstance(content, dict) else content
        if kind != "update_id" and isinstance(message, dict):
            yield message
