"""Topics of private chats in Telegram's stand-in: what it makes, names and deletes, and what it refuses."""

from __future__ import annotations

import pytest

from sandbox.telegram import TelegramServer
from sandbox.telegram_api import BotApi
from sandbox.telegram_profile import ApiError


def refused(api: BotApi, method: str, **values: object) -> str:
    with pytest.raises(ApiError) as error:
        api.call(method, {"chat_id": 1, **values}, {}, typed=True)
    return error.value.description


def test_topics_are_made_named_and_deleted_and_refused_as_telegram_refuses_them() -> None:
    with TelegramServer("127.0.0.1", 0) as server:
        api, person = server.api, server.user(1, "Анна")
        person.send("/start")
        assert api.call("getMe", {}, {}, typed=True)["has_topics_enabled"] is False
        assert refused(api, "createForumTopic", name="Маяк") == "Bad Request: the chat is not a forum"
        api.has_topics = True
        made = api.call("createForumTopic", {"chat_id": 1, "name": "Маяк"}, {}, typed=True)
        thread = {"message_thread_id": made["message_thread_id"]}
        topic = person.in_topic("Маяк")
        api.call("sendMessage", {"chat_id": 1, "text": "Здесь.", **thread}, {}, typed=True)
        assert topic.wait("Здесь.", since=0).topic_id == topic.topic_id
        assert refused(api, "closeForumTopic", **thread) == "Bad Request: the chat is not a forum"
        assert refused(api, "editForumTopic", name="Маяк", **thread) == "Bad Request: TOPIC_NOT_MODIFIED"
        assert api.call("editForumTopic", {"chat_id": 1, "name": "Туман", **thread}, {}, typed=True) is True
        topic.delete_topic()
        assert refused(api, "sendMessage", text="Здесь?", **thread) == "Bad Request: message thread not found"
        assert refused(api, "editForumTopic", name="Снег", **thread) == "Bad Request: TOPIC_ID_INVALID"
        assert not api.violations
