"""Messages that a client sends in pieces: a long paste, an album, a comment with what it forwards.

Pieces are one question. They come as updates of their own, one right after another; their rows of the inbox become
one row, whose message has the whole text. `handlers/pieces.py` reads that message, and takes up a piece that came
after its question was asked.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from conversation.localization import Locales
from core.text import MESSAGE_UNITS, utf16_length
from database import InboxRow
from telegram.attachments import holders
from telegram.updates import body_of

WAIT_S: Final = 0.5  # for the next piece, where one is likely
FORWARD_WAIT_S: Final = 0.1  # the answer to a comment before it may begin meanwhile
CUT_UNITS: Final = MESSAGE_UNITS // 2  # clients cut a long text in its second half: at a paragraph, a line, a word
APART_S: Final = 1  # between Telegram's dates, which are whole seconds, of two pieces
_SENDER: Final = ("chat", "from", "sender_chat")
_OF_LAST: Final = ("date", "forward_origin", "media_group_id")
_ENDS: Final = tuple(".!?…:;»”\"')")
_Message = dict[str, Any]


class Gathering:
    """Tells which updates are pieces of one question, and makes one update of them."""

    def __init__(self, locales: Locales) -> None:
        self._locales = locales

    def wait_s(self, row: InboxRow) -> float:
        """Return how many seconds after its arrival an update may wait for a next piece; 0 if none is likely."""
        body = row.body
        if row.queued or not (len(body) > CUT_UNITS // 2 or '"media_group_id"' in body or '"forward_origin"' in body):
            return 0.0
        message = _message(row.body)
        if message is None:
            return 0.0
        if "media_group_id" in _last(message) or _is_cut(message):
            return WAIT_S
        return FORWARD_WAIT_S if "forward_origin" in _last(message) else 0.0

    def joins(self, row: InboxRow, following: InboxRow) -> bool:
        """Return whether the second update is the next piece of the first."""
        message, piece = _message(row.body), _message(following.body)
        if message is None or piece is None or "via_bot" in piece or not _are_neighbours(message, piece):
            return False
        album = _last(message).get("media_group_id")
        if isinstance(album, str) and piece.get("media_group_id") == album:
            return True
        if "forward_origin" in piece:
            return bool(_words(piece) or any(holders(piece))) and (
                "forward_origin" in _last(message) or self._is_words(message)
            )
        return _is_cut(message) and self._is_words(piece) and "reply_to_message" not in piece

    def _is_words(self, message: _Message) -> bool:
        """Whether a message is neither a command nor a button."""
        text = message.get("text")
        return isinstance(text, str) and not text.startswith("/") and self._locales.key_of(text) is None


def gathered(rows: Sequence[InboxRow]) -> str:
    """Return the body of one update that has the pieces' texts; `gathered` in it says which message has which."""
    update = json.loads(rows[0].body)
    whole: _Message = update["message"]
    whole.pop("entities", None)
    for row in rows[1:]:
        _append(whole, _message(row.body) or {})
    return body_of(update)


def between(text: str, last_piece: str, *, forward: bool) -> str:
    """Return what stood between a text and its next piece: Telegram takes white space off the ends of a message."""
    if forward:
        return "\n\n"
    if utf16_length(last_piece) >= MESSAGE_UNITS:
        return ""  # cut where nothing better was found, or exactly there
    return "\n" if text.endswith(_ENDS) else " "


def _pieces(message: _Message) -> list[list[int]]:
    """Return the pieces of a message: number, start and length in its text. A message of one piece has itself."""
    return message.get("gathered") or [[message["message_id"], 0, len(_words(message))]]


def _append(whole: _Message, piece: _Message) -> None:
    text, more, pieces = _words(whole), _words(piece), _pieces(whole)
    apart = "forward_origin" in piece or "media_group_id" in piece
    gap = between(text, _last_piece(whole), forward=apart) if text and more else ""
    whole["gathered"] = [*pieces, [piece["message_id"], len(text) + len(gap), len(more)]]
    if more:
        whole["text" if "text" in whole else "caption"] = f"{text}{gap}{more}"
    if files := list(holders(piece)):
        whole["more_files"] = [*whole.get("more_files", ()), *files]
    whole["last_piece"] = {name: _last(piece)[name] for name in _OF_LAST if name in _last(piece)}


def _message(body: str) -> _Message | None:
    """Return a message that came from Telegram or is stored; None for other updates and for a broken one."""
    if not body:
        return None
    update = json.loads(body)
    message = update.get("message") if isinstance(update, dict) else None
    if not isinstance(message, dict) or not all(isinstance(message.get(name), int) for name in ("message_id", "date")):
        return None
    return message


def _are_neighbours(first: _Message, last: _Message) -> bool:
    same = all(_id(first.get(name)) == _id(last.get(name)) for name in _SENDER) and _id(first.get("from")) is not None
    topics = [message.get("is_topic_message") is True and message.get("message_thread_id") for message in (first, last)]
    return same and topics[0] == topics[1] and 0 <= last["date"] - _last(first)["date"] <= APART_S


def _last(message: _Message) -> _Message:
    """Return what a next piece must fit to: the last piece of a gathered message, or the message itself."""
    last: _Message = message.get("last_piece", message)
    return last


def _id(owner: object) -> object:
    return owner.get("id") if isinstance(owner, dict) else None


def _words(message: _Message) -> str:
    text = message.get("text", message.get("caption"))
    return text if isinstance(text, str) else ""


def _is_cut(message: _Message) -> bool:
    """Whether a client may have cut a longer text here."""
    return (
        isinstance(message.get("text"), str)
        and "forward_origin" not in _last(message)
        and _last_units(message) > CUT_UNITS
    )


def _last_piece(message: _Message) -> str:
    _, start, length = _pieces(message)[-1]
    return _words(message)[start : start + length]


def _last_units(message: _Message) -> int:
    return utf16_length(_last_piece(message))
