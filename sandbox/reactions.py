"""Reactions of users on messages."""

from __future__ import annotations

from dataclasses import replace

from sandbox.telegram_json import chat_json, user_json
from sandbox.telegram_state import Json
from sandbox.users import ChatUser

# Reactions of everybody, as the Bot API lists them (the first of them).
REACTIONS = ("👍", "👎", "❤", "🔥", "🥰", "👏", "😁", "🤔", "😱", "😢", "🎉", "🤩", "🤮", "💩", "🥱", "💔", "💯", "🏆")


def react(person: ChatUser, message_id: int, emoji: str) -> None:
    """Set a user's reaction on a message, "" takes it back; the bot gets an update. Raise `ValueError`."""
    state, chat = person.state, person.chat
    with state.lock:
        message = state.message(chat, message_id)
        if message is None or (emoji and emoji not in REACTIONS):
            raise ValueError(f"no reaction {emoji!r} on message {message_id}")
        before = (message.reactions or {}).get(str(person.id), "")
        kept = {user: given for user, given in (message.reactions or {}).items() if user != str(person.id)}
        state.put_message(
            chat, replace(message, reactions=kept | ({str(person.id): emoji} if emoji else {})), "message"
        )
        value: Json = {
            "chat": chat_json(state, chat),
            "message_id": message_id,
            "user": user_json(person.user),
            "date": int(state.clock()),
            "old_reaction": [{"type": "emoji", "emoji": before}] if before else [],
            "new_reaction": [{"type": "emoji", "emoji": emoji}] if emoji else [],
        }
        state.add_update("message_reaction", value)
