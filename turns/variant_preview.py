"""A variant of an older part as its message shows it: the text, and below it what may be done with it."""

from __future__ import annotations

import html
from dataclasses import replace

from conversation.localization import Html
from core.schemas import Json, Outgoing
from core.text import MESSAGE_UNITS, plain_text, split, utf16_length
from database import Database, Prompt
from turns import message_view


def preview(
    db: Database, chat_id: int, message_id: int, prompt: Prompt, question: Html, keyboard: Json, *, in_place: bool
) -> list[Outgoing]:
    """Show a variant and a question about it, in its part's message if both fit there.

    Else they become new messages at the end of the chat. The part's own messages then stay (`in_place` is false: they
    show the part itself), and those of another preview are deleted.
    """
    quoted = f"{html.escape(prompt.text, quote=False)}\n\n<blockquote>{question}</blockquote>"
    standing = db.outbox.messages_of(chat_id, db.outbox.shown(chat_id, message_id))
    fits = utf16_length(prompt.text) + utf16_length(plain_text(question)) + 2 <= MESSAGE_UNITS
    if fits and standing in ([], [message_id]):
        db.outbox.show(chat_id, message_id, prompt.id)
        params: dict[str, Json] = {"message_id": message_id, "text": quoted, "parse_mode": "HTML"}
        edit = Outgoing(chat_id, "editMessageText", {**params, "reply_markup": keyboard}, prompt_id=prompt.id)
        return [edit]
    gone = [] if in_place else message_view.deleted(db, chat_id, standing or [message_id])
    shown = [Outgoing(chat_id, "sendMessage", {"text": piece}, prompt_id=prompt.id) for piece in split(prompt.text)]
    asked = message_view.sentence(chat_id, question, keyboard)
    return [*gone, *shown, replace(asked, prompt_id=prompt.id)]


def without_question(db: Database, chat_id: int, message_id: int, part: Prompt, keyboard: Json) -> list[Outgoing]:
    """Show the part of the story itself again, in place of a preview or of the question about it."""
    shown = db.outbox.shown(chat_id, message_id)
    if shown != part.id and db.outbox.messages_of(chat_id, part.id):  # the part stands elsewhere
        return message_view.deleted(db, chat_id, db.outbox.messages_of(chat_id, shown) or [message_id])
    return message_view.replaced(db, chat_id, message_id, part, keyboard)
