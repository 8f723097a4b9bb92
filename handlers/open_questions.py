"""A button that asks something, pressed again before there was time to answer, doesn't ask again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from handlers.context import UpdateContext, after_commit
from telegram.update_result import ForgetSaid, NoteSaid, UpdateResult

# Verbs of buttons that send a question, or a link that is the same until it is taken back.
_OF_A_STORY: Final = ("files", "picture", "voice", "cover", "share", "publish", "finale", "tone", "correct", "rename")
_OTHERS: Final = ("find", "role_own", "note", "new_card", "edit_card", "bring_more", "talk_file")
VERBS: Final = frozenset((*_OF_A_STORY, *_OTHERS, "g_more", "g_tone"))
DOUBLE_PRESS_S: Final = 2.0
_ANYBODY: Final = 0  # in place of a user: a question to a group is one to all of its members


def ask_once(context: UpdateContext, what: str, ask: Callable[[], UpdateResult]) -> UpdateResult:
    """Return a question, or the pop-up that it was asked a moment ago; so also of a refusal to ask it."""
    if is_asked(context, what, within_s=DOUBLE_PRESS_S):
        return context.toast("toast.asked")
    asked = ask()
    return asked + note(context, what) if asked.messages else asked


def is_asked(context: UpdateContext, what: str, *, within_s: float) -> bool:
    """Return whether this was asked in the chat's topic within so many seconds, and not forgotten since."""
    return not context.services.recently_said.is_due(
        context.chat_id, context.topic_id, _ANYBODY, what, every_s=within_s
    )


def note(context: UpdateContext, what: str) -> UpdateResult:
    """Note that this is asked."""
    return after_commit(NoteSaid(context.chat_id, context.topic_id, _ANYBODY, what))


def forget_all(context: UpdateContext) -> UpdateResult:
    """Have every question of the chat's topic asked again when its button is pressed: one was answered."""
    return after_commit(ForgetSaid(context.chat_id, context.topic_id, _ANYBODY))
