"""The wizard: genre, hero, setting, wishes, and the card that begins the story.

Every action ends by asking the question of the step that the user is at then.
"""

from __future__ import annotations

import random
from dataclasses import replace

from conversation.states import WORD_LIMITS, Step
from conversation.story_draft import Draft, unfinished_step
from core.errors import LimitReached
from database import Story
from handlers import rewriting
from handlers.context import UpdateContext, now
from handlers.questions import fits
from handlers.step_prompts import announce, awaited
from turns.story_outcomes import title_of


def new_story(context: UpdateContext) -> None:
    """The wizard from its first question; asks first where a draft was left halfway."""
    if context.draft.begun:
        ask(context, Step.RESUME)
    else:
        start(context)


def start(context: UpdateContext) -> None:
    """Begins a new draft, throwing away an old one, and asks for the genre."""
    context.draft = Draft()
    ask(context, Step.GENRE)


def start_with(context: UpdateContext, words: str) -> None:
    """The wizard with a first wish: words that were kept for a new story."""
    draft = context.draft if context.draft.begun else Draft()
    limit = WORD_LIMITS[Step.EXTRA]
    extra = draft.with_extra(words).extra
    context.draft = replace(draft, extra=extra[:limit].rstrip())
    context.say("menu.words_in_new" if len(extra) <= limit else "menu.words_cut", limit=limit)
    ask(context, unfinished_step(context.draft))


def second_volume(context: UpdateContext, story: Story) -> None:
    """A new story with the settings of a finished one, and with its memory; its first part is asked for at once."""
    services = context.services
    try:
        services.turns.check(context.user.id, None, "part")
    except LimitReached as limit:
        context.result.send(services.outcomes.limit(context.user.id, context.chat_id, None, limit))
        return
    if not rewriting.may_copy(context):
        return
    title = context.texts.plain("volume.title", title=title_of(story))
    session_id = rewriting.copy(context, story, title)
    copied = services.db.stories.get(session_id)
    assert copied is not None
    if copied.head_id is not None:
        services.db.stories.start_after(session_id, copied.head_id)
    context.say_here("story.begin", title=title)
    context.ask("part", session_id, copied.head_id, hint="volume")


def same_settings(context: UpdateContext) -> None:
    """«🔁 Заново с теми же настройками»: the card of the open story, to begin another one from."""
    story = context.story
    if story is None:
        new_story(context)
        return
    context.draft = Draft(story.genre, story.hero, story.setting, story.extra)
    ask(context, Step.SUMMARY)


def resume(context: UpdateContext) -> None:
    """Goes on with the draft at the first question that has no answer."""
    ask(context, unfinished_step(context.draft))


def ask_again(context: UpdateContext) -> None:
    """Moves where the table says, if anywhere, and asks the question there."""
    ask(context, context.next_step or context.step)


def ask(context: UpdateContext, step: Step) -> None:
    """Goes to a step of the wizard and asks its question; the draft remembers it, to go on from after leaving."""
    came_from = context.step
    context.go(step)
    if step is not Step.RESUME:
        context.draft = replace(context.draft, step=step)
    announce(context, came_from)


def take_genre(context: UpdateContext) -> None:
    """The user's words, or the known genre they name, become the draft's genre; says so where they are too long."""
    if not fits(context):
        return
    known = context.texts.genre_of(context.words)
    _take(context, genre=known.label if known else context.words)


def take_hero(context: UpdateContext) -> None:
    """The user's words, or the whole preset they name, become the draft's hero; says so where they are too long."""
    if fits(context):
        preset = context.texts.hero_of(context.words)
        _take(context, hero=preset.full if preset else context.words)


def take_setting(context: UpdateContext) -> None:
    """The user's words, or the whole preset they name, become the draft's setting; says so where too long."""
    if fits(context):
        preset = context.texts.setting_of(context.words)
        _take(context, setting=preset.full if preset else context.words)


def _take(context: UpdateContext, **fields: str) -> None:
    context.draft = replace(context.draft, page=0, lucky=False, **fields)  # type: ignore[arg-type]
    ask_again(context)


def other_presets(context: UpdateContext) -> None:
    """Shows the next handful of presets for the same question, round and round."""
    context.draft = replace(context.draft, page=context.draft.page + 1)
    announce(context)


def add_extra(context: UpdateContext) -> None:
    """One more message of wishes: several add up."""
    limit = WORD_LIMITS[Step.EXTRA]
    draft = context.draft.with_extra(context.words)
    if len(draft.extra) > limit and context.draft.extra:
        context.say_here("wrong.many", limit=limit, now=awaited(context))
    elif fits(context):
        context.draft = draft
        context.say_here("wizard.extra.more", left=limit - len(draft.extra))


def replace_extra(context: UpdateContext) -> None:
    """The user's words take the place of all wishes so far; says so where they are too long."""
    if fits(context):
        _take(context, extra=context.words)


def clear_extra(context: UpdateContext) -> None:
    """Takes all wishes out of the draft, and asks the next question."""
    _take(context, extra="")


def lucky(context: UpdateContext) -> None:
    """Fills everything by chance and shows the card; wishes of the user's own are kept."""
    texts, draft = context.texts, context.draft
    genre = random.choice(texts.genres).label
    own_extra = draft.extra if draft.extra and not draft.lucky else ""
    context.draft = Draft(
        genre=genre,
        hero=random.choice(texts.heroes(genre)).full,
        setting=random.choice(texts.settings(genre)).full,
        extra=own_extra or random.choice(texts.extras(genre)),
        lucky=True,
    )
    ask(context, Step.SUMMARY)


def begin(context: UpdateContext) -> None:
    """Makes a story of the card and asks for its first part. A limit leaves the card as it is."""
    draft = context.draft
    if not draft.complete:
        ask(context, unfinished_step(draft))
        return
    services = context.services
    try:
        services.turns.check(context.user.id, None, "part")
    except LimitReached as limit:
        context.result.send(services.outcomes.limit(context.user.id, context.chat_id, None, limit))
        return
    session_id = services.db.stories.create(
        context.user.id,
        context.chat_id,
        genre=draft.genre,
        hero=draft.hero,
        setting=draft.setting,
        extra=draft.extra,
        title="",
        now=now(),
        language=context.user.language,
    )
    context.tell("story_started", language=context.user.language, lucky=draft.lucky)
    del services.db.drafts[context.user.id]
    context.open(session_id)
    context.go(Step.STORY)
    story = context.story
    assert story is not None
    context.say_here("story.begin", title=title_of(story))
    context.ask("part", session_id, None)


def leave(context: UpdateContext) -> None:
    """Out of the wizard; the draft stays."""
    context.go(Step.MENU)
    context.say_here("cancel.wizard" if context.draft.begun else "cancel.wizard_empty")
