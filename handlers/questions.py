"""Questions that need one answer, after which the user is back where they were: a name, a memory, a tone, …

The step to go back to and the session that the question is about stand in the user's row.
"""

from __future__ import annotations

from conversation.states import ANSWERS, WORD_LIMITS, Step
from core.text import MESSAGE_UNITS, plain_text, split, utf16_length
from database import Story
from handlers.context import UpdateContext
from handlers.step_prompts import announce, awaited


def ask(visit: UpdateContext, step: Step, session_id: int | None, key: str, **values: object) -> None:
    """Asks one of `ANSWERS` about a session, with the sentence `key`."""
    came_from = visit.user.came_from if visit.step in ANSWERS else visit.step
    visit.desk.db.users.ask(visit.user.id, came_from, session_id)
    visit.reload()
    visit.go(step)
    if utf16_length(plain_text(visit.texts.say(key, **values))) <= MESSAGE_UNITS:
        visit.say_here(key, **values)
        return
    for value in values.values():  # they don't fit into one message with the question
        for piece in split(str(value)):
            visit.send_plain(piece)
    announce(visit)


def go_back(visit: UpdateContext) -> None:
    """To where the user was before the question; says nothing.

    The story there may have been deleted meanwhile, or have got its ending.
    """
    step, story = visit.user.came_from, visit.story
    if step in (Step.STORY, Step.FINALE, Step.FINISHED):
        step = Step.MENU if story is None else Step.FINISHED if story.finished else step
    visit.go(step)


def leave(visit: UpdateContext) -> None:
    """«✖️ Отмена»: back, with the line and keyboard of that step."""
    go_back(visit)
    announce(visit)


def asked_about(visit: UpdateContext) -> Story | None:
    """The story that the question is about; None, and back to the menu, where it is gone or somebody else's."""
    about = visit.user.asks_about
    story = visit.desk.db.stories.get(about) if about is not None else None
    if story is None or story.user_id != visit.user.id or story.deleted:
        visit.go(Step.MENU)
        visit.say_here("menu.no_story")
        return None
    return story


def fits(visit: UpdateContext) -> bool:
    """Whether the words keep to the step's limit; says so where they don't."""
    limit = WORD_LIMITS[visit.step]
    if len(visit.words) <= limit:
        return True
    shown = visit.texts.plural("up_to_chars", limit)
    visit.say_here("wrong.too_long", length=len(visit.words), limit=shown, now=awaited(visit))
    return False
