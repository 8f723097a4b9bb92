"""Implement the Bot API's methods for chats, files and callback answers, and find the chat that a call names."""

from __future__ import annotations

import random
from abc import ABC
from collections import deque

from sandbox.forum_topics import TopicMethods
from sandbox.inline_mode import InlineMethods
from sandbox.telegram_json import chat_json
from sandbox.telegram_profile import TOO_OLD, ApiError
from sandbox.telegram_state import CallbackAnswer, Chat, Json, State

DOWNLOAD_LIMIT = 20 * 1024 * 1024
QUERY_LIFE_S = 300


class ChatMethods(TopicMethods, InlineMethods, ABC):
    """The methods for chats. `violations`: what broke the contract."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.violations: deque[str] = deque(maxlen=10_000)

    def _violated(self, method: str, problem: str, description: str) -> ApiError:
        self.violations.append(f"{method}: {problem}")
        return ApiError(400, f"Bad Request: {description}")

    def _chat(self, values: Json) -> Chat:
        """Return the chat that a call goes to. Raises `ApiError` if its user hasn't written to the bot."""
        chat_id = values.get("chat_id")
        if chat_id is None:
            raise self._violated("chat_id", "is missing", "chat_id is empty")
        chat = self.state.chats.get(chat_id) if isinstance(chat_id, int) else None
        if chat is None or not chat.started:
            raise ApiError(400, "Bad Request: chat not found")
        if chat.blocked:
            who = "was blocked by the user" if chat.type == "private" else "was kicked from the supergroup chat"
            raise ApiError(403, f"Forbidden: bot {who}")
        return chat

    def _topic(self, chat: Chat, values: Json) -> int:
        """Return the topic that a call names; 0 if none. A forum's main topic can't be named."""
        topic_id = int(values.get("message_thread_id") or 0)
        if topic_id and topic_id not in chat.topics:
            raise ApiError(400, "Bad Request: message thread not found")
        return topic_id

    def _answerCallbackQuery(self, values: Json) -> bool:
        with self.state.lock:
            query_id = values["callback_query_id"]
            query = self.state.queries.get(query_id)
            if query is None or query.answered or self.state.clock() - query.asked_at > QUERY_LIFE_S:
                raise ApiError(400, TOO_OLD)
            query.answered = True
            chat = self.state.chats[query.chat_id]
            answer = CallbackAnswer(
                query_id, values.get("text", ""), bool(values.get("show_alert")), values.get("url", "")
            )
            chat.answers.append(answer)
            self.state.touch(chat, "action")
            self.state.tell_page(
                chat.id, "answer", query=query_id, text=answer.text, alert=answer.show_alert, url=answer.url
            )
            return True

    def _getFile(self, values: Json) -> Json:
        with self.state.lock:
            file_id = values["file_id"]
            if file_id not in self.state.files:
                raise ApiError(400, "Bad Request: invalid file_id")
            name, data = self.state.files[file_id]
            if len(data) > DOWNLOAD_LIMIT:
                raise ApiError(400, "Bad Request: file is too big")
            ending = name.rpartition(".")[2] if "." in name else "bin"
            return {
                "file_id": file_id,
                "file_unique_id": f"AgAD{file_id[-8:]}",
                "file_size": len(data),
                "file_path": f"files/{file_id}.{ending}",
            }

    def _getMe(self, values: Json) -> Json:
        return {
            **self.bot,
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_guest_queries": True,
            "supports_inline_queries": self.inline_mode,
            "has_main_web_app": False,
            "has_topics_enabled": self.has_topics,
            "allows_users_to_create_topics": self.has_topics,
        }

    def _getChat(self, values: Json) -> Json:
        with self.state.lock:
            return {**chat_json(self.state, self._chat(values)), "accent_color_id": random.randrange(7)}

    def _getChatMember(self, values: Json) -> Json:
        with self.state.lock:
            chat = self._chat(values)
            user = self.state.users.get(values["user_id"])
            if user is None:
                raise ApiError(400, "Bad Request: invalid user_id specified")
            status = "member" if user.id in chat.members else "left"
            return {"user": {"id": user.id, "is_bot": False, "first_name": user.first_name}, "status": status}

    def _getChatMemberCount(self, values: Json) -> int:
        with self.state.lock:
            return len(self._chat(values).members) + 1
