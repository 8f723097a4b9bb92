"""Updates as they come: whose they are, how they are kept, and how they are read. They may hold anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from telebot.types import Update

_MOST_ID = 2**63  # SQLite keeps no larger numbers


class Unreadable(Exception):
    """The library can't read this update."""


def is_id(value: object) -> bool:
    """Whether this can be the number of an update or a chat; JSON's `true` is a number for Python only."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST_ID


def chat_of(update: dict[str, Any]) -> int:
    """The chat that an update belongs to, 0 where it belongs to none."""
    return next((int(owner["id"]) for owner in _owners(update) if is_id(owner.get("id"))), 0)


def _owners(update: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The chat and the sender of an update, as far as it has them."""
    for kind, content in update.items():
        if kind == "update_id" or not isinstance(content, dict):
            continue
        inner = content.get("message") if kind == "callback_query" else content
        chat = inner.get("chat") if isinstance(inner, dict) else None
        yield from (owner for owner in (chat, content.get("from")) if isinstance(owner, dict))


def body_of(update: dict[str, Any]) -> str:
    """The update as JSON that a database can hold: half a surrogate pair can't be written in UTF-8."""
    text = json.dumps(update, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()


def read(body: str) -> Update | None:
    """The update that was kept as `body`; None where the library knows nothing of its kind.

    Raises `Unreadable`, also where its chat or its sender has no number: nobody could be answered.
    """
    try:
        content = json.loads(body)
        update: Update | None = Update.de_json(content)
    except Exception as error:
        raise Unreadable(f"unreadable update: {type(error).__name__}") from error
    if update is not None and not all(is_id(owner.get("id")) for owner in _owners(content)):
        raise Unreadable("unreadable update: a chat or a sender without a number")
    return update
