"""The ids of chats in which the bot is a guest: called by a mention, without being a member.

Telegram says that the id of such a chat may be that of another chat of the bot. The bot stores it under a number of
its own, which no chat of Telegram has and from which the chat's id can't be read.
"""

from __future__ import annotations

import hashlib
from typing import Final

_FIRST: Final = 1 << 60  # Telegram's ids have 52 bits
_BYTES: Final = 7


def guest_chat_id(chat_id: int, caller_id: int) -> int:
    """Return the bot's own number of a chat. A private chat has one for each caller: its id differs by who looks."""
    place = str(chat_id) if chat_id < 0 else f"{chat_id}:{caller_id}"
    digest = hashlib.blake2b(place.encode(), digest_size=_BYTES, person=b"guest chat").digest()
    return -_FIRST - int.from_bytes(digest, "big")


def is_guest_chat(chat_id: int) -> bool:
    """Return whether a chat takes nothing from the bot but the answer to a query."""
    return chat_id <= -_FIRST
