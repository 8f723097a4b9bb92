"""«💬 Поговорить с героем»: a talk with the hero of a story, which changes nothing in the story."""

from __future__ import annotations

from database import Character, Story
from handlers import assistant, characters, library
from handlers.context import UpdateContext, now
from telegram.update_result import UpdateResult
from turns import heroes


def meet(context: UpdateContext, story: Story) -> UpdateResult:
    """Begin the talk with a story's hero, or go on with it; a story has one."""
    if not context.db.tree.parts(story.head_id, story.starts_after):
        return context.toast("toast.nothing_yet")
    character = stored(context, story)
    talk = context.db.talks.last_with(context.chat_id, character.id)
    if talk is None and not assistant.may_begin(context):
        return context.toast("toast.past")
    if talk is not None and talk.topic_id != context.topic_id and context.turns.writes_in(talk.session_id):
        return context.toast("toast.writing")
    if talk is not None:
        context.db.talks.move_to_topic(talk.session_id, context.topic_id)
    return characters.choose(context, character.id)


def stored(context: UpdateContext, story: Story) -> Character:
    """Store who the story's hero is now, and return them."""
    texts = context.services.locales[story.language]
    persona = heroes.persona_of(texts, story, context.db.tree.path(story.head_id), heroes.LEAST_TOLD)
    return context.db.characters.put_hero(story.session_id, story.user_id, story.language, persona, now())


def back_to_story(context: UpdateContext) -> UpdateResult:
    """«🔖 К истории»: open the story whose hero the user talks to, or else the last one."""
    story = context.hero_story
    return library.open_story(context, story) if story is not None else library.continue_story(context)
