"""The story's screens: writing on, the ending, reading it whole, and words that come while the model writes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from conversation.steps import TALKING, Step
from core.text import split
from database import REFUSED, Story, Turn
from handlers.context import UpdateContext, join, now, stop_turn
from handlers.refusals import over_limit, over_prompt, over_step
from handlers.step_prompts import announce, awaited, story_line
from telegram.update_result import UpdateResult
from turns.message_view import text_of, title_of

MOST_QUEUED = 5  # messages that wait for the running turn
OWN_ENDING_CHARS = 300


def of_open_story(action: Callable[[UpdateContext, Story], UpdateResult]) -> Callable[[UpdateContext], UpdateResult]:
    """Decorate what is done with the open story: without one, the user goes back to the menu."""

    @wraps(action)
    def checked(context: UpdateContext) -> UpdateResult:
        story = context.story
        return action(context, story) if story is not None else lost(context)

    return checked


def open_story(context: UpdateContext) -> UpdateResult:
    """Go back to the open story, exactly where it stopped."""
    story = context.story
    if story is None or story.finished:
        return context.say_here("menu.no_story")
    came_from = context.step
    context.go(Step.STORY)
    return context.say_here("finale.kept") if came_from is Step.FINALE else announce(context)


def enter(context: UpdateContext, story: Story) -> UpdateResult:
    """Move the user to their open story, and say where it stands."""
    context.go(Step.STORY)
    return context.send(story_line(context, story), keyboard=context.keyboard())


@of_open_story
def write_from_words(context: UpdateContext, story: Story) -> UpdateResult:
    """Take the user's words as the next part, and have the model write on from them."""
    if refusal := over_prompt(context) or over_limit(context, "part", story.session_id):
        context.show(REFUSED)
        return refusal
    return write_words(context, story, story.head_id, context.words)


def write_words(
    context: UpdateContext, story: Story, below_id: int | None, words: str, kind: str = "part"
) -> UpdateResult:
    """Put words under a prompt of the story and ask for what comes after them."""
    db = context.db
    prompt_id = db.tree.add(story.session_id, below_id, context.user.id, "user", words, now=now())
    context.show(prompt_id)
    return context.start_turn(kind, story.session_id, prompt_id)


@of_open_story
def write_on(context: UpdateContext, story: Story) -> UpdateResult:
    """Have the model write the next part by itself."""
    refusal = over_limit(context, "part", story.session_id)
    return refusal or context.start_turn("part", story.session_id, story.head_id)


def ask_ending(context: UpdateContext) -> UpdateResult:
    """Ask which ending to write; refuse if no story is open, or it has no part yet."""
    story = context.story
    if story is None or story.finished:
        return context.say_here("wrong.button", now=awaited(context))
    if context.db.tree.parts(story.head_id, story.starts_after) == 0:
        context.go(Step.STORY)
        return context.say_here("finale.too_early")
    context.go(Step.FINALE)
    return announce(context)


def write_ending(context: UpdateContext) -> UpdateResult:
    """Have the ending written that the pressed button names."""
    return _write_ending(context, hint=context.key.removeprefix("ending_"))


def write_own_ending(context: UpdateContext) -> UpdateResult:
    """Have an ending written as the user's words wish it."""
    return over_step(context, OWN_ENDING_CHARS) or _write_ending(context, hint=context.words)


def _write_ending(context: UpdateContext, *, hint: str) -> UpdateResult:
    story = context.story
    if story is None:
        return lost(context)
    if refusal := over_limit(context, "ending", story.session_id):
        return refusal
    context.go(Step.STORY)
    started = context.start_turn("ending", story.session_id, story.head_id, hint=hint)
    return context.say_here("finale.writing") + started


def whole_story(context: UpdateContext) -> UpdateResult:
    """Show the open story from its first line."""
    story = context.story
    return read(context, story) if story is not None else context.say("whole.nothing")


def read(context: UpdateContext, story: Story) -> UpdateResult:
    """Show a story in as many messages as it takes, between a header and a line about its end."""
    prompts = context.db.tree.whole(story.head_id, story.starts_after)
    if not prompts:
        return context.say("whole.empty")
    text = text_of(prompts)
    parts = sum(prompt.role == "assistant" for prompt in prompts)
    header = context.say("whole.header", title=title_of(story), genre=story.genre, parts=parts, chars=len(text))
    pieces = join([context.send_plain(piece) for piece in split(text)])
    return header + pieces + context.say("whole.finished" if story.finished else "whole.unfinished")


# ---------------------------------------------------------------------- words that come while it writes


def queue_words(context: UpdateContext) -> UpdateResult:
    """Queue words said while the model writes: they become the next turns, in order."""
    update, db = context.update, context.db
    if update.queued_for:
        return context.queue(update.queued_for)  # the user was told before
    waiting = db.inbox.queued_in(context.chat_id, context.topic_id)
    if waiting >= MOST_QUEUED:
        context.show(REFUSED)
        return context.say_once_a_minute("story.busy_full", n=waiting)
    if context.step is Step.CHAT:
        context.open_talk()  # the first talk begins now: words behind these belong to it too
    buttons = [
        context.button("not_needed", f"drop:{update.inbox_id}"),
        context.button("stop", f"stop_before:{update.inbox_id}"),
    ]
    busy = "chat.busy" if context.step in TALKING else "story.busy"
    return context.say_meanwhile(busy, keyboard=context.inline(*buttons)) + context.queue(context.words_go_to)


def already_writing(context: UpdateContext) -> UpdateResult:
    """Say that a part is being written, so that the next one has to wait; or what else is being made."""
    turn = _open_turn(context)
    return context.say("story.busy_next") if turn is None or turn.kind == "part" else busy_writing(context)


def busy_writing(context: UpdateContext) -> UpdateResult:
    """Say what is being made, and that a button doesn't work meanwhile."""
    turn = _open_turn(context)
    if turn is None:  # messages wait for one
        return context.say("wrong.button", now=context.texts.say("now.writing"))
    return context.say("wrong.busy", what=context.texts.say(context.kinds[turn.kind].wait_line))


def stop_writing(context: UpdateContext) -> UpdateResult:
    """End the open turn at once; what was written is kept."""
    turn = _open_turn(context)
    return stop_turn(context.turns, turn) if turn is not None else nothing_to_stop(context)


def _open_turn(context: UpdateContext) -> Turn | None:
    return context.turns.open_in(context.chat_id, context.topic_id)


def nothing_to_stop(context: UpdateContext) -> UpdateResult:
    """Say that nothing is being written."""
    if context.step is Step.STORY:
        return context.say_here("story.nothing_to_stop")
    return nothing_to_cancel(context)


def nothing_to_cancel(context: UpdateContext) -> UpdateResult:
    """Say that there is nothing to cancel, and what the user's step waits for."""
    return context.say_here("cancel.nothing", now=awaited(context))


def lost(context: UpdateContext) -> UpdateResult:
    """Go back to the menu and say that no story is open."""
    context.go(Step.MENU)
    return context.say_here("menu.no_story")
