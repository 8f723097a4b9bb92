"""Questions that need one answer, after which the user is back where they were: a name, a memory, a tone, …

The step to go back to and the session that the question is about stand in the user's row.
"""

from __future__ import annotations

from database import Story
from handlers.places import announce, awaited
from handlers.visit import Visit
from story import ANSWERS, WORD_LIMITS, Step


def ask(visit: Visit, step: Step, session_id: int | None, key: str, **values: object) -> None:
    """Asks one of `ANSWERS` about a session, with the sentence `key`."""
    came_from = visit.user.came_from if visit.step in ANSWERS else visit.step
    visit.desk.db.users.ask(visit.user.id, came_from, session_id)
    visit.reload()
    visit.go(step)
    visit.say_here(key, **values)


def go_back(visit: Visit) -> None:
    """To where the user was before the question; says nothing."""
    visit.go(visit.user.came_from)


def leave(visit: Visit) -> None:
    """«✖️ Отмена»: back, with the line and keyboard of that step."""
    go_back(visit)
    announce(visit)


def asked_about(visit: Visit) -> Story | None:
    """The story that the question is about; None, and back to the menu, where it is gone or somebody else's."""
    about = visit.user.asks_about
    story = visit.desk.db.stories.get(about) if about is not None else None
    if story is None or story.user_id != visit.user.id or story.deleted:
        visit.go(Step.MENU)
        visit.say_here("menu.no_story")
        return None
    return story


def fits(visit: Visit) -> bool:
    """Whether the words keep to the step's limit; says so where they don't."""
    limit = WORD_LIMITS[visit.step]
    if len(visit.words) <= limit:
        return True
    shown = visit.texts.plural("up_to_chars", limit)
    visit.say_here("wrong.too_long", length=len(visit.words), limit=shown, now=awaited(visit))
    return False
