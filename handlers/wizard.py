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
from turns.message_view import title_of


def new_story(visit: UpdateContext) -> None:
    """The wizard from its first question; asks first where a draft was left halfway."""
    if visit.draft.begun:
        ask(visit, Step.RESUME)
    else:
        start(visit)


def start(visit: UpdateContext) -> None:
    """Begins a new draft, throwing away an old one, and asks for the genre."""
    visit.draft = Draft()
    ask(visit, Step.GENRE)


def start_with(visit: UpdateContext, words: str) -> None:
    """The wizard with a first wish: words that were kept for a new story."""
    draft = visit.draft if visit.draft.begun else Draft()
    limit = WORD_LIMITS[Step.EXTRA]
    extra = draft.with_extra(words).extra
    visit.draft = replace(draft, extra=extra[:limit].rstrip())
    visit.say("menu.words_in_new" if len(extra) <= limit else "menu.words_cut", limit=limit)
    ask(visit, unfinished_step(visit.draft))


def second_volume(visit: UpdateContext, story: Story) -> None:
    """A new story with the settings of a finished one, and with its memory; its first part is asked for at once."""
    desk = visit.desk
    try:
        desk.turns.check(visit.user.id, None, "part")
    except LimitReached as limit:
        visit.envelope.send(desk.kinds["part"].limit_message(visit.user.id, visit.chat_id, None, limit))
        return
    if not rewriting.may_copy(visit):
        return
    title = visit.texts.plain("volume.title", title=title_of(story))
    session_id = rewriting.copy(visit, story, title)
    copied = desk.db.stories.get(session_id)
    assert copied is not None
    if copied.head_id is not None:
        desk.db.stories.start_after(session_id, copied.head_id)
    visit.say_here("story.begin", title=title)
    visit.ask("part", session_id, copied.head_id, hint="volume")


def same_settings(visit: UpdateContext) -> None:
    """«🔁 Заново с теми же настройками»: the card of the open story, to begin another one from."""
    story = visit.story
    if story is None:
        new_story(visit)
        return
    visit.draft = Draft(story.genre, story.hero, story.setting, story.extra)
    ask(visit, Step.SUMMARY)


def resume(visit: UpdateContext) -> None:
    """Goes on with the draft at the first question that has no answer."""
    ask(visit, unfinished_step(visit.draft))


def ask_again(visit: UpdateContext) -> None:
    """Moves where the table says, if anywhere, and asks the question there."""
    ask(visit, visit.next_step or visit.step)


def ask(visit: UpdateContext, step: Step) -> None:
    """Goes to a step of the wizard and asks its question; the draft remembers it, to go on from after leaving."""
    came_from = visit.step
    visit.go(step)
    if step is not Step.RESUME:
        visit.draft = replace(visit.draft, step=step)
    announce(visit, came_from)


def take_genre(visit: UpdateContext) -> None:
    """The user's words, or the known genre they name, become the draft's genre; says so where they are too long."""
    if not fits(visit):
        return
    known = visit.texts.genre_of(visit.words)
    _take(visit, genre=known.label if known else visit.words)


def take_hero(visit: UpdateContext) -> None:
    """The user's words, or the whole preset they name, become the draft's hero; says so where they are too long."""
    if fits(visit):
        preset = visit.texts.hero_of(visit.words)
        _take(visit, hero=preset.full if preset else visit.words)


def take_setting(visit: UpdateContext) -> None:
    """The user's words, or the whole preset they name, become the draft's setting; says so where too long."""
    if fits(visit):
        preset = visit.texts.setting_of(visit.words)
        _take(visit, setting=preset.full if preset else visit.words)


def _take(visit: UpdateContext, **fields: str) -> None:
    visit.draft = replace(visit.draft, page=0, lucky=False, **fields)  # type: ignore[arg-type]
    ask_again(visit)


def other_presets(visit: UpdateContext) -> None:
    """Shows the next handful of presets for the same question, round and round."""
    visit.draft = replace(visit.draft, page=visit.draft.page + 1)
    announce(visit)


def add_extra(visit: UpdateContext) -> None:
    """One more message of wishes: several add up."""
    limit = WORD_LIMITS[Step.EXTRA]
    draft = visit.draft.with_extra(visit.words)
    if len(draft.extra) > limit and visit.draft.extra:
        visit.say_here("wrong.many", limit=limit, now=awaited(visit))
    elif fits(visit):
        visit.draft = draft
        visit.say_here("wizard.extra.more", left=limit - len(draft.extra))


def replace_extra(visit: UpdateContext) -> None:
    """The user's words take the place of all wishes so far; says so where they are too long."""
    if fits(visit):
        _take(visit, extra=visit.words)


def clear_extra(visit: UpdateContext) -> None:
    """Takes all wishes out of the draft, and asks the next question."""
    _take(visit, extra="")


def lucky(visit: UpdateContext) -> None:
    """Fills everything by chance and shows the card; wishes of the user's own are kept."""
    texts, draft = visit.texts, visit.draft
    genre = random.choice(texts.genres).label
    own_extra = draft.extra if draft.extra and not draft.lucky else ""
    visit.draft = Draft(
        genre=genre,
        hero=random.choice(texts.heroes(genre)).full,
        setting=random.choice(texts.settings(genre)).full,
        extra=own_extra or random.choice(texts.extras(genre)),
        lucky=True,
    )
    ask(visit, Step.SUMMARY)


def begin(visit: UpdateContext) -> None:
    """Makes a story of the card and asks for its first part. A limit leaves the card as it is."""
    draft = visit.draft
    if not draft.complete:
        ask(visit, unfinished_step(draft))
        return
    desk = visit.desk
    try:
        desk.turns.check(visit.user.id, None, "part")
    except LimitReached as limit:
        visit.envelope.send(desk.kinds["part"].limit_message(visit.user.id, visit.chat_id, None, limit))
        return
    session_id = desk.db.stories.create(
        visit.user.id,
        visit.chat_id,
        genre=draft.genre,
        hero=draft.hero,
        setting=draft.setting,
        extra=draft.extra,
        title="",
        now=now(),
        language=visit.user.language,
    )
    visit.tell("story_started", language=visit.user.language, lucky=draft.lucky)
    del desk.db.drafts[visit.user.id]
    visit.open(session_id)
    visit.go(Step.STORY)
    story = visit.story
    assert story is not None
    visit.say_here("story.begin", title=title_of(story))
    visit.ask("part", session_id, None)


def leave(visit: UpdateContext) -> None:
    """Out of the wizard; the draft stays."""
    visit.go(Step.MENU)
    visit.say_here("cancel.wizard" if visit.draft.begun else "cancel.wizard_empty")
