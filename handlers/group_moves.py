"""What the buttons of a group's story do beside votes: variants, undo, suggestions, files, pictures and speech.

Variants and undo are for who began the story and who made its last move; the rest is for every member, who pays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps

from conversation.keyboards import inline
from core.schemas import Outgoing
from core.text import split
from database import BROUGHT, Prompt, Story
from export.formats import FORMATS
from handlers import group_settings, rewriting
from handlers import story as story_screen
from handlers.context import UpdateContext, now
from handlers.group_context import at_story, may_lead, open_story, to_sender
from handlers.group_votes import keyboard_of
from handlers.refusals import over_limit
from telegram.update_result import NOTHING, UpdateResult
from turns import message_view
from turns.message_view import title_of

MOST_READ = 5  # messages that the whole story may take in a group


def _of_last_text(
    move: Callable[[UpdateContext, Story, Prompt], UpdateResult],
) -> Callable[[UpdateContext, int], UpdateResult]:
    """Decorate a button under a text of the open story: it is past unless that text is still the last one."""

    @wraps(move)
    def checked(context: UpdateContext, prompt_id: int) -> UpdateResult:
        story, head = open_story(context), context.db.tree.get(prompt_id)
        if story is None or head is None or story.head_id != prompt_id:
            return context.toast("toast.past")
        return move(context, story, head)

    return checked


def _refusal(context: UpdateContext, story: Story) -> UpdateResult | None:
    """Return why somebody may not change the last move, or not while the model writes; None if they may."""
    if not may_lead(context, story):
        return context.toast("toast.not_yours_to_change")
    return context.toast("toast.writing") if context.writing else None


@_of_last_text
def another_variant(context: UpdateContext, story: Story, _: Prompt) -> UpdateResult:
    """«🔄 Другой вариант»: have the last part written again."""
    if refusal := _refusal(context, story):
        return refusal
    return rewriting.another_variant(at_story(context, story).replying_to(context.message_id))


def show_variant(context: UpdateContext, prompt_id: int) -> UpdateResult:
    """◀ ▶: show another variant of the last part; the story goes on from there."""
    story, db = open_story(context), context.db
    head = db.tree.get(story.head_id) if story is not None else None
    if story is None or head is None or prompt_id not in db.tree.variants(head, story.session_id):
        return context.toast("toast.past")
    if refusal := _refusal(context, story):
        return refusal
    wanted = db.tree.get(prompt_id)
    if wanted is None or prompt_id == head.id:
        return NOTHING
    db.tree.set_head(story.session_id, prompt_id, now())
    keyboard = keyboard_of(context, story, wanted)
    return context.deliver(*message_view.replaced(db, context.chat_id, context.message_id, wanted, keyboard))


@_of_last_text
def undo(context: UpdateContext, story: Story, head: Prompt) -> UpdateResult:
    """«↩️ Отменить ход»: take the last turn back; a button brings it back."""
    if refusal := _refusal(context, story):
        return refusal
    db = context.db
    before = db.tree.before(head)
    if before is None or head.kind == BROUGHT:
        return context.toast("toast.first_part")
    db.tree.set_head(story.session_id, before.id, now())
    shrunk = message_view.shrunk(db, context.chat_id, head, context.texts.say("undo.line"))
    redo = context.button("redo", f"redo:{before.id}")
    keyboard = keyboard_of(context, story, before, [redo])
    said = context.say("group_story.now_last", recall=message_view.recalled(before), keyboard=keyboard)
    return context.deliver(*shrunk, *_showing(said, before.id))


@_of_last_text
def redo(context: UpdateContext, story: Story, head: Prompt) -> UpdateResult:
    """«↪️ Вернуть»: bring the turn back that was taken from here."""
    if context.writing:
        return context.toast("toast.writing")
    after = context.db.tree.after(head)
    if after is None:
        return context.toast("toast.past")
    if context.user.id not in (story.user_id, head.user_id, after.user_id):
        return context.toast("toast.not_yours_to_change")
    context.db.tree.set_head(story.session_id, after.id, now())
    context.db.outbox.hide(context.chat_id, context.message_id)
    said = context.edit("undo.brought_back", recall=message_view.recalled(after))
    return said + show_last(context, story, after)


def show_last(context: UpdateContext, story: Story, prompt: Prompt) -> UpdateResult:
    """Show the story's last text as a new message, with its buttons."""
    keyboard = keyboard_of(context, story, prompt)
    return context.deliver(*message_view.part(context.chat_id, prompt.id, message_view.read_text(prompt), keyboard))


def _showing(said: UpdateResult, prompt_id: int) -> list[Outgoing]:
    """Return messages that show a text of the story, so that replies to them count."""
    return [replace(message, prompt_id=prompt_id) for message in said.messages]


# ---------------------------------------------------------------------- for every member


@_of_last_text
def suggest(context: UpdateContext, story: Story, _: Prompt) -> UpdateResult:
    """«💡 Подскажи»: ask for three ways on, at the cost of who asks."""
    if story.finished:
        return context.toast("toast.past")
    if context.writing:
        return context.toast("toast.writing")
    return rewriting.suggest(at_story(context, story).replying_to(context.message_id))


def suggest_again(context: UpdateContext, suggestion_id: int) -> UpdateResult:
    """Ask for other suggestions."""
    story = open_story(context)
    if story is None:
        return context.toast("toast.past")
    return rewriting.suggest_again(at_story(context, story), suggestion_id)


def play(context: UpdateContext, suggestion_id: int, place: int) -> UpdateResult:
    """«1» «2» «3»: take a suggestion as the words of who pressed."""
    story = open_story(context)
    if story is None or story.finished:
        return context.toast("toast.past")
    return rewriting.play(at_story(context, story).replying_to(context.message_id), suggestion_id, place)


@_of_last_text
def more(context: UpdateContext, story: Story, _: Prompt) -> UpdateResult:
    """«⚙️ Ещё»: offer what can be made of the story so far."""
    number = story.session_id
    rows = [
        [context.button("read", f"read:{number}"), context.button("download", f"files:{number}")],
        [context.button("illustrate", f"picture:{number}"), context.button("narrate", f"voice:{number}")],
        [context.button("share", f"share:{number}"), context.button("new_story", f"g_new:{number}")],
        *group_settings.rows(context, story),
        [context.button("group_sign", f"g_sign:{number}")],
    ]
    said = context.replying_to(context.message_id)
    return said.say("group_story.more", title=title_of(story), keyboard=inline(*rows))


def sign(context: UpdateContext, story: Story) -> UpdateResult:
    """«✍️ Моё имя в книге»: name a member who has written in the story's book, or no more."""
    if context.user.id not in (story.user_id, *context.db.group_stories.writers(story.session_id, 0)):
        return context.toast("toast.write_first")
    signed = context.db.group_stories.sign(story.session_id, context.user.id)
    return context.toast("toast.signed" if signed else "toast.unsigned")


def read(context: UpdateContext, story: Story) -> UpdateResult:
    """«📖 Читать»: show the whole story; a long one as files, since a group gets few messages a minute."""
    text = message_view.text_of(context.db.tree.whole(story.head_id, story.starts_after))
    if len(split(text)) <= MOST_READ:
        return story_screen.read(context, story)
    buttons = [(name.upper(), f"{name}:{story.session_id}") for name in FORMATS]
    return context.say("group_story.long", title=title_of(story), keyboard=inline(buttons))


def read_open(context: UpdateContext) -> UpdateResult:
    """/whole_story: show the open story."""
    story = open_story(context)
    return read(context, story) if story is not None else NOTHING


def show_story(context: UpdateContext) -> UpdateResult:
    """/continue: show the last part of the open story again, with its buttons."""
    story = open_story(context)
    head = context.db.tree.get(story.head_id) if story is not None else None
    if story is None or head is None or context.writing:
        return to_sender(context, context.say("group_story.nothing_yet"))
    return context.say("group_story.line", title=title_of(story)) + show_last(context, story, head)


def resume(context: UpdateContext, story: Story) -> UpdateResult:
    """Go on with one of the group's stories: who began it or wrote in it."""
    writers = context.db.group_stories.writers(story.session_id, 0)
    if context.user.id != story.user_id and context.user.id not in writers:
        return context.toast("toast.not_yours_to_open")
    if context.writing:
        return context.toast("toast.writing")
    context.db.talks.resume(story.session_id, now())
    head = context.db.tree.get(story.head_id)
    if head is None:
        refusal = over_limit(context, "part", story.session_id)
        there = context.replying_to(context.message_id)
        return refusal or there.start_turn("part", story.session_id, None)
    line = context.say("group_story.line", title=title_of(story))
    return line + show_last(context, story, head)
