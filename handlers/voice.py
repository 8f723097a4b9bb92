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
from turns.kinds.transcription import MOST_S, hearing_price
from turns.recordings import MOST_BYTES


def hear(visit: UpdateContext, message: dict[str, Any]) -> None:
    """A voice message, as Telegram's JSON: it is to become words."""
    voice = message["voice"]
    seconds, size = _whole(voice.get("duration")), _whole(voice.get("file_size"))
    if seconds > MOST_S or size > MOST_BYTES:
        visit.say("hearing.too_long", minutes=MOST_S // 60)
    elif visit.writing:
        wait(visit)
    elif media.affordable(visit, "hearing", hearing_price(visit.desk.config, seconds)):
        visit.ask("hearing", None, None, hint=json.dumps(message, ensure_ascii=False, separators=(",", ":")))
        visit.envelope.verdict = "hear"


def stops(visit: UpdateContext) -> bool:
    """Whether «стоп» or /cancel is about a voice message that is being recognised."""
    turn = visit.desk.turns.open_in(visit.chat_id) if visit.key in ("stop", "/cancel") and visit.writing else None
    return _hears(visit, turn)


def waits(visit: UpdateContext, overtaking: Collection[str]) -> bool:
    """Whether a message waits for the words of a voice message before it. `overtaking`: actions that don't."""
    if not visit.envelope.blocked or decide(visit.step, visit.key, writing=True).action in overtaking:
        return False
    turn = visit.desk.turns.open_in(visit.chat_id)
    # Where words ask the model, all waits its turn or is refused anyway while it writes.
    return turn is None or _hears(visit, turn) or not _asks(visit)


def wait(visit: UpdateContext) -> None:
    """Waits in order: said where the model writes, without a word where a voice message is being recognised."""
    envelope = visit.envelope
    turn = visit.desk.turns.open_in(visit.chat_id)
    if turn is not None and not _hears(visit, turn) and _asks(visit):
        story_screen.queue_words(visit)
    elif visit.desk.db.inbox.waiting_before(envelope.inbox_id, visit.chat_id) >= story_screen.MOST_QUEUED:
        visit.say("story.busy_full", n=story_screen.MOST_QUEUED)
    else:
        envelope.verdict = "queue"
    envelope.blocks = visit.kind == "voice" and envelope.verdict == "queue"


def _hears(visit: UpdateContext, turn: Turn | None) -> bool:
    return turn is not None and visit.desk.kinds[turn.kind].keeps_update


def _asks(visit: UpdateContext) -> bool:
    """Whether words ask the model where the user is."""
    return TABLE[visit.step][WORDS].writes


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
