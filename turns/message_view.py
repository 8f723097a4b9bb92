"""How a story's texts stand in a chat: shown as messages, changed in place, shrunk to a line, deleted.

Everything is returned as messages for the outbox. A part is plain text: a model's text is no markup. The table `sent`
says which messages show a prompt.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from conversation.game_words import as_read
from conversation.keyboards import arrows, inline
from conversation.localization import Texts
from conversation.story_draft import short_name, working_title
from core.schemas import Json, Outgoing
from core.text import split
from database import Database, Prompt, Story

CONFETTI = "5046509860389126442"  # 🎉, an effect that everybody may use
DELETABLE_S = 47 * 3600  # Telegram lets a bot delete its messages for 48 hours


def title_of(story: Story) -> str:
    """Return what a story is called: its title, or hero and setting until it has one."""
    return story.title or working_title(story.hero, story.setting) or short_name(story.genre)


def text_of(prompts: Sequence[Prompt]) -> str:
    """Return the texts of a story as they are read, with an empty line between; its length is the story's."""
    return "\n\n".join(text for text in map(read_text, prompts) if text)


def read_text(prompt: Prompt) -> str:
    """Return a text of a story as it is read: without the wishes and the marks of its user."""
    return as_read(prompt.text) if prompt.has_wishes else prompt.text


def sentence(chat_id: int, html: str, keyboard: Json = None) -> Outgoing:
    """Return one message in Telegram HTML."""
    params: dict[str, Json] = {"text": html, "parse_mode": "HTML"}
    if keyboard is not None:
        params["reply_markup"] = keyboard
    return Outgoing(chat_id, "sendMessage", params)


def with_effect(message: Outgoing) -> Outgoing:
    """Return the message with confetti, in a private chat; unchanged in a group, which has no effects."""
    if message.chat_id < 0:
        return message
    return replace(message, params={**message.params, "message_effect_id": CONFETTI})


def only_for(message: Outgoing, user_id: int) -> Outgoing:
    """Return a group's message as one that this user alone sees; unchanged in a private chat."""
    if message.chat_id >= 0:
        return message
    return replace(message, params={**message.params, "ephemeral_message_parameters": {"receiver_user_id": user_id}})


def as_reply(message: Outgoing, reply_to: int | None) -> Outgoing:
    """Return the message as a reply to another; unchanged if `reply_to` is None."""
    if reply_to is None:
        return message
    return replace(message, params={**message.params, "reply_parameters": {"message_id": reply_to}})


def photo(chat_id: int, caption: str, picture: bytes) -> Outgoing:
    """Return a picture as a message."""
    suffix = "png" if picture.startswith(b"\x89PNG") else "jpg"
    return Outgoing(chat_id, "sendPhoto", {"caption": caption}, {"photo": (f"picture.{suffix}", picture)})


def part(chat_id: int, prompt_id: int, text: str, keyboard: Json = None) -> list[Outgoing]:
    """Return a text of a story as new messages; the keyboard is under the last."""
    pieces = split(text)
    messages = []
    for number, piece in enumerate(pieces, start=1):
        params: dict[str, Json] = {"text": piece}
        if keyboard is not None and number == len(pieces):
            params["reply_markup"] = keyboard
        messages.append(Outgoing(chat_id, "sendMessage", params, prompt_id=prompt_id))
    return messages


def variant_row(db: Database, session_id: int, prompt: Prompt) -> list[tuple[str, str]]:
    """Return the buttons «◀ 2/3 ▶» of a part with variants; empty if it is the only one."""
    return row_of(db.tree.variants(prompt, session_id), prompt.id)


def row_of(variants: Sequence[int], prompt_id: int) -> list[tuple[str, str]]:
    """Return the buttons «◀ 2/3 ▶» of one of these variants; empty if it is the only one."""
    if len(variants) < 2 or prompt_id not in variants:
        return []
    place = variants.index(prompt_id)
    return arrows(f"{place + 1}/{len(variants)}", place, [f"variant:{each}" for each in variants])


def end_rows(texts: Texts, session_id: int) -> list[list[tuple[str, str]]]:
    """Return the buttons of a finished story in a private chat, in rows."""
    return [
        [(texts.label("read"), f"read:{session_id}"), (texts.label("second_volume"), f"volume:{session_id}")],
        [(texts.label("epilogue"), f"epilogue:{session_id}"), (texts.label("cover"), f"cover:{session_id}")],
        [(texts.label("hero_talk"), f"hero:{session_id}")],
        [(texts.label("download"), f"files:{session_id}"), (texts.label("share"), f"share:{session_id}")],
    ]


def replaced(db: Database, chat_id: int, message_id: int, prompt: Prompt, keyboard: Json) -> list[Outgoing]:
    """Show `prompt` instead of another variant: in place, or anew if either takes several messages."""
    pieces = split(prompt.text)
    standing = db.outbox.messages_of(chat_id, db.outbox.shown(chat_id, message_id))
    if len(pieces) == 1 and standing in ([], [message_id]):
        params: dict[str, Json] = {"message_id": message_id, "text": pieces[0]}
        if keyboard is not None:
            params["reply_markup"] = keyboard
        db.outbox.show(chat_id, message_id, prompt.id)
        return [Outgoing(chat_id, "editMessageText", params, prompt_id=prompt.id)]
    gone = deleted(db, chat_id, standing or [message_id])
    return [*gone, *part(chat_id, prompt.id, prompt.text, keyboard)]


def taken_away(db: Database, chat_id: int, prompt: Prompt, line: str) -> list[Outgoing]:
    """Delete the messages of a prompt; those too old for that shrink to `line`."""
    ids = db.outbox.messages_of(chat_id, prompt.id)
    if time.time() - prompt.created_at < DELETABLE_S:
        return deleted(db, chat_id, ids)
    return [_shrink(chat_id, message_id, line) for message_id in ids]


def shrunk(db: Database, chat_id: int, prompt: Prompt, line: str) -> list[Outgoing]:
    """Shrink a part to `line`: its first message says it, the others are deleted. Users' own messages stay."""
    if prompt.role == "user":
        return []
    ids = db.outbox.messages_of(chat_id, prompt.id)
    return [
        *[_shrink(chat_id, message_id, line) for message_id in ids[:1]],
        *deleted(db, chat_id, ids[1:]),
    ]


def restored(db: Database, chat_id: int, session_id: int, prompt: Prompt) -> list[Outgoing]:
    """Show a part again that was shrunk, in its old message if it fits there. Users' own messages stayed."""
    if prompt.role == "user":
        return []
    ids = db.outbox.messages_of(chat_id, prompt.id)
    row = variant_row(db, session_id, prompt)
    keyboard = inline(row) if row else None
    if ids:
        return replaced(db, chat_id, ids[0], prompt, keyboard)
    return part(chat_id, prompt.id, prompt.text, keyboard)


def recalled(prompt: Prompt | None, limit: int = 200) -> str:
    """Return the end of a text, to be quoted in a line."""
    if prompt is None:
        return ""
    flat = " ".join(read_text(prompt).split())
    if len(flat) <= limit:
        return flat
    return f"…{flat[-limit:].partition(' ')[2]}"


def deleted(db: Database, chat_id: int, message_ids: Sequence[int]) -> list[Outgoing]:
    """Delete these messages, which show no prompt from now on."""
    for message_id in message_ids:
        db.outbox.hide(chat_id, message_id)
    return [Outgoing(chat_id, "deleteMessage", {"message_id": message_id}) for message_id in message_ids]


def _shrink(chat_id: int, message_id: int, line: str) -> Outgoing:
    return Outgoing(chat_id, "editMessageText", {"message_id": message_id, "text": line, "parse_mode": "HTML"})
