"""A message of Telegram, as far as handlers need it."""

from __future__ import annotations

from dataclasses import dataclass

from telebot import types

from core.sent_files import SentFile
from handlers.input_text import readable
from telegram.attachments import NO_FILES, Attachments, attachments_of
from telegram.update_fields import SPOKEN


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that the user's message replies to; `message_id` is 0 if it is in another chat.

    `marked`: this is a piece of it, which the user chose.
    """

    message_id: int
    text: str
    marked: bool = False
    files: tuple[SentFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A message that is a piece of a longer text, and where its words stand there."""

    message_id: int
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class UserMessage:
    """What the user sent, or the bot's message whose button they pressed.

    `key` names what `words` mean: a label, a command, or "words". In a group the answer replies to `reply_to`.
    """

    chat_id: int
    id: int
    words: str = ""
    key: str = ""
    content_type: str = "text"
    quote: Quote | None = None
    reply_to: int | None = None
    pieces: tuple[Piece, ...] = ()  # of a text that was sent in several messages, else empty
    attachments: Attachments = NO_FILES
    spoken: bool = False  # the words of a voice message
    sent_at: int = 0  # by Telegram's clock; 0 for a button


def user_message(message: types.Message, words: str, reply_to: int | None = None) -> UserMessage:
    """Return a message of Telegram as what its user sent; its key depends on their step."""
    quote = None
    if (replied := message.reply_to_message) is not None:
        marked = message.quote.text if message.quote is not None and message.quote.is_manual else ""
        files = attachments_of(message.json.get("reply_to_message", {})).files
        quote = Quote(replied.message_id, marked or replied.text or replied.caption or "", bool(marked), files)
    elif message.quote is not None:  # Telegram shows no more of a message in another chat
        quote = Quote(0, message.quote.text, marked=True)
    return UserMessage(
        message.chat.id,
        message.message_id,
        words,
        content_type=message.content_type,
        quote=quote,
        reply_to=reply_to,
        pieces=_pieces(message, words),
        attachments=attachments_of(message.json),
        spoken=SPOKEN in message.json,
        sent_at=message.date,
    )


def words_of(message: types.Message) -> str:
    """Return what can be read of a message's text, or of what stands under its picture or document."""
    captioned = bool(message.json.keys() & {"photo", "document"})
    return readable(message.text or (message.caption if captioned else None))


def _pieces(message: types.Message, words: str) -> tuple[Piece, ...]:
    """Return the pieces of a gathered message (`telegram/gathering.py`), as they stand in what was read of it."""
    text, pieces, end = message.text or message.caption or "", [], 0
    for message_id, start, length in message.json.get("gathered", ()):
        piece = readable(text[start : start + length])
        found = max(end, words.find(piece, end))  # a group's message is without the bot's name
        end = min(len(words), found + len(piece))
        pieces.append(Piece(message_id, found, end - found))
    return tuple(pieces)
