"""Play topics of private chats: making, naming and deleting them, and what Telegram refuses.

`has_topics` is the switch of @BotFather: topics in private chats. Closing a topic is for forums alone.
"""

from __future__ import annotations

from dataclasses import replace

from sandbox.payments import PaymentMethods
from sandbox.telegram_json import add_service_message
from sandbox.telegram_profile import ApiError
from sandbox.telegram_state import BOT_ID, Chat, Json, State

COLOR = 7322096


class TopicMethods(PaymentMethods):
    """The methods for topics."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.has_topics = False

    def _forum(self, values: Json, *, private_too: bool = True) -> Chat:
        chat = self._chat(values)
        if chat.type == "private" and not (self.has_topics and private_too):
            raise ApiError(400, "Bad Request: the chat is not a forum")
        if chat.type != "private":
            raise ApiError(400, "Bad Request: not enough rights to create a topic")
        return chat

    def _topic_of(self, chat: Chat, values: Json) -> int:
        topic_id = int(values["message_thread_id"])
        if topic_id not in chat.topics:
            raise ApiError(400, "Bad Request: TOPIC_ID_INVALID")
        return topic_id

    def _createForumTopic(self, values: Json) -> Json:
        with self.state.lock:
            chat, name = self._forum(values), values["name"]
            topic_id = self._service(chat, {"forum_topic_created": {"name": name, "icon_color": COLOR}}, 0)
            chat.topics[topic_id] = name
            self.state.touch(chat, "chat")
            return {"message_thread_id": topic_id, "name": name, "icon_color": COLOR}

    def _editForumTopic(self, values: Json) -> bool:
        with self.state.lock:
            chat = self._forum(values)
            topic_id, name = self._topic_of(chat, values), values.get("name") or ""
            if name in ("", chat.topics[topic_id]):
                raise ApiError(400, "Bad Request: TOPIC_NOT_MODIFIED")
            chat.topics[topic_id] = name
            self._service(chat, {"forum_topic_edited": {"name": name}}, topic_id)
            self.state.touch(chat, "chat")
            return True

    def _deleteForumTopic(self, values: Json) -> bool:
        with self.state.lock:
            chat = self._forum(values)
            self.delete_topic(chat, self._topic_of(chat, values))
            return True

    def _closeForumTopic(self, values: Json) -> bool:
        with self.state.lock:
            self._forum(values, private_too=False)
        raise AssertionError("unreachable")

    _reopenForumTopic = _closeForumTopic

    def delete_topic(self, chat: Chat, topic_id: int) -> None:
        """Delete a topic with its messages, as its user or the bot does."""
        with self.state.lock:
            del chat.topics[topic_id]
            for message in list(chat.messages.values()):
                if not message.deleted and topic_id in (message.id, message.topic_id):
                    self.state.put_message(chat, replace(message, deleted=True), "delete")
            if chat.draft is not None and chat.draft.topic_id == topic_id:
                chat.draft = None
            self.state.touch(chat, "chat")

    def _service(self, chat: Chat, service: Json, topic_id: int) -> int:
        added = add_service_message(self.state, self.bot, chat, service, sender_id=BOT_ID, topic_id=topic_id)
        return int(added["message_id"])
