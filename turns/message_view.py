"""How a story's texts stand in a chat: shown as messages, changed in place, shrunk to a line, taken away.

Everything is returned as messages for the outbox. A part is plain text, since a model's text is nobody's
markup. Which messages show a prompt is known from the table `sent`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from conversation.keyboards import inline
from core.schemas import Json, Outgoing
from core.text import split
from database import Database, Prompt

DELETABLE_S = 47 * 3600  # Telegram lets a bot delete its messages for 48 hours


def sentence(chat_id: int, html: str, keyboard: Json = None) -> Outgoing:
    """One message in Telegram HTML."""
    params: dict[str, Json] = {"text": html, "parse_mode": "HTML"}
    if keyboard is not None:
        params["reply_markup"] = keyboard
    return Outgoing(chat_id, "sendMessage", params)


def as_reply(message: Outgoing, reply_to: int | None) -> Outgoing:
    """The same as a reply to this message; None: to none."""
    if reply_to is None:
        return message
    return replace(message, params={**message.params, "reply_parameters": {"message_id": reply_to}})


def part(chat_id: int, prompt_id: int, text: str, keyboard: Json = None) -> list[Outgoing]:
    """A text of a story as new messages; the keyboard hangs on the last."""
    pieces = split(text)
    messages = []
    for number, piece in enumerate(pieces, start=1):
        params: dict[str, Json] = {"text": piece}
        if keyboard is not None and number == len(pieces):
            params["reply_markup"] = keyboard
        messages.append(Outgoing(chat_id, "sendMessage", params, prompt_id=prompt_id))
    return messages


def variant_row(db: Database, session_id: int, prompt: Prompt) -> list[tuple[str, str]]:
    """«◀ 2/3 ▶» for a part with variants, round in a ring; empty where it is the only one."""
    return row_of(db.tree.variants(prompt, session_id), prompt.id)


def row_of(variants: Sequence[int], prompt_id: int) -> list[tuple[str, str]]:
    """The same for the one of these variants."""
    if len(variants) < 2 or prompt_id not in variants:
        return []
    place = variants.index(prompt_id)
    left, right = variants[place - 1], variants[(place + 1) % len(variants)]
    here = f"{place + 1}/{len(variants)}"
    return [("◀", f"variant:{left}"), (here, f"variant:{prompt_id}"), ("▶", f"variant:{right}")]


def replaced(db: Database, chat_id: int, message_id: int, prompt: Prompt, keyboard: Json) -> list[Outgoing]:
    """Shows `prompt` where another variant stood: in place, or anew where either takes several messages."""
    pieces = split(prompt.text)
    standing = db.outbox.messages_of(chat_id, db.outbox.shown(chat_id, message_id))
    if len(pieces) == 1 and standing in ([], [message_id]):
        params: dict[str, Json] = {"message_id": message_id, "text": pieces[0]}
        if keyboard is not None:
            params["reply_markup"] = keyboard
        db.outbox.show(chat_id, message_id, prompt.id)
        return [Outgoing(chat_id, "editMessageText", params, prompt_id=prompt.id)]
    gone = [_deleted(db, chat_id, standing_id) for standing_id in standing or [message_id]]
    return [*gone, *part(chat_id, prompt.id, prompt.text, keyboard)]


def taken_away(db: Database, chat_id: int, prompt: Prompt, line: str) -> list[Outgoing]:
    """Deletes the messages of a prompt; those too old for that shrink to `line`."""
    ids = db.outbox.messages_of(chat_id, prompt.id)
    if time.time() - prompt.created_at < DELETABLE_S:
        return [_deleted(db, chat_id, message_id) for message_id in ids]
    return [_shrink(chat_id, message_id, line) for message_id in ids]


def shrunk(db: Database, chat_id: int, prompt: Prompt, line: str) -> list[Outgoing]:
    """Shrinks a part to `line`: its first message says it, the others go."""
    ids = db.outbox.messages_of(chat_id, prompt.id)
    return [
        *[_shrink(chat_id, message_id, line) for message_id in ids[:1]],
        *[_deleted(db, chat_id, message_id) for message_id in ids[1:]],
    ]


def restored(db: Database, chat_id: int, session_id: int, prompt: Prompt) -> list[Outgoing]:
    """Shows a part again that was shrunk: in its old message where it fits there."""
    ids = db.outbox.messages_of(chat_id, prompt.id)
    row = variant_row(db, session_id, prompt)
    keyboard = inline(row) if row else None
    if ids:
        return replaced(db, chat_id, ids[0], prompt, keyboard)
    return part(chat_id, prompt.id, prompt.text, keyboard)


def recalled(prompt: Prompt | None, limit: int = 200) -> str:
    """The end of a text, to be quoted in a line."""
    if prompt is None:
        return ""
    flat = " ".join(prompt.text.split())
    if len(flat) <= limit:
        return flat
    return f"…{flat[-limit:].partition(' ')[2]}"


def _deleted(db: Database, chat_id: int, message_id: int) -> Outgoing:
    db.outbox.hide(chat_id, message_id)
    return Outgoing(chat_id, "deleteMessage", {"message_id": message_id})


def _shrink(chat_id: int, message_id: int, line: str) -> Outgoing:
    return Outgoing(chat_id, "editMessageText", {"message_id": message_id, "text": line, "parse_mode": "HTML"})
