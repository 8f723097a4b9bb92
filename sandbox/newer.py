"""Play the newer means of the Bot API: effects, ephemeral messages, and servers that refuse a field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.telegram_profile import ApiError
from sandbox.telegram_state import Chat, Json

# The effects that everybody may use.
EFFECTS: Mapping[str, str] = {
    "5104841245755180586": "🔥",
    "5107584321108051014": "👍",
    "5104858069142078462": "👎",
    "5159385139981059251": "❤️",
    "5046509860389126442": "🎉",
    "5046589136895476101": "💩",
}
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
