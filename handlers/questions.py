"""Questions that need one answer, after which the user is back where they were: a name, a memory, a tone, …

The step to go back to and the session that the question is about are stored in the user's row.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from conversation.steps import ANSWERS, Step
from core.text import MESSAGE_UNITS, plain_text, split, utf16_length
from database import Story
from handlers.context import UpdateContext, join
from handlers.step_prompts import announce
from handlers.story import lost
from telegram.update_result import UpdateResult


def ask(
    context: UpdateContext,
    step: Step,
    session_id: int | None,
    key: str,
    *,
    card_id: int | None = None,
    under: int | None = None,
    **values: object,
) -> UpdateResult:
    """Ask one of `ANSWERS` about a session, with the sentence `key`. `under`: the message that the answer changes."""
    came_from = context.user.came_from if context.step in ANSWERS else context.step
    context.db.users.ask(context.user.id, came_from, session_id, card_id=card_id, asked_under=under)
    context.reload()
    context.go(step)
    if utf16_length(plain_text(context.texts.say(key, **values))) <= MESSAGE_UNITS:
        return context.say_here(key, **values)
    # The values don't fit into one message with the question.
    pieces = [context.send_plain(piece) for value in values.values() for piece in split(str(value))]
    return join(pieces) + announce(context)


def go_back(context: UpdateContext) -> None:
    """Move the user to where they were before the question.

    The story there may have been deleted meanwhile, or have got its ending.
    """
    step, story = context.user.came_from, context.story
    if step in (Step.STORY, Step.FINALE, Step.FINISHED):
        step = Step.MENU if story is None else Step.FINISHED if story.finished else step
    context.go(step)


def leave(context: UpdateContext) -> UpdateResult:
    """«✖️ Отмена»: go back, with the line and keyboard of that step."""
    go_back(context)
    return announce(context)


def asked_about(context: UpdateContext) -> Story | None:
    """Return the story that the question is about; None if it is gone or somebody else's."""
    about = context.user.asks_about
    return context.db.stories.own(context.user.id, about)


def about_story(
    answer: Callable[[UpdateContext, Story], UpdateResult],
) -> Callable[[UpdateContext], UpdateResult]:
    """Decorate what takes an answer about a story: if the story is gone, the user goes back to the menu."""

    @wraps(answer)
    def checked(context: UpdateContext) -> UpdateResult:
        story = asked_about(context)
        return answer(context, story) if story is not None else lost(context)

    return checked
