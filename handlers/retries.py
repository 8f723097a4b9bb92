"""«🔁 Повторить» and «🔁 Смягчить» under a failure: the failed turn is asked again."""

from __future__ import annotations

from conversation.steps import Step
from database import Story, Turn
from handlers import answer_voices, assistant, media
from handlers import story as story_screen
from handlers.context import UpdateContext
from handlers.refusals import over_limit
from telegram.update_result import UpdateResult
from turns.kinds.speaking import SpokenAnswer
from turns.turn_kind import BelongsTo


def once_more(context: UpdateContext, turn_id: int, *, soft: bool) -> UpdateResult:
    """Ask a failed turn again, a story's only if the story still stands where it failed."""
    turn = context.db.turns.get(turn_id)
    if turn is None or turn.user_id != context.user.id or turn.chat_id != context.chat_id:
        return context.toast("toast.foreign")
    if turn.kind == SpokenAnswer.name:
        return answer_voices.once_more(context, turn)
    belongs_to = context.kinds[turn.kind].belongs_to
    if belongs_to is BelongsTo.TALK:
        return assistant.once_more(context, turn, soft=soft)
    if belongs_to is BelongsTo.NOTHING:
        return media.once_more(context, turn)
    return _of_a_story(context, turn, soft=soft)


def _of_a_story(context: UpdateContext, turn: Turn, *, soft: bool) -> UpdateResult:
    story = context.db.stories.get(turn.session_id)
    if turn.state != "failed" or story is None or story.deleted or not _stands_at(context, story, turn):
        return context.toast("toast.past")
    if context.writing or context.turns.writes_in(story.session_id):  # it may write in another topic
        return context.toast("toast.writing")
    if refusal := over_limit(context, turn.kind, story.session_id):
        return refusal
    result = context.drop_buttons()
    if context.user.session_id == story.session_id and context.step in (Step.MENU, Step.FINALE):
        result += story_screen.enter(context, story)
    return result + context.replying_to(turn.reply_to).start_turn(
        turn.kind, turn.session_id, turn.prompt_id, hint=turn.hint, soft=soft or turn.soft, variant=turn.variant
    )


def _stands_at(context: UpdateContext, story: Story, turn: Turn) -> bool:
    """Whether nothing was written since: the head is what the turn began from, or what it left unfinished."""
    head_id = story.head_id
    if head_id == turn.prompt_id:
        return True
    tree = context.db.tree
    begun_from = tree.get(turn.prompt_id)
    if begun_from is not None and begun_from.role == "user" and begun_from.parent_id == head_id:
        return True
    head = tree.get(head_id)
    if head is None:
        return False
    if head.turn_id == turn.id or (turn.variant and head.parent_id == turn.prompt_id):
        return True
    half = context.db.turns.get(head.turn_id)
    return half is not None and half.state == "failed" and head.parent_id == turn.prompt_id
