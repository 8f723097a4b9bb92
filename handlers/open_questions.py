"""A button that asks something, pressed again before there was time to answer, doesn't ask again.

What was asked is known as refusals are (`repeated_refusals.py`): of a chat's topic, until a restart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from handlers.context import UpdateContext, after_commit
from telegram.update_result import ForgetRefusals, NoteRefusal, UpdateResult

# Verbs of buttons that send a question, or a link that is the same until it is taken back.
_OF_A_STORY: Final = ("files", "picture", "voice", "cover", "share", "publish", "finale", "tone", "correct", "rename")
_OTHERS: Final = ("find", "role_own", "note", "new_card", "edit_card", "bring_more", "talk_file", "session_files")
VERBS: Final = frozenset((*_OF_A_STORY, *_OTHERS, "g_more", "g_tone"))
DOUBLE_PRESS_S: Final = 2.0
_ANYBODY: Final = 0  # in place of a user: a question to a group is one to all of its members


def ask_once(
    context: UpdateContext, what: str, ask: Callable[[], UpdateResult], *, within_s: float = DOUBLE_PRESS_S
) -> UpdateResult:
    """Return a question, or the pop-up that it is asked already."""
    where = context.chat_id, context.topic_id, _ANYBODY
    if not context.services.refusals.is_due(*where, what, every_s=within_s):
        return context.toast("toast.asked")
    asked = ask()
    return asked + after_commit(NoteRefusal(*where, what)) if asked.messages else asked


def closed(context: UpdateContext) -> UpdateResult:
    """Have the chat's questions asked again: one was answered."""
    return after_commit(ForgetRefusals(context.chat_id, context.topic_id, _ANYBODY))
