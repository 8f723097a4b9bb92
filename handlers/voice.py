"""Voice messages: a turn makes words of each, and what comes after one waits for its words.

The words come back as an update of their own, in the voice message's place (`storytelling.hearing`), and are taken as
typed: nothing here knows what they will mean. A voice message that comes while a turn runs waits as words do.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from conversation.states import TABLE, WORDS, decide
from database import Turn
from handlers import media
from handlers import story as story_screen
from handlers.context import UpdateContext
from turns.media_outcomes import MOST_S
from turns.transcription import MOST_BYTES, hearing_price


def hear(context: UpdateContext, message: dict[str, Any]) -> None:
    """A voice message, as Telegram's JSON: it is to become words."""
    voice = message["voice"]
    seconds, size = _whole(voice.get("duration")), _whole(voice.get("file_size"))
    if seconds > MOST_S or size > MOST_BYTES:
        context.say("hearing.too_long", minutes=MOST_S // 60)
    elif context.writing:
        wait(context)
    elif media.affordable(context, "hearing", hearing_price(context.services.config, seconds)):
        context.ask("hearing", None, None, hint=json.dumps(message, ensure_ascii=False, separators=(",", ":")))
        context.result.verdict = "hear"


def stops(context: UpdateContext) -> bool:
    """Whether «стоп» or /cancel is about a voice message that is being recognised."""
    turn = (
        context.services.turns.open_in(context.chat_id)
        if context.key in ("stop", "/cancel") and context.writing
        else None
    )
    return _hears(turn)


def waits(context: UpdateContext, overtaking: Collection[str]) -> bool:
    """Whether a message waits for the words of a voice message before it. `overtaking`: actions that don't."""
    if not context.result.blocked or decide(context.step, context.key, writing=True).action in overtaking:
        return False
    turn = context.services.turns.open_in(context.chat_id)
    # Where words ask the model, all waits its turn or is refused anyway while it writes.
    return turn is None or _hears(turn) or not _asks(context)


def wait(context: UpdateContext) -> None:
    """Waits in order: said where the model writes, without a word where a voice message is being recognised."""
    result = context.result
    turn = context.services.turns.open_in(context.chat_id)
    if turn is not None and not _hears(turn) and _asks(context):
        story_screen.queue_words(context)
    elif context.services.db.inbox.waiting_before(result.inbox_id, context.chat_id) >= story_screen.MOST_QUEUED:
        context.say("story.busy_full", n=story_screen.MOST_QUEUED)
    else:
        result.verdict = "queue"
    result.blocks = context.kind == "voice" and result.verdict == "queue"


def _hears(turn: Turn | None) -> bool:
    return turn is not None and turn.kind == "hearing"


def _asks(context: UpdateContext) -> bool:
    """Whether words ask the model where the user is."""
    return TABLE[context.step][WORDS].writes


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
