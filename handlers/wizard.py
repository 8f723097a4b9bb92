"""The wizard: genre, hero, setting, wishes, and the card that begins the story.

Every action ends by asking the question of the step that the user is at then.
"""

from __future__ import annotations

import random
from dataclasses import replace

from conversation.keyboards import reply
from conversation.states import decide
from conversation.steps import WORD_LIMITS, Step
from conversation.story_draft import Draft, unfinished_step, working_title
from core.graphemes import first_letters
from database import Story
from handlers import branches
from handlers.context import UpdateContext, after_commit, now
from handlers.refusals import over_limit, over_step
from handlers.step_prompts import announce, awaited
from telegram.update_result import NOTHING, NoteSaid, UpdateResult
from turns.message_view import title_of
from turns.story_topics import OF_A_VOLUME, needs_topic


def new_story(context: UpdateContext) -> UpdateResult:
    """Begin the wizard; ask first if a draft was left unfinished."""
    return ask(context, Step.RESUME) if context.draft.begun else start(context)


def start(context: UpdateContext) -> UpdateResult:
    """Begin a new draft, drop an old one, and ask for the genre."""
    context.draft = Draft()
    return ask(context, Step.GENRE)


def start_with(context: UpdateContext, words: str) -> UpdateResult:
    """Begin a story from words that were kept for it: they become a wish, and a model fills in the rest of the card.

    A draft that has gaps keeps what it has. While another turn runs, or if a limit is in the way, the wizard asks.
    """
    draft = Draft() if context.draft.complete else context.draft
    limit = WORD_LIMITS[Step.EXTRA]
    extra = draft.with_extra(words).extra
    draft = context.draft = replace(draft, extra=first_letters(extra, limit).rstrip(), step=Step.GENRE)
    said = context.say("menu.words_cut", limit=limit) if len(extra) > limit else UpdateResult()
    if context.writing or over_limit(context, "outline", None):
        return said + context.say("menu.words_in_new") + ask(context, unfinished_step(draft))
    started = context.start_turn("outline", None, None, hint=draft.extra)
    turn = context.turns.open_in(context.chat_id, context.topic_id)
    stop = context.inline(context.button("stop", f"stop:{turn.id}")) if turn is not None else None
    return said + context.say_meanwhile("outline.wait", keyboard=stop) + started


def second_volume(context: UpdateContext, story: Story) -> UpdateResult:
    """Begin a story with the settings and the memory of a finished one, and ask for its first part."""
    volume = branches.volume(context, story)
    if isinstance(volume, UpdateResult):
        return volume
    goes_on_here = context.topic_id or not needs_topic(context.db, context.chat_id, 0)
    begun = context.say_here("story.begin", title=volume.title) if goes_on_here else _said_of_beginning(context, volume)
    return begun + context.start_turn("part", volume.session_id, volume.head_id, hint=OF_A_VOLUME)


def same_settings(context: UpdateContext) -> UpdateResult:
    """«🔁 Заново с теми же настройками»: show the card of the open story, to begin another one from."""
    story = context.story
    if story is None:
        return new_story(context)
    context.draft = Draft(story.genre, story.hero, story.setting, story.extra)
    return ask(context, Step.SUMMARY)


def resume(context: UpdateContext) -> UpdateResult:
    """Go on with the draft at the first question that has no answer."""
    return ask(context, unfinished_step(context.draft))


def ask_again(context: UpdateContext) -> UpdateResult:
    """Move where the table of steps says, if anywhere, and ask the question there."""
    cell = decide(context.step, context.key, writing=context.writing)
    return ask(context, cell.to or context.step)


def ask(context: UpdateContext, step: Step) -> UpdateResult:
    """Go to a step of the wizard and ask its question; the draft remembers the step, to go on from later."""
    came_from = context.step
    context.go(step)
    if step is not Step.RESUME:
        context.draft = replace(context.draft, step=step)
    return announce(context, came_from)


def take_genre(context: UpdateContext) -> UpdateResult:
    """Take the user's words, or the known genre that they name, as the draft's genre."""
    known = context.texts.genre_of(context.words)
    genre = known.label if known else context.words
    return over_step(context) or _take(context, replace(context.draft, genre=genre))


def take_hero(context: UpdateContext) -> UpdateResult:
    """Take the user's words, or the whole preset that they name, as the draft's hero."""
    preset = context.texts.hero_of(context.words)
    hero = preset.full if preset else context.words
    return over_step(context) or _take(context, replace(context.draft, hero=hero))


def take_setting(context: UpdateContext) -> UpdateResult:
    """Take the user's words, or the whole preset that they name, as the draft's setting."""
    preset = context.texts.setting_of(context.words)
    setting = preset.full if preset else context.words
    return over_step(context) or _take(context, replace(context.draft, setting=setting))


def _take(context: UpdateContext, draft: Draft) -> UpdateResult:
    """Store the draft, which is the user's own choice now, and ask the next question."""
    context.draft = replace(draft, page=0, lucky=False)
    return ask_again(context)


def other_presets(context: UpdateContext) -> UpdateResult:
    """Show the next page of presets for the same question; the first follows the last."""
    context.draft = replace(context.draft, page=context.draft.page + 1)
    return announce(context)


def add_extra(context: UpdateContext) -> UpdateResult:
    """Add the user's words to the draft's wishes."""
    limit = WORD_LIMITS[Step.EXTRA]
    draft = context.draft.with_extra(context.words)
    if len(draft.extra) > limit and context.draft.extra:
        return context.say_here("wrong.many", limit=limit, now=awaited(context))
    if refusal := over_step(context):
        return refusal
    context.draft = draft
    return context.say_here("wizard.extra.more", left=limit - len(draft.extra))


def replace_extra(context: UpdateContext) -> UpdateResult:
    """Replace all wishes by the user's words."""
    return over_step(context) or _take(context, replace(context.draft, extra=context.words))


def clear_extra(context: UpdateContext) -> UpdateResult:
    """Take all wishes out of the draft, and ask the next question."""
    return _take(context, replace(context.draft, extra=""))


def lucky(context: UpdateContext) -> UpdateResult:
    """«🎲 Мне повезёт», «🎲 Ещё раз»: fill the draft by chance and show the card; the user's own wishes are kept.

    A double press is one: its second message was sent within a second of the first, whose card comes below both.
    """
    sent_at, where = context.message.sent_at, (context.chat_id, context.topic_id, context.user.id)
    said = context.services.recently_said
    if sent_at and not all(said.is_due(*where, f"card of {second}") for second in (sent_at - 1, sent_at)):
        return NOTHING
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
    return ask(context, Step.SUMMARY) + after_commit(NoteSaid(*where, f"card of {sent_at}"))


def begin(context: UpdateContext) -> UpdateResult:
    """Make a story of the card and ask for its first part. A limit leaves the card as it is."""
    draft, db = context.draft, context.db
    if not draft.complete:
        return ask(context, unfinished_step(draft))
    if refusal := over_limit(context, "part", None):
        return refusal
    session_id = db.stories.create(
        context.user.id,
        context.chat_id,
        genre=draft.genre,
        hero=draft.hero,
        setting=draft.setting,
        extra=draft.extra,
        title=_title(context, draft),
        now=now(),
        language=context.user.language,
    )
    del db.drafts[context.user.id]
    context.open(session_id)
    context.go(Step.STORY)
    story = context.story
    assert story is not None
    begun = context.track("story_started", language=context.user.language, lucky=draft.lucky)
    begun += _said_of_beginning(context, story)
    return begun + context.start_turn("part", session_id, None)


def _said_of_beginning(context: UpdateContext, story: Story) -> UpdateResult:
    """Say that the beginning is being written, and where, if the story gets a topic of its own."""
    if not needs_topic(context.db, context.chat_id, context.topic_id):
        return context.say_here("story.begin", title=title_of(story))
    menu = reply(context.texts, Step.MENU, Draft())  # this topic is left for the menu
    return context.say("topic.begins_there", keyboard=menu, title=title_of(story))


def _title(context: UpdateContext, draft: Draft) -> str:
    """Return a working title that none of the user's other stories has."""
    others = context.db.stories.of_user(context.user.id, limit=-1)
    return working_title(draft.hero, draft.setting, {title_of(story) for story in others})


def leave(context: UpdateContext) -> UpdateResult:
    """Leave the wizard; the draft stays."""
    context.go(Step.MENU)
    return context.say_here("cancel.wizard" if context.draft.begun else "cancel.wizard_empty")
