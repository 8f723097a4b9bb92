"""What characters remember of chats into which they were called: shown and deleted in private."""

from __future__ import annotations

from conversation.keyboards import inline
from core.text import shorten
from handlers.context import UpdateContext
from telegram.bot_profile import GUEST_QUERIES
from telegram.update_result import UpdateResult

MOST = 10
OPENING_CHARS = 28


def button(context: UpdateContext) -> list[tuple[str, str]]:
    """Return the button that shows these memories, as a row; empty if there are none."""
    has_any = context.db.guests.talks_of(context.user.id, 1)
    return [context.button("guest_memories", f"guests:{context.user.id}")] if has_any else []


def hint(context: UpdateContext, name: str) -> str:
    """Return how to call a character into another chat, in Telegram HTML; empty if the bot can't be called."""
    if context.config.guests == "off" or not context.db.settings.get(GUEST_QUERIES):
        return ""
    return context.texts.say("guest.hint", bot=context.services.username, name=name)


def show(context: UpdateContext, number: int) -> UpdateResult:
    """Show a button for each chat that deletes the memory of it."""
    found = context.db.guests.talks_of(context.user.id, MOST)
    if not found:
        return context.edit("guest.no_memories")
    rows = []
    for one in found:
        opening = shorten(" ".join(one.opening.split()), OPENING_CHARS)
        label = context.texts.label("guest_forget", name=one.character or "…", opening=opening)
        rows.append([(label, f"guest_forget:{one.session_id}")])
    return context.edit("guest.memories", keyboard=inline(*rows))


def forget(context: UpdateContext, session_id: int) -> UpdateResult:
    """Delete the memory of one chat, if the user has said something there."""
    db = context.db
    known = {one.session_id for one in db.guests.talks_of(context.user.id, MOST)}
    if session_id not in known:
        return context.toast("toast.past")
    if context.turns.writes_in(session_id):
        return context.toast("toast.writing")
    db.talks.forget(session_id)
    return show(context, 0) + context.toast("toast.saved")
