"""Reactions on the bot's messages: whether a text of the model was liked, which `/stats` counts by model."""

from __future__ import annotations

from typing import Final

from telebot import types

from handlers.context import Services
from telegram.update_result import NOTHING, IncomingUpdate, UpdateResult

LIKED: Final = frozenset("👍❤🔥🥰👏😁🎉🤩🙏👌😍🐳💯🤣⚡🏆🍾💋😇🤗🆒💘🦄😘😎") | {"❤‍🔥", "❤️"}
DISLIKED: Final = frozenset("👎🤬🤮💩🤡🥱🥴💔😐🖕😴🙈🤨😡")


def on_reaction(services: Services, incoming: IncomingUpdate, reaction: types.MessageReactionUpdated) -> UpdateResult:
    """Note what a registered user thinks of the text that a message shows; other emoji take an opinion back."""
    user = services.db.users.get(reaction.user.id) if reaction.user is not None else None
    prompt_id = services.db.outbox.shown(reaction.chat.id, reaction.message_id)
    if user is None or not prompt_id:
        return NOTHING
    emoji = [one.emoji for one in reaction.new_reaction if isinstance(one, types.ReactionTypeEmoji)]
    liked = opinion_of(emoji)
    if liked is None:
        services.db.opinions.take_back(prompt_id, user.id)
    else:
        services.db.opinions.put(prompt_id, user.id, liked=liked)
    return NOTHING


def opinion_of(emoji: list[str]) -> bool | None:
    """Return whether these emoji praise; None if they say neither, or both."""
    praised, blamed = any(one in LIKED for one in emoji), any(one in DISLIKED for one in emoji)
    return praised if praised != blamed else None
