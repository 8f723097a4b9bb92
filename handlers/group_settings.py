"""What a group's story has of the settings of a private one: its tone, the length of its parts, its memory, a volume.

A group has no steps, so everything here is done by buttons: nothing is typed. Who began the story chooses.
"""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.steps import LENGTHS, TONES
from core.schemas import Json
from database import Story
from handlers import branches
from handlers.context import UpdateContext, now
from handlers.group_context import at_story
from handlers.settings import tone_of
from telegram.update_result import UpdateResult
from turns.message_view import title_of


def rows(context: UpdateContext, story: Story) -> list[list[tuple[str, str]]]:
    """Return the buttons of this module for the menu of an unfinished story."""
    number = story.session_id
    return [[context.button("tone", f"g_tone:{number}"), context.button("memory", f"g_memory:{number}")]]


def show_tone(context: UpdateContext, story: Story) -> UpdateResult:
    """«🎭 Тон и стиль»: offer the tones and lengths, and say what both are now."""
    if context.user.id != story.user_id:
        return context.toast("toast.not_yours_to_set")
    html, keyboard = _tones(context, story)
    return context.replying_to(context.message_id).send(html, keyboard=keyboard)


def set_tone(context: UpdateContext, story: Story, place: int) -> UpdateResult:
    """Set the tone of further parts, or their length: the tones come first, then the lengths."""
    if context.user.id != story.user_id:
        return context.toast("toast.not_yours_to_set")
    if story.finished or place >= len(TONES) + len(LENGTHS):
        return context.toast("toast.past")
    stories = context.db.stories
    if place < len(TONES):
        name, texts = TONES[place], context.services.locales[story.language]  # kept in the story's language
        stories.set_tone(story.session_id, "" if name == "any" else texts.label(f"tone_{name}"))
    else:
        stories.set_length(story.session_id, LENGTHS[place - len(TONES)])
    html, keyboard = _tones(context, stories.get(story.session_id) or story)
    return context.edit_html(html, keyboard=keyboard) + context.toast("toast.saved")


def _tones(context: UpdateContext, story: Story) -> tuple[str, Json]:
    names = [*(f"tone_{name}" for name in TONES), *(f"length_{name}" for name in LENGTHS)]
    buttons = [context.button(name, f"g_set_tone:{story.session_id}.{place}") for place, name in enumerate(names)]
    tones = [buttons[place : place + 2] for place in range(0, len(TONES), 2)]
    values = {
        "title": title_of(story),
        "tone": tone_of(context, story),
        "length": context.texts.label(f"length_{story.length}"),
    }
    return context.texts.say("group_story.tone", **values), inline(*tones, buttons[len(TONES) :])


def show_memory(context: UpdateContext, story: Story) -> UpdateResult:
    """«🧠 Память»: show what the model is told of the parts that no longer fit into its prompt."""
    memory = context.db.tree.path(story.head_id).memory
    said = context.replying_to(context.message_id)
    if not memory:
        return said.say("group_story.no_memory", title=title_of(story))
    return said.say("group_story.memory", title=title_of(story), memory=memory)


def second_volume(context: UpdateContext, story: Story) -> UpdateResult:
    """«📗 Второй том»: begin a story that remembers the finished one; whoever presses pays its beginning."""
    writers = context.db.group_stories.writers(story.session_id, 0)
    if context.user.id != story.user_id and context.user.id not in writers:
        return context.toast("toast.write_first")
    if not story.finished:
        return context.toast("toast.past")
    if context.writing:
        return context.toast("toast.writing")
    volume = branches.volume(at_story(context, story), story)
    if isinstance(volume, UpdateResult):
        return volume
    context.db.stories.set_topic(volume.session_id, context.topic_id)
    context.db.talks.resume(volume.session_id, now())
    there = at_story(context, volume).replying_to(context.message_id)
    begun = context.say("group_story.begin", title=volume.title, name=context.user.first_name)
    return begun + there.start_turn("part", volume.session_id, volume.head_id)
