"""What stands in the way of an action: a limit, or words that are too long.

Each function returns what to say about it, or None if nothing stands in the way.
"""

from __future__ import annotations

from conversation.steps import WORD_LIMITS
from core.errors import LimitReached
from handlers.context import UpdateContext
from handlers.step_prompts import awaited
from telegram.update_result import UpdateResult
from turns import limits
from turns.message_view import as_reply, only_for


def over_limit(
    context: UpdateContext, kind: str, session_id: int | None, tokens: int | None = None
) -> UpdateResult | None:
    """Check every limit of a turn that takes at least `tokens`; None: as many as the shortest turn of this kind."""
    try:
        context.turns.check(context.user, session_id, kind, tokens)
    except LimitReached as limit:
        message = context.kinds[kind].limit_message(context.user.id, context.chat_id, session_id, limit)
        return context.deliver(only_for(as_reply(message, context.message.reply_to), context.user.id))
    return None


def over_prompt(context: UpdateContext) -> UpdateResult | None:
    """Check that the user's words take at most half of a prompt; say how much to cut.

    One message may take two thirds: Telegram's longest is to fit, also where a tokenizer splits Cyrillic finely.
    """
    budget = limits.prompt_budget(context.config, context.model.context_tokens)
    limit, tokens = budget // 2, context.turns.estimate(context.words)
    if tokens <= limit or (not context.message.pieces and tokens <= budget * 2 // 3):
        return None
    chars = len(context.words) * limit // tokens
    key = "problem.too_long_in_pieces" if context.message.pieces else "problem.too_long"
    return context.say(key, limit=limit, tokens=tokens, chars=chars)


def over_step(context: UpdateContext, limit: int | None = None) -> UpdateResult | None:
    """Check that the user's words keep to the step's limit of characters, or to `limit`."""
    limit = WORD_LIMITS[context.step] if limit is None else limit
    if len(context.words) <= limit:
        return None
    return context.say_here("wrong.too_long", length=len(context.words), limit=limit, now=awaited(context))
