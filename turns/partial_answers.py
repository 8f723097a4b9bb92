"""Answers that are shown in a message while they are written, by edits.

`STREAMING=edit` has it in every chat; otherwise private chats have drafts or nothing (`turns/generation.py`), and
groups, which have no drafts, have this. With `off` a group's message has no text of the answer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from config import Config
from conversation.keyboards import inline
from conversation.localization import Locales, Texts
from core.guest_chats import is_guest_chat
from core.schemas import DeferredAttachment, Json, Outgoing, RenderedAttachment
from core.text import MESSAGE_UNITS, utf16_length
from database import Database, Turn
from telegram.send_growing import GROWING
from telegram.sender import Delivery
from turns.running_turn import RunningTurn, RunningTurns

FIRST_CHARS: Final = 60  # of an answer that is shown at once
FIRST_AFTER_S: Final = 1.0  # after which a shorter one is shown too
GROUP_AFTER_S: Final = 0.7  # a quick answer in a group needs no message that it is being written


class PartialAnswers:
    """Shows growing answers. Nothing here is done for each chunk of an answer."""

    def __init__(
        self, *, config: Config, db: Database, locales: Locales, delivery: Delivery, running_turns: RunningTurns
    ) -> None:
        self._mode = config.streaming
        self._db = db
        self._locales = locales
        self._delivery = delivery
        self._running_turns = running_turns

    def show(self) -> None:
        """Announce the answers that have grown; to be called a few times a second."""
        for running in self._running_turns.all():
            if self._has_news(running):
                turn = running.turn
                content = running.partial or self._content_of(running)
                with running.lock:
                    if not running.ended:
                        running.partial = content
                        self._delivery.grow(turn.chat_id, turn.id, content, partial(self._keep, turn))

    def _has_news(self, running: RunningTurn) -> bool:
        """Return whether there is text to announce. Takes as long for a long answer as for a short one."""
        in_group = running.turn.reply_to is not None
        if is_guest_chat(running.turn.chat_id) or (not in_group and self._mode != "edit"):
            return False
        text = running.call.text if running.call is not None and self._mode != "off" else ""
        if text == running.announced:
            return False
        if in_group:
            is_due = running.seconds >= GROUP_AFTER_S
        else:
            first_at = running.first_text_at
            waited = first_at is not None and time.monotonic() - first_at >= FIRST_AFTER_S
            is_due = text != "" and (len(text) >= FIRST_CHARS or waited)
        if is_due:
            running.announced = text
        return is_due

    def _content_of(self, running: RunningTurn) -> _Content:
        return _Content(running, self._locales[self._db.users.language_of(running.turn.user_id)], self._mode)

    def _keep(self, turn: Turn, message_id: int | None) -> None:
        """Store the message's id, for the answer to take its place and for the next start to delete it."""
        self._db.growing.set(turn.id, turn.chat_id, message_id)


class _Content:
    """Makes the message of a growing answer, in a sender's thread."""

    def __init__(self, running: RunningTurn, texts: Texts, mode: str) -> None:
        self._running = running
        self._line = texts.plain(running.kind.wait_line) if running.turn.reply_to is not None else ""
        self._stop: Json = inline([(texts.label("stop"), f"stop:{running.turn.id}")])
        self._with_text = mode != "off"

    def __call__(self) -> Mapping[str, Json] | None:
        running = self._running
        if running.ended:
            return None
        shown = dict(running.partial_text(MESSAGE_UNITS - utf16_length(self._line) - 2)) if self._with_text else {}
        if self._line:
            shown["text"] = f"{shown['text']}\n\n{self._line}" if shown else self._line
        if not shown:
            return {}
        shown["reply_markup"] = self._stop
        if running.turn.topic_id:
            shown["message_thread_id"] = running.turn.topic_id
        if running.turn.reply_to is not None:
            shown["reply_parameters"] = {"message_id": running.turn.reply_to, "allow_sending_without_reply": True}
        return shown


def completed(turn: Turn, messages: list[Outgoing]) -> list[Outgoing]:
    """Let the answer take the place of the growing message; delete that if there is none, or if something precedes it.

    An answer's messages have no reply keyboard: an edit can't bring one.
    """
    attachment = DeferredAttachment(GROWING, turn.id)
    for place, message in enumerate(messages):
        if message.method == "sendMessage":
            if message.prompt_id is None:
                break
            return [*messages[:place], replace(message, deferred=attachment), *messages[place + 1 :]]
    return [Outgoing(turn.chat_id, "deleteMessage", {}, deferred=attachment), *messages]


def number_of(db: Database, attachment: DeferredAttachment) -> RenderedAttachment | None:
    """Return which message a turn's answer has grown in; None if none was sent. Runs in a sender's thread."""
    message_id = db.growing.message_of(attachment.of)
    return RenderedAttachment({"message_id": message_id}) if message_id is not None else None
