"""A finished story: what can still be done with it."""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.steps import Step
from database import Story
from handlers.context import UpdateContext
from handlers.refusals import over_limit
from handlers.step_prompts import announce
from telegram.update_result import NOTHING, UpdateResult
from turns.message_view import end_rows, title_of


def ways(context: UpdateContext, story: Story) -> UpdateResult:
    """Return a message with a button for each thing that can be done with a finished story."""
    keyboard = inline(*end_rows(context.texts, story.session_id))
    return context.say("finished.ways", title=title_of(story), keyboard=keyboard)


def write_epilogue(context: UpdateContext, story: Story) -> UpdateResult:
    """«✍️ Эпилог»: have the model write an epilogue by itself, and open the story."""
    if not story.finished:
        return context.toast("toast.past")
    if context.writing:
        return context.toast("toast.writing")
    if refusal := over_limit(context, "epilogue", story.session_id):
        return refusal
    context.open(story.session_id)
    arrived = NOTHING
    if context.step is not Step.FINISHED:
        context.go(Step.FINISHED)
        arrived = announce(context)
    started = context.start_turn("epilogue", story.session_id, story.head_id)
    return arrived + context.say_meanwhile("finale.epilogue_writing") + started
