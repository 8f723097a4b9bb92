"""Decide which messages of a group a bot in privacy mode gets.

A command without a name counts for the bot too: it is the only one in these groups.
"""

from __future__ import annotations

from sandbox.telegram_state import Chat, ChatMessage


def is_meant(chat: Chat, message: ChatMessage, username: str) -> bool:
    """Return whether the message is a command, mentions the bot, replies to it, or is a service message."""
    replied = chat.messages.get(message.reply_to or 0)
    if message.service is not None or (replied is not None and replied.from_bot):
        return True
    name = f"@{username}".lower()
    units = message.text.encode("utf-16-le")
    for entity in message.entities:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        words = units[2 * start : 2 * end].decode("utf-16-le").lower()
        if entity["type"] == "bot_command" and ("@" not in words or words.endswith(name)):
            return True
        if entity["type"] == "mention" and words == name:
            return True
    return False
