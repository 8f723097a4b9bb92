"""Voice messages: a turn replaces each by its words, and what comes after one waits for its words.

The words come back as an update of their own, in the voice message's place (`turns/kinds/transcription.py`), and are
handled as typed. A voice message that comes while a turn runs waits as words do.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from conversation.states import TABLE, decide
from conversation.steps import WORDS
from core.sent_files import MOST_BYTES
from database import Turn
from handlers import story as story_screen
from handlers.context import UpdateContext
from handlers.refusals import over_limit
from telegram.update_result import Queued, RecognitionStarted, UpdateResult
from turns.kinds.transcription import MOST_S, hearing_price


def hear(context: UpdateContext, message: dict[str, Any]) -> UpdateResult:
    """Start the recognition of a voice message, given as Telegram's JSON."""
    voice = message["voice"]
    seconds, size = _whole(voice.get("duration")), _whole(voice.get("file_size"))
    if seconds > MOST_S or size > MOST_BYTES:
        return context.say("hearing.too_long", minutes=MOST_S // 60)
    if context.writing:
        return wait(context)
    if refusal := over_limit(context, "hearing", None, hearing_price(context.config, seconds)):
        return refusal
    hint = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    return context.start_turn("hearing", None, None, hint=hint, disposition=RecognitionStarted())


def stops(context: UpdateContext) -> bool:
    """Whether «стоп» or /cancel is about a voice message that is being recognised."""
    if context.key not in ("stop", "/cancel") or not context.writing:
        return False
    return _hears(context, context.turns.open_in(context.chat_id, context.topic_id))


def waits(context: UpdateContext, overtaking: Collection[str]) -> bool:
    """Whether a message waits for the words of a voice message before it. `overtaking`: actions that don't."""
    if not context.update.blocked or decide(context.step, context.key, writing=True).action in overtaking:
        return False
    turn = context.turns.open_in(context.chat_id, context.topic_id)
    # Where words ask the model, everything waits its turn or is refused anyway while it writes.
    return turn is None or _hears(context, turn) or not _asks(context)


def wait(context: UpdateContext) -> UpdateResult:
    """Queue a message: with a notice if the model writes, silently if a voice message is being recognised."""
    update, db = context.update, context.db
    turn = context.turns.open_in(context.chat_id, context.topic_id)
    if turn is not None and not _hears(context, turn) and _asks(context):
        result = story_screen.queue_words(context)
    elif db.inbox.waiting_before(update.inbox_id, context.chat_id, context.topic_id) >= story_screen.MOST_QUEUED:
        return context.say_once_a_minute("story.busy_full", n=story_screen.MOST_QUEUED)
    else:
        result = context.queue(update.queued_for)
    if context.message.content_type == "voice" and isinstance(result.disposition, Queued):
        return replace(result, disposition=replace(result.disposition, blocks=True))
    return result


def _hears(context: UpdateContext, turn: Turn | None) -> bool:
    return turn is not None and context.kinds[turn.kind].keeps_update


def _asks(context: UpdateContext) -> bool:
    """Whether words ask the model where the user is."""
    return TABLE[context.step][WORDS].writes


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
