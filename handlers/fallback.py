"""What can't be done here: a button of another screen, an unknown command, a sticker. Each says what works now."""

from __future__ import annotations

from conversation.states import TALKING
from handlers.context import UpdateContext
from handlers.step_prompts import awaited

_KINDS = {
    "sticker": "sticker",
    "photo": "photo",
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


def wrong_state(context: UpdateContext) -> None:
    """A button that doesn't work in the user's step: says what that step waits for."""
    context.say_here("wrong.button", now=awaited(context))


def unknown_command(context: UpdateContext) -> None:
    """A command that the bot doesn't have, or not for this user: says what the step waits for."""
    context.say_here("wrong.command", now=awaited(context))


def other_content(context: UpdateContext) -> None:
    """A sticker, a picture, music, a file: what this step waits for instead."""
    context.say_here(f"wrong.{_KINDS.get(context.kind, 'other')}", now=awaited(context))


def empty(context: UpdateContext) -> None:
    """A message without words: says what the step waits for."""
    context.say_here("wrong.empty", now=awaited(context))


def edited(context: UpdateContext) -> None:
    """Words changed after they were sent, too late to count: says so, and what the step waits for."""
    context.say("wrong.edited_chat" if context.step in TALKING else "wrong.edited", now=awaited(context))
