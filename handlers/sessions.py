"""/t and /sessions: what the open session has cost and holds, and the way back into any other."""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.states import TALKING, Step
from core.schemas import Json
from core.text import shorten
from database import Story, Talk
from handlers import characters, library
from handlers.context import UpdateContext, now
from handlers.step_prompts import OPENING_CHARS, announce
from turns import message_view
from turns.message_view import title_of

Toast = str | None  # the key of a pop-up answer, if there is one

PAGE = 6
_ICONS = {"story": "📖", "chat": "💬", "character": "🎭"}
_AT_THE_STORY = frozenset({Step.STORY, Step.FINALE, Step.FINISHED, Step.CORRECT, Step.MEMORY, Step.TONE})


def opened(visit: UpdateContext) -> Story | Talk | None:
    """The session that is open where the user is; in the menu the one they came from. None without a word in it."""
    talk, story = visit.talk, visit.story
    found: list[Story | Talk] = []
    if talk is not None and talk.head_id is not None and (visit.group or visit.step not in _AT_THE_STORY):
        found.append(talk)
    if story is not None and not story.deleted and not visit.group and visit.step not in TALKING:
        found.append(story)
    return max(found, key=lambda session: session.touched_at, default=None)


def named(visit: UpdateContext, session: Story | Talk) -> str:
    """What a session is called, after the sign of its kind."""
    if isinstance(session, Story):
        kind, name = "story", title_of(session)
    else:
        character = visit.desk.db.characters.get(session.character_id) if session.character_id else None
        kind, name = session.kind, character.name if character is not None else _short(session.opening)
    return f"{_ICONS[kind]} {name or visit.texts.plain('sessions.unnamed')}"


def tokens(visit: UpdateContext) -> None:
    """What the open session has spent of its limit, and how full its context is."""
    session = opened(visit)
    if session is None:
        visit.say("tokens.nothing")
        return
    head_id = session.head_id
    path = visit.desk.db.tree.path(head_id)
    held = visit.desk.turns.estimate("\n".join([path.memory, *(prompt.text for prompt in path.prompts)]))
    visit.say(
        "tokens.line",
        name=named(visit, session),
        spent=session.spent,
        limit=visit.desk.config.max_tokens_per_session,
        context=held if head_id is not None else 0,
        room=visit.desk.turns.prompt_budget(visit.model),
    )


def sessions(visit: UpdateContext) -> None:
    """The user's stories and talks, the last touched first."""
    count = visit.desk.db.talks.count_sessions(visit.user.id, visit.chat_id)
    if count:
        visit.say("sessions.line", keyboard=_page(visit, 0, count))
    else:
        visit.say("sessions.empty")


def turn_page(visit: UpdateContext, page: int) -> Toast:
    """Shows another page of the sessions in place: the first where there are fewer now, or that there are none."""
    count = visit.desk.db.talks.count_sessions(visit.user.id, visit.chat_id)
    if count:
        visit.edit("sessions.line", keyboard=_page(visit, page if page * PAGE < count else 0, count))
    else:
        visit.edit("sessions.empty")
    return None


def resume(visit: UpdateContext, session_id: int) -> Toast:
    """Goes on with a story or a talk of the user's own."""
    db = visit.desk.db
    story, talk = db.stories.get(session_id), db.talks.get(session_id)
    if story is not None and not story.deleted:
        return library.open_story(visit, story) if story.user_id == visit.user.id else "toast.foreign"
    if talk is None or talk.deleted:
        return "toast.past"
    if talk.user_id != visit.user.id or talk.chat_id != visit.chat_id:
        return "toast.foreign"
    if talk.kind == "character":
        db.talks.resume(session_id, now())
        return characters.choose(visit, talk.character_id or 0)
    db.talks.resume(session_id, now())
    visit.go(Step.CHAT)
    announce(visit)
    if talk.head_id is not None:
        visit.say("sessions.recall", recall=message_view.recalled(db.tree.get(talk.head_id)))
    return None


def _page(visit: UpdateContext, page: int, count: int) -> Json:
    shown = visit.desk.db.talks.sessions(visit.user.id, visit.chat_id, limit=PAGE, offset=page * PAGE)
    rows = []
    for session in shown:
        story = visit.desk.db.stories.get(session.session_id) if session.kind == "story" else None
        name = _short(title_of(story) if story is not None else session.name)
        name = name or visit.texts.plain("sessions.unnamed")
        when = library.day(visit.texts, session.touched_at)
        rows.append([(f"{_ICONS[session.kind]} {name} · {when}", f"resume:{session.session_id}")])
    pages = (count + PAGE - 1) // PAGE
    if pages > 1:
        here = (f"{page + 1}/{pages}", f"sessions:{page}")
        rows.append([("◀", f"sessions:{(page - 1) % pages}"), here, ("▶", f"sessions:{(page + 1) % pages}")])
    return inline(*rows)


def _short(name: str) -> str:
    return shorten(" ".join(name.split()), OPENING_CHARS)
