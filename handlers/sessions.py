"""/t and /sessions: what the open session has spent and holds, and the way back into any other."""

from __future__ import annotations

from conversation.keyboards import inline, page_row, pages_of
from conversation.steps import TALKING, Step
from core.schemas import Json
from core.text import shorten
from database import Story, Talk
from handlers import assistant, characters, library
from handlers.context import UpdateContext, now
from handlers.dates import day
from handlers.step_prompts import OPENING_CHARS, announce
from telegram.update_result import UpdateResult
from turns.message_view import title_of

PAGE = 6
_ICONS = {"story": "📖", "chat": "💬", "character": "🎭"}
_AT_THE_STORY = frozenset({Step.STORY, Step.FINALE, Step.FINISHED, Step.CORRECT, Step.MEMORY, Step.TONE})


def opened(context: UpdateContext) -> Story | Talk | None:
    """Return the session that is open where the user is, in the menu the one they came from; None if it is empty."""
    talk, story = context.talk, context.story
    found: list[Story | Talk] = []
    if talk is not None and talk.head_id is not None and (context.group or context.step not in _AT_THE_STORY):
        found.append(talk)
    if story is not None and not story.deleted and not context.group and context.step not in TALKING:
        found.append(story)
    return max(found, key=lambda session: session.touched_at, default=None)


def named(context: UpdateContext, session: Story | Talk) -> str:
    """Return a session's name, after the emoji of its kind."""
    if isinstance(session, Story):
        kind, name = "story", title_of(session)
    else:
        character = context.db.characters.get(session.character_id)
        kind, name = session.kind, character.name if character is not None else _short(session.opening)
    return f"{_ICONS[kind]} {name or context.texts.plain('sessions.unnamed')}"


def tokens(context: UpdateContext) -> UpdateResult:
    """/t: say what the open session has spent of its limit, and how full its context is."""
    session = opened(context)
    if session is None:
        return context.say("tokens.nothing")
    head_id = session.head_id
    path = context.db.tree.path(head_id)
    held = context.turns.estimate("\n".join([path.memory, *(prompt.text for prompt in path.prompts)]))
    return context.say(
        "tokens.line",
        name=named(context, session),
        spent=session.spent,
        limit=context.config.max_tokens_per_session,
        context=held if head_id is not None else 0,
        budget=context.turns.prompt_budget(context.model),
        keyboard=None if context.group else _file_button(context, session),
    )


def sessions(context: UpdateContext) -> UpdateResult:
    """/sessions: show the user's stories and talks, the last touched first."""
    count = context.db.talks.count_sessions(context.user.id, context.chat_id)
    if not count:
        return context.say("sessions.empty")
    return context.say("sessions.line", keyboard=_page(context, 0, count))


def choose_file(context: UpdateContext, page: int) -> UpdateResult:
    """«📄 Файлом» under the sessions: show them in the same message, to be sent as files."""
    count = context.db.talks.count_sessions(context.user.id, context.chat_id)
    if not count:
        return context.edit("sessions.empty")
    return context.edit(
        "talk_file.which", keyboard=_page(context, page if page * PAGE < count else 0, count, files=True)
    )


def turn_page(context: UpdateContext, page: int) -> UpdateResult:
    """Show another page of the sessions in the same message; the first if that page is gone."""
    count = context.db.talks.count_sessions(context.user.id, context.chat_id)
    if not count:
        return context.edit("sessions.empty")
    return context.edit("sessions.line", keyboard=_page(context, page if page * PAGE < count else 0, count))


def resume(context: UpdateContext, session_id: int) -> UpdateResult:
    """Go on with a story or a talk of the user's own."""
    db = context.db
    story = db.stories.get(session_id)
    if story is not None and not story.deleted:
        if not story.is_own_of(context.user.id):
            return context.toast("toast.foreign")
        return library.open_story(context, story)
    talk = assistant.own_talk(context, session_id)
    if isinstance(talk, UpdateResult):
        return talk
    if context.turns.writes_in(session_id):
        return context.toast("toast.writing")
    db.talks.move_to_topic(session_id, context.topic_id)
    db.talks.resume(session_id, now())
    if talk.kind == "character":
        return characters.choose(context, talk.character_id or 0)
    context.go(Step.CHAT)
    result = announce(context)
    if talk.head_id is not None:
        recall = assistant.last_said(context, talk)
        result += context.say("sessions.recall", recall=recall, keyboard=_file_button(context, talk))
    return result


def _file_button(context: UpdateContext, session: Story | Talk) -> Json:
    verb = "files" if isinstance(session, Story) else "talk_file"
    return context.inline(context.button("as_file", f"{verb}:{session.session_id}"))


def _page(context: UpdateContext, page: int, count: int, *, files: bool = False) -> Json:
    """Return a page of the sessions. A press resumes one, or asks for the format of its file."""
    shown = context.db.talks.sessions(context.user.id, context.chat_id, limit=PAGE, offset=page * PAGE)
    rows = []
    for session in shown:
        story = context.db.stories.get(session.session_id) if session.kind == "story" else None
        name = _short(title_of(story) if story is not None else session.name)
        name = name or context.texts.plain("sessions.unnamed")
        when = day(context.texts, session.touched_at)
        verb = "resume" if not files else "files" if session.kind == "story" else "talk_file"
        rows.append([(f"{_ICONS[session.kind]} {name} · {when}", f"{verb}:{session.session_id}")])
    pages = pages_of(count, PAGE)
    if pages > 1:
        rows.append(page_row("session_files" if files else "sessions", page, pages))
    other = ("back", "sessions:0") if files else ("as_file", f"session_files:{page}")
    return inline(*rows, [context.button(*other)])


def _short(name: str) -> str:
    return shorten(" ".join(name.split()), OPENING_CHARS)
