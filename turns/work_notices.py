"""Messages that say what is under way («🎨 Рисую…»): they are deleted when it is over, however it ends.

A menu is one too: nothing ends it but the next one (`left`).

Such a message belongs to the update that it answers. The outbox marks it; the table `notice` has its number as soon as
Telegram has it. It is deleted in the transaction that ends the update's turn, or its wait for another turn.
"""

from __future__ import annotations

from typing import Final

from core.schemas import DeferredAttachment, Outgoing, RenderedAttachment
from database import Database

NOTICE: Final = "notice"  # the kind of attachment rendered here


def deletion(db: Database, chat_id: int, inbox_id: int | None) -> list[Outgoing]:
    """Return the deletion of an update's notice, sent or on its way; nothing if it has none."""
    if inbox_id is None or not db.outbox.has_notice(inbox_id):
        return []
    message_id = db.outbox.take_notice(inbox_id)
    if message_id is not None:
        return [Outgoing(chat_id, "deleteMessage", {"message_id": message_id})]
    # It is on its way: its number is known when this deletion has its turn in the chat.
    return [Outgoing(chat_id, "deleteMessage", {}, deferred=DeferredAttachment(NOTICE, inbox_id))]


def left(db: Database, chat_id: int, topic_id: int) -> list[Outgoing]:
    """Return the deletion of the menu that was sent last, if the chat's topic still has it."""
    menus = db.outbox.notices_left(chat_id, topic_id)
    return [message for inbox_id in menus for message in deletion(db, chat_id, inbox_id)]


def number_of(db: Database, attachment: DeferredAttachment) -> RenderedAttachment | None:
    """Return which message is to be deleted; None if the notice was never sent. Runs in a sender's thread."""
    message_id = db.outbox.notice(attachment.of)
    return RenderedAttachment({"message_id": message_id}) if message_id is not None else None
