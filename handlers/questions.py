"""Questions that need one answer, after which the user is back where they were: a name, a memory, a tone, …

The step to go back to and the session that the question is about stand in the user's row.
"""

from __future__ import annotations

from conversation.states import ANSWERS, WORD_LIMITS, Step
from core.text import MESSAGE_UNITS, plain_text, split, utf16_length
from database import Story
from handlers.context import UpdateContext
from handlers.step_prompts import announce, awaited


def ask(context: UpdateContext, step: Step, session_id: int | None, key: str, **values: object) -> None:
    """Asks one of `ANSWERS` about a session, with the sentence `key`."""
    came_from = context.user.came_from if context.step in ANSWERS else context.step
    context.services.db.users.ask(context.user.id, came_from, session_id)
    context.reload()
    context.go(step)
    if utf16_length(plain_text(context.texts.say(key, **values))) <= MESSAGE_UNITS:
        context.say_here(key, **values)
        return
    for value in values.values():  # they don't fit into one message with the question
        for piece in split(str(value)):
            context.send_plain(piece)
    announce(context)


def go_back(context: UpdateContext) -> None:
    """To where the user was before the question; says nothing.

    The story there may have been deleted meanwhile, or have got its ending.
    """
    step, story = context.user.came_from, context.story
    if step in (Step.STORY, Step.FINALE, Step.FINISHED):
        step = Step.MENU if story is None else Step.FINISHED if story.finished else step
    context.go(step)


def leave(context: UpdateContext) -> None:
    """«✖️ Отмена»: back, with the line and keyboard of that step."""
    go_back(context)
    announce(context)


def asked_about(context: UpdateContext) -> Story | None:
    """The story that the question is about; None, and back to the menu, where it is gone or somebody else's."""
    about = context.user.asks_about
    story = context.services.db.stories.get(about) if about is not None else None
    if story is None or story.user_id != context.user.id or story.deleted:
        context.go(Step.MENU)
        context.say_here("menu.no_story")
        return None
    return story


def fits(context: UpdateContext) -> bool:
    """Whether the words keep to the step's limit; says so where they don't."""
    limit = WORD_LIMITS[context.step]
    if len(context.words) <= limit:
        return True
    shown = context.texts.plural("up_to_chars", limit)
    context.say_here("wrong.too_long", length=len(context.words), limit=shown, now=awaited(context))
    return False
