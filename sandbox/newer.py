"""Play the newer means of the Bot API: effects, ephemeral messages, reactions, and servers that refuse a field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox.telegram_json import chat_json, user_json
from sandbox.telegram_profile import ApiError
from sandbox.telegram_state import Chat, Json

if TYPE_CHECKING:
    from sandbox.users import ChatUser

# The effects that everybody may use.
EFFECTS: Mapping[str, str] = {
    "5104841245755180586": "🔥",
    "5107584321108051014": "👍",
    "5104858069142078462": "👎",
    "5159385139981059251": "❤️",
    "5046509860389126442": "🎉",
    "5046589136895476101": "💩",
}
# Reactions of everybody, as the Bot API lists them (the first of them).
REACTIONS = ("👍", "👎", "❤", "🔥", "🥰", "👏", "😁", "🤔", "😱", "😢", "🎉", "🤩", "🤮", "💩", "🥱", "💔", "💯", "🏆")
_REFUSALS = {
    "copy_text": "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    "disabled": "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    "style": 'can\'t parse inline keyboard button: Field "style" is unsupported',
    "message_effect_id": "EFFECT_ID_INVALID",
    "ephemeral_message_parameters": "can't send ephemeral messages",
}


def effect(chat: Chat, values: Json) -> str:
    """Return the effect that a call names; empty if none. Raise `ApiError` for an unknown one and in a group."""
    wanted = str(values.get("message_effect_id", ""))
    if wanted and (chat.type != "private" or wanted not in EFFECTS):
        raise ApiError(400, "Bad Request: EFFECT_ID_INVALID")
    return wanted


def receiver(chat: Chat, values: Json) -> int:
    """Return the one user who gets an ephemeral message; 0 for any other message. Raise `ApiError`."""
    wanted = values.get("ephemeral_message_parameters")
    if not wanted:
        return 0
    if chat.type == "private":
        raise ApiError(400, "Bad Request: ephemeral messages can be sent only to groups and supergroups")
    user_id = int(wanted["receiver_user_id"])
    if user_id not in chat.members:
        raise ApiError(400, "Bad Request: USER_NOT_PARTICIPANT")
    return user_id


def refuse(refused: frozenset[str], parameters: Mapping[str, Any]) -> None:
    """Refuse a call with a field that this server doesn't know. Raise `ApiError`."""
    sent = str(dict(parameters))
    for name in refused:
        if f"'{name}'" in sent or f'"{name}"' in sent:
            raise ApiError(400, f"Bad Request: {_REFUSALS[name]}")


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
