"""Messages that were sent in pieces: a piece that comes after its question was asked, and an edit of one piece.

Pieces that come in time are one message already (`telegram/gathering.py`).
"""

from __future__ import annotations

from dataclasses import replace

from telebot import types

from conversation.steps import WORDS
from core.text import utf16_length
from database import Prompt, Turn
from handlers.context import Services, UpdateContext, now
from handlers.input_text import readable
from handlers.user_message import Piece, Quote
from telegram.gathering import CUT_UNITS, between
from telegram.update_result import IncomingUpdate, ReleaseTurn, UpdateResult

LATE_S = 1  # after its question, in whole seconds, a piece still belongs to it


def is_late(services: Services, incoming: IncomingUpdate, message: types.Message) -> bool:
    """Whether a message may be a piece of the question that is being answered to its sender."""
    sender, turn = message.from_user, services.turns.open_in(message.chat.id, incoming.topic_id)
    if sender is None or turn is None or turn.user_id != sender.id:
        return False
    return _question(services, turn) is not None and (message.forward_origin is not None or bool(message.text))


def take_up(context: UpdateContext, message: types.Message) -> tuple[UpdateContext, UpdateResult] | None:
    """Take back the question that a message is a late piece of; return the whole question as a context.

    None if it is no piece, or the answer has begun. One question is asked and paid, however its pieces come.
    """
    words = readable(message.text or message.caption)
    turn = context.turns.open_in(context.chat_id, context.topic_id) if context.writing else None
    if not words or turn is None or turn.user_id != context.user.id or context.update.behind:
        return None
    question = _question(context.services, turn)
    if question is None:
        return None
    pieces = context.db.outbox.pieces_of(context.chat_id, question.id)
    start, length = pieces[-1][1:] if pieces else (0, len(question.text))
    last = question.text[start : start + length]
    forward = message.forward_origin is not None
    if not forward and (utf16_length(last) <= CUT_UNITS or message.reply_to_message is not None):
        return None
    gone = context.turns.take_back(turn)
    if gone is None:
        return None
    text = f"{question.text}{between(question.text, last, forward=forward)}{words}"
    if not pieces:
        [first_id] = context.db.outbox.messages_of(context.chat_id, question.id)[:1] or [context.message_id]
        pieces = [(first_id, 0, len(question.text))]
    before = len(text) - len(words)
    more = context.message.pieces or (Piece(context.message_id, 0, len(words)),)
    sent = (
        *(Piece(*piece) for piece in pieces),
        *(replace(piece, start=before + piece.start) for piece in more),
    )
    quote = Quote(0, question.quoted, marked=True) if question.quoted else None
    attachments = replace(context.message.attachments, files=(*question.files, *context.message.attachments.files))
    whole = replace(
        context.message,
        words=text,
        pieces=sent,
        quote=quote,
        reply_to=turn.reply_to,
        key=WORDS,
        attachments=attachments,
    )
    return replace(context, message=whole, writing=False), UpdateResult(tuple(gone), effects=(ReleaseTurn(turn),))


def _question(services: Services, turn: Turn) -> Prompt | None:
    """Return the words that a turn answers, if its user has just said them."""
    prompt = services.db.tree.get(turn.prompt_id)
    if prompt is None or prompt.role != "user" or prompt.user_id != turn.user_id or turn.variant:
        return None
    return prompt if now() - prompt.created_at <= LATE_S else None


def with_the_rest(context: UpdateContext, prompt_id: int) -> UpdateContext:
    """Return an edited piece together with the other pieces of its text; the context itself for a whole text."""
    prompt = context.db.tree.get(prompt_id)
    pieces = [Piece(*piece) for piece in context.db.outbox.pieces_of(context.chat_id, prompt_id)]
    edited = next((piece for piece in pieces if piece.message_id == context.message_id), None)
    if prompt is None or edited is None:
        return context
    end = edited.start + edited.length
    words = f"{prompt.text[: edited.start]}{context.words}{prompt.text[end:]}"
    longer = len(context.words) - edited.length
    moved = [
        replace(edited, length=len(context.words))
        if piece is edited
        else replace(piece, start=piece.start + (longer if piece.start >= end else 0))
        for piece in pieces
    ]
    return replace(context, message=replace(context.message, words=words, pieces=tuple(moved)))
