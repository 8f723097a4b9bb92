"""Words that came in the menu or after the ending: they are kept, and buttons under the question say what they are for.

Nothing is spent before the choice. «💬 В чат» is the assistant's.
"""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.steps import WORD_LIMITS, Step
from database import Story
from handlers import story as story_screen
from handlers import wizard
from handlers.context import UpdateContext, now
from handlers.refusals import over_limit
from telegram.update_result import UpdateResult
from turns.message_view import title_of


def keep(context: UpdateContext) -> UpdateResult:
    """Add words that come while a model makes a card to its wishes; at any other time ask what they are for."""
    turn = context.turns.open_in(context.chat_id, context.topic_id) if context.writing else None
    draft = context.draft.with_extra(context.words)
    is_wish = turn is not None and context.kinds[turn.kind].fills_draft and len(draft.extra) <= WORD_LIMITS[Step.EXTRA]
    if not is_wish:
        return ask_purpose(context)
    context.draft = draft
    return context.say("outline.added")


def ask_purpose(context: UpdateContext) -> UpdateResult:
    """Keep the words and ask what they are for."""
    story = context.story
    kept_id = context.db.users.keep_words(context.user.id, context.words, context.user.session_id, now())
    to_new = context.button("words_to_new", f"words_new:{kept_id}")
    to_chat = context.button("words_to_chat", f"words_chat:{kept_id}")
    if story is not None and context.step is Step.FINISHED:
        epilogue = context.button("epilogue", f"words_epilogue:{kept_id}")
        new = context.button("new_story", f"words_new:{kept_id}")
        return context.say("finished.own_words", title=title_of(story), keyboard=context.inline(epilogue, new))
    if story is not None and not story.finished:
        to_story = context.button("words_to_story", f"words_story:{kept_id}", title=title_of(story))
        return context.say("menu.own_words", keyboard=inline([to_story], [to_new, to_chat]))
    return context.say("menu.own_words", keyboard=context.inline(to_new, to_chat))


def to_story(context: UpdateContext, kept_id: int) -> UpdateResult:
    """Put the words into the story that was offered for them, as its next part."""
    story = _story_of(context, kept_id)
    if story is None or story.finished:
        return context.toast("toast.words_gone")
    return _write(context, kept_id, story, "part")


def to_epilogue(context: UpdateContext, kept_id: int) -> UpdateResult:
    """Have an epilogue written from the words, for the finished story that was offered for them."""
    story = _story_of(context, kept_id)
    if story is None or not story.finished:
        return context.toast("toast.words_gone")
    return _write(context, kept_id, story, "epilogue")


def to_new_story(context: UpdateContext, kept_id: int) -> UpdateResult:
    """Make the words a wish of a new story."""
    words = context.db.users.take_words(context.user.id, kept_id)
    if words is None:
        return context.toast("toast.words_gone")
    return context.drop_buttons() + wizard.start_with(context, words)


def _story_of(context: UpdateContext, kept_id: int) -> Story | None:
    session_id = context.db.users.session_of_words(context.user.id, kept_id)
    return context.db.stories.own(context.user.id, session_id)


def _write(context: UpdateContext, kept_id: int, story: Story, kind: str) -> UpdateResult:
    if context.writing or context.turns.writes_in(story.session_id):
        return context.toast("toast.writing")
    if refusal := over_limit(context, kind, story.session_id):
        return refusal
    words = context.db.users.take_words(context.user.id, kept_id)
    if words is None:
        return context.toast("toast.words_gone")
    context.open(story.session_id)
    said = story_screen.enter(context, story) if kind == "part" else context.say_meanwhile("finale.epilogue_writing")
    return context.drop_buttons() + said + story_screen.write_words(context, story, story.head_id, words, kind)
