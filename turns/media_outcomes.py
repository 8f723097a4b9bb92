"""How the turns end that belong to no session: a voice message that is heard, and a picture of one's own words.

Runs inside the transaction that ends the turn, as all of `outcomes` does; a limit's sentence is said there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ai.speech import NO_SUCH_SERVICE
from conversation.keyboards import inline
from conversation.localization import Html, Texts
from core.errors import ModelError, ModelRefused, PromptTooLong
from core.schemas import Json, Outgoing
from core.text import shorten, split
from database import Database, Turn
from turns.message_view import as_reply, sentence

MOST_S = 20 * 60  # of a recording
CAPTION_CHARS = 200
_HEARD_UNITS = 4000  # of one message, beside its sign


def made(db: Database, texts: Texts, turn: Turn, files: Sequence[bytes]) -> list[Outgoing]:
    """The recognised words, which their update has become, or the picture."""
    if turn.kind == "hearing":
        words = files[0].decode()
        said = [_said(turn, texts.say("hearing.heard", words=piece)) for piece in split(words, _HEARD_UNITS)]
        _words_instead(db, turn, words)
        return said
    db.turns.take_hint(turn.id)
    caption = texts.plain("image.caption", words=shorten(turn.hint, CAPTION_CHARS))
    kind = "png" if files[0].startswith(b"\x89PNG") else "jpg"
    return [Outgoing(turn.chat_id, "sendPhoto", {"caption": caption}, {"photo": (f"picture.{kind}", files[0])})]


def stopped(db: Database, texts: Texts, turn: Turn) -> list[Outgoing]:
    """Stopped by the user: nothing came of it, and nothing is kept."""
    db.turns.take_hint(turn.id)
    return [_said(turn, texts.say("hearing.stopped" if turn.kind == "hearing" else "image.stopped"))]


def failed(db: Database, texts: Texts, turn: Turn, error: Exception) -> list[Outgoing]:
    """What went wrong, and what to do now."""
    again: Json = None
    if turn.kind == "image":
        key = "image.refused" if isinstance(error, ModelRefused) else "image.away"
    elif isinstance(error, PromptTooLong):
        key = "hearing.too_long"
    elif isinstance(error, ModelRefused):
        key = "hearing.silence"
    elif isinstance(error, ModelError) and error.status in NO_SUCH_SERVICE:
        key = "hearing.nobody"
    else:
        key = "hearing.away"
    if key in ("image.away", "hearing.away"):
        again = inline([(texts.label("retry"), f"retry:{turn.id}")])
    else:
        db.turns.take_hint(turn.id)
    return [_said(turn, texts.say(key, minutes=MOST_S // 60), again)]


def _words_instead(db: Database, turn: Turn, words: str) -> None:
    """The update that held the voice message is these words from now on. In the transaction that ends the turn."""
    assert turn.inbox_id is not None  # a hearing is asked for by an update
    message: dict[str, Any] = json.loads(turn.hint)
    typed = {name: value for name, value in message.items() if name not in ("voice", "caption", "caption_entities")}
    body = json.dumps({"update_id": 0, "message": typed | {"text": words}}, ensure_ascii=False, separators=(",", ":"))
    db.turns.release(turn.id)
    db.inbox.become_words(turn.inbox_id, body)


def _said(turn: Turn, html: Html, keyboard: Json = None) -> Outgoing:
    """A sentence; in a group it replies to the message that asked."""
    return as_reply(sentence(turn.chat_id, html, keyboard), turn.reply_to)
