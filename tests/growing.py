"""What a user does with an answer that is being written, however it is shown: see it, stop it, delete it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox.telegram_state import ChatMessage
from sandbox.users import ChatUser

STOP = "⏹ Стоп"
MODES = ("draft", "edit", "off")
each_mode = pytest.mark.parametrize("mode", MODES)
each_shown = pytest.mark.parametrize("mode", MODES[:2])


def growing_message(person: ChatUser, text: str = "", timeout: float = 10) -> ChatMessage:
    """Return the message with a stop button, once it shows this text."""

    def found() -> ChatMessage | None:
        shown = [one for one in person.bot_messages if STOP in one.labels and text in one.text]
        return shown[-1] if shown else None

    return person.until(found, timeout, f"a growing message with {text!r}")


def wait_growing(person: ChatUser, text: str, mode: str) -> None:
    """Wait until the answer so far is shown, by a draft or by edits."""
    if mode == "edit":
        growing_message(person, text)
    else:
        person.wait_draft(text)


def stop_growing(person: ChatUser, mode: str) -> None:
    """Press the stop button of the answer that grows."""
    if mode == "edit":
        person.tap(STOP, growing_message(person))
    else:
        person.stop_draft()


def delete(person: ChatUser, message: ChatMessage) -> None:
    """Delete a message of the bot, as its reader may."""
    with person.state.lock:
        person.state.put_message(person.chat, replace(person.chat.messages[message.id], deleted=True), "delete")
