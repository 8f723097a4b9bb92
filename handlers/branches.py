"""Branches and further volumes: copies of a story up to one of its texts, to be led elsewhere.

The story that is copied stays as it is.
"""

from __future__ import annotations

from conversation.steps import Step
from database import Story
from handlers.context import UpdateContext, now
from handlers.refusals import over_limit
from telegram.update_result import UpdateResult
from turns.message_view import title_of

MOST_UNBEGUN = 30  # copies of stories, of a user, that nothing was written in


def branch(context: UpdateContext, story: Story) -> UpdateResult:
    """«🔀 Ветка»: copy the story up to here, to be led elsewhere; the first one stays as it is."""
    if story.head_id is None:
        return context.toast("toast.nothing_yet")
    if refusal := too_many_copies(context):
        return refusal
    copy(context, story, context.services.locales[story.language].plain("branch.title", title=title_of(story)))
    return context.say_here("branch.done", title=title_of(story))


def too_many_copies(context: UpdateContext) -> UpdateResult | None:
    """Return the refusal of another copy of a story, or None. A copy costs disk space and no tokens."""
    waiting = context.db.stories.count_not_started(context.user.id)
    return None if waiting < MOST_UNBEGUN else context.say("branch.too_many", n=waiting)


def volume(context: UpdateContext, story: Story) -> Story | UpdateResult:
    """Begin a story with the settings and the memory of a finished one. Return it, or why there can be none."""
    if refusal := over_limit(context, "part", None) or too_many_copies(context):
        return refusal
    stories, texts = context.db.stories, context.services.locales[story.language]
    session_id = copy(context, story, texts.plain("volume.title", title=title_of(story)))
    begun = stories.get(session_id)
    assert begun is not None
    if begun.head_id is not None:
        stories.start_after(session_id, begun.head_id)
    return begun


def copy(context: UpdateContext, story: Story, title: str) -> int:
    """Copy a story's shown path into a new story of the user's, open that, and move there; return its session."""
    db = context.db
    session_id = db.stories.create(
        context.user.id,
        context.chat_id,
        genre=story.genre,
        hero=story.hero,
        setting=story.setting,
        extra=story.extra,
        title=title,
        now=now(),
        language=story.language,
    )
    db.stories.set_tone(session_id, story.tone)
    db.stories.set_length(session_id, story.length)
    own = story.user_id == context.user.id
    db.cards.copy(story.session_id, session_id, refused=own)
    if own:  # a note is its reader's own
        db.cards.set_note(session_id, story.note)
    copied_id = db.tree.copy(story.head_id, session_id, now())
    earlier = len(db.tree.whole(story.head_id)) - len(db.tree.whole(story.head_id, story.starts_after))
    if earlier:  # an earlier volume is remembered, and shown to nobody
        db.stories.start_after(session_id, db.tree.whole(copied_id)[earlier - 1].id)
    context.open(session_id)
    context.go(Step.STORY)
    return session_id
