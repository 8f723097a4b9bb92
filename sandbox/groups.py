"""Act on a group that the bot is in: its members, and how the bot was added and removed.

Doesn't cover administrators.
"""

from __future__ import annotations

from sandbox.telegram_api import BotApi
from sandbox.telegram_json import chat_json, membership, user_json
from sandbox.telegram_state import Chat, ChatMessage
from sandbox.users import ChatUser, NotShown


class Group:
    """A group with the bot in it."""

    def __init__(self, api: BotApi, chat: Chat) -> None:
        self.api, self.chat = api, chat

    @property
    def id(self) -> int:
        return self.chat.id

    def member(self, user: ChatUser) -> ChatUser:
        """Return the same user, acting in this group. Raises `NotShown` if they aren't a member."""
        if user.id not in self.chat.members:
            raise NotShown(f"{user.user.first_name} is not in «{self.chat.title}»")
        return ChatUser(self.api, user.user, self.chat)

    @property
    def messages(self) -> list[ChatMessage]:
        """All messages of the group, deleted ones too."""
        with self.api.state.lock:
            return list(self.chat.messages.values())

    def welcome_bot(self, user: ChatUser) -> None:
        """Send the updates of a member who adds the bot."""
        self._change_bot(user, "left", "member")
        self.member(user).happens({"new_chat_members": [self.api.bot]})

    def dismiss_bot(self, user: ChatUser) -> None:
        """Send the update of a member who removes the bot."""
        self._change_bot(user, "member", "kicked")

    def _change_bot(self, user: ChatUser, before: str, after: str) -> None:
        state, bot = self.api.state, self.api.bot
        with state.lock:
            value = {
                "chat": chat_json(state, self.chat),
                "from": user_json(user.user),
                "date": int(state.clock()),
                "old_chat_member": membership(bot, before),
                "new_chat_member": membership(bot, after),
            }
            state.add_update("my_chat_member", value)
