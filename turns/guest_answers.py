"""The one message that answers a guest query: posted at once, and changed into the answer when the turn ends.

Telegram takes one answer to a query, and only for a short time. What it posts is known by its inline id, which the
outbox stores when Telegram has it (`storage/guests.py`).
"""

from __future__ import annotations

import re
from typing import Final

from conversation.localization import Html
from core.graphemes import first_letters
from core.schemas import DeferredAttachment, Json, Outgoing, RenderedAttachment
from database import Database, UnshownCall

ATTACHMENT: Final = "guest"  # the kind of attachment rendered here
_REMARK: Final = re.compile(r"(?<![*\w])\*(?![*\s])[^*\n]+(?<!\s)\*(?![*\w])[.,!]?")
MOST_CHARS: Final = 1_500  # of an answer: it stands in somebody else's chat


def posted(chat_id: int, query_id: str, html: str, title: str) -> Outgoing:
    """Return the call that answers a query with Telegram HTML. Nobody sees the title."""
    content: Json = {"message_text": html, "parse_mode": "HTML"}
    result: Json = {"type": "article", "id": "answer", "title": title, "input_message_content": content}
    return Outgoing(chat_id, "answerGuestQuery", {"guest_query_id": query_id, "result": result})


def changed(chat_id: int, inbox_id: int | None, html: Html) -> Outgoing:
    """Return the change of the message that answers the query of an update."""
    attachment = DeferredAttachment(ATTACHMENT, inbox_id or 0)
    return Outgoing(chat_id, "editMessageText", {"text": html, "parse_mode": "HTML"}, deferred=attachment)


def ended(call: UnshownCall, html: Html) -> Outgoing:
    """Return the last change of the message that answers a call whose user is being forgotten."""
    if call.inline_id is None:  # that message may be on its way
        return changed(call.chat_id, call.inbox_id, html)
    params: dict[str, Json] = {"text": html, "parse_mode": "HTML", "inline_message_id": call.inline_id}
    return Outgoing(call.chat_id, "editMessageText", params)


def without_remarks(text: str) -> str:
    """Return an answer without *stage directions*, which plain text would run into the words."""
    said = _REMARK.sub(" ", text)
    return "\n".join(" ".join(line.split()) for line in said.strip().split("\n")) or text


def shortened(text: str, *, cut: bool) -> str:
    """Return an answer as it is shown: not too long, and with dots if it has no end."""
    shown = first_letters(text, MOST_CHARS)
    return f"{shown.rstrip()}…" if cut or shown != text else text


def number_of(db: Database, attachment: DeferredAttachment) -> RenderedAttachment | None:
    """Return which message answers a query; None if Telegram has refused it. Runs in a sender's thread."""
    inline_id = db.guests.answer_to(attachment.of)
    return RenderedAttachment({"inline_message_id": inline_id}) if inline_id is not None else None
