"""What can't be done here: a button of another screen, an unknown command, a sticker. Each answer says what works."""

from __future__ import annotations

from conversation.steps import TALKING
from handlers.context import UpdateContext
from handlers.step_prompts import awaited
from telegram.update_result import UpdateResult

_KINDS = {
    "sticker": "sticker",
    "photo": "photo",
    "live_photo": "photo",
    "video": "video",
    "video_note": "video",
    "animation": "video",
    "audio": "audio",
    "document": "document",
    "location": "location",
    "venue": "location",
    "contact": "contact",
    "poll": "poll",
    "dice": "dice",
}


def wrong_state(context: UpdateContext) -> UpdateResult:
    """Answer a button that doesn't work at the user's step."""
    return context.say_here("wrong.button", now=awaited(context))


def unknown_command(context: UpdateContext) -> UpdateResult:
    """Answer a command that the bot doesn't have, or not for this user."""
    return context.say_here("wrong.command", now=awaited(context))


def other_content(context: UpdateContext) -> UpdateResult:
    """Answer a sticker, music, a file that can't be read here, or one that can't be read anywhere."""
    if reason := context.message.attachments.unread:
        return context.say_here("wrong.unread", reason=context.texts.say(f"unread.{reason}"), now=awaited(context))
    return context.say_here(f"wrong.{_KINDS.get(context.message.content_type, 'other')}", now=awaited(context))


def empty(context: UpdateContext) -> UpdateResult:
    """Answer a message without words."""
    return context.say_here("wrong.empty", now=awaited(context))


def edited(context: UpdateContext) -> UpdateResult:
    """Answer an edit that comes too late to count."""
    return context.say("wrong.edited_chat" if context.step in TALKING else "wrong.edited", now=awaited(context))
