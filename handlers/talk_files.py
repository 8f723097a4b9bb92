"""A talk with the assistant or a character as a file."""

from __future__ import annotations

from functools import partial

from conversation.keyboards import inline
from database import Talk
from export import talk_record
from export.talk_formats import FORMATS
from handlers.assistant import own_talk
from handlers.context import UpdateContext
from telegram.update_result import UpdateResult

_NAMES = {"md": "Markdown", "html": "HTML"}


def ask_format(context: UpdateContext, session_id: int) -> UpdateResult:
    """«📄 Разговор файлом»: ask which kind of file."""
    talk = _own(context, session_id)
    if isinstance(talk, UpdateResult):
        return talk
    buttons = [(_NAMES[name], f"talk_{name}:{session_id}") for name in FORMATS]
    return context.say("talk_file.ask", keyboard=inline(buttons))


def send(context: UpdateContext, session_id: int, *, name: str) -> UpdateResult:
    """Send the talk as a document of the format `name`."""
    talk = _own(context, session_id)
    if isinstance(talk, UpdateResult):
        return talk
    return context.deliver(talk_record.document(talk, name, context.texts.language))


def _own(context: UpdateContext, session_id: int) -> Talk | UpdateResult:
    """Return a talk of the user's own that something was said in; else what to say about it."""
    talk = own_talk(context, session_id)
    if isinstance(talk, UpdateResult):
        return talk
    return talk if talk.head_id is not None else context.toast("toast.nothing_said")


SENDERS = {f"talk_{name}": partial(send, name=name) for name in FORMATS}
