"""A group with the bot in it, as tests and the page handle it: who is in it, and how the bot comes in.

Doesn't cover leaving, administrators and topics.
"""

from __future__ import annotations

from sandbox.telegram_api import BotApi
from sandbox.telegram_json import chat_json, user_json
from sandbox.telegram_state import Chat, ChatMessage
from sandbox.users import ChatUser, NotShown, membership


class Group:
    """A group with the bot in it."""

    def __init__(self, api: BotApi, chat: Chat) -> None:
        self.api, self.chat = api, chat

    @property
    def id(self) -> int:
        """The chat's number in Telegram."""
        return self.chat.id

    def member(self, user: ChatUser) -> ChatUser:
        """The same user, acting in this group."""
        if user.id not in self.chat.members:
            raise NotShown(f"{user.user.first_name} is not in «{self.chat.title}»")
        return ChatUser(self.api, user.user, self.chat)

    @property
    def messages(self) -> list[ChatMessage]:
        """A copy of all the group's messages, deleted ones too."""
        with self.api.state.lock:
            return list(self.chat.messages.values())

    def welcome_bot(self, user: ChatUser) -> None:
        """Tells the bot, and the chat, that this member has added it."""
        state, bot = self.api.state, self.api.bot
        with state.lock:
            value = {
                "chat": chat_json(state, self.chat),
                "from": user_json(user.user),
                "date": int(state.clock()),
                "old_chat_member": membership(bot, "left"),
                "new_chat_member": membership(bot, "member"),
            }
            state.add_update("my_chat_member", value)
            self.member(user).happens({"new_chat_members": [bot]})
