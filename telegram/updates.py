"""Updates as they come: whose they are, how they are kept, and how they are read. They may hold anything."""

from __future__ import annotations

import json
from typing import Any

from telebot.types import Update

_MOST_ID = 2**63  # SQLite keeps no larger numbers


class Unreadable(Exception):
    """The library can't read this update."""


def is_id(value: object) -> bool:
    """Whether this can be the number of an update or a chat."""
    return isinstance(value, int) and abs(value) < _MOST_ID


def chat_of(update: dict[str, Any]) -> int:
    """The chat that an update belongs to, 0 where it belongs to none."""
    for kind, content in update.items():
        if kind == "update_id" or not isinstance(content, dict):
            continue
        inner = content.get("message") if kind == "callback_query" else content
        chat = inner.get("chat") if isinstance(inner, dict) else None
        for owner in (chat, content.get("from")):
            if isinstance(owner, dict) and is_id(owner.get("id")):
                return int(owner["id"])
    return 0


def body_of(update: dict[str, Any]) -> str:
    """The update as JSON that a database can hold: half a surrogate pair can't be written in UTF-8."""
    text = json.dumps(update, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()


def read(body: str) -> Update | None:
    """The update that was kept as `body`; None where the library knows nothing of its kind. Raises `Unreadable`."""
    try:
        update: Update | None = Update.de_json(body)
    except Exception as error:
        raise Unreadable(f"unreadable update: {type(error).__name__}") from error
    return update
