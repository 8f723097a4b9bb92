"""What the handlers of groups share: the story, who may lead it, waiting words, and messages that one member sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from conversation.steps import Step
from database import Story
from handlers.context import UpdateContext
from handlers.story import MOST_QUEUED
from telegram.update_result import UpdateResult
from turns.message_view import only_for


def to_sender(context: UpdateContext, said: UpdateResult) -> UpdateResult:
    """Return what is said as messages that the sender of the update alone sees."""
    return replace(said, messages=tuple(only_for(message, context.user.id) for message in said.messages))


def open_story(context: UpdateContext) -> Story | None:
    """Return the story that the group's topic writes, or has finished last."""
    return context.db.stories.open_in(context.chat_id, context.topic_id)


def wait(context: UpdateContext, session_id: Callable[[], int]) -> UpdateResult:
    """Let words wait for the running turn, in the session that they belong to; say nothing unless they can't.

    `session_id` is called only if they do: it may begin a talk.
    """
    if context.update.queued_for:
        return context.queue(context.update.queued_for)
    waiting = context.db.inbox.queued_in(context.chat_id, context.topic_id)
    if waiting >= MOST_QUEUED:
        return to_sender(context, context.say_once_a_minute("group.busy_full", n=waiting))
    return context.queue(session_id())


def at_story(context: UpdateContext, story: Story) -> UpdateContext:
    """Return a context in which the member is at the group's story, as a user of a private chat is at theirs.

    Their own step and open story stay as they are.
    """
    step = Step.FINISHED if story.finished else Step.STORY
    return replace(context, user=replace(context.user, step=step, session_id=story.session_id))


def may_lead(context: UpdateContext, story: Story) -> bool:
    """Whether the member began the story, or made its last move."""
    head = context.db.tree.get(story.head_id)
    return context.user.id == story.user_id or (head is not None and head.user_id == context.user.id)
