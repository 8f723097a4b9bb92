"""Play guest mode: chats that the bot is no member of, and calls into them by its @name.

The bot gets the message that mentions it, with what that replies to, and may answer it once, within a time. What it
has posted it can edit by an inline id; any other call for such a chat finds no chat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sandbox.markup import Entity, found_entities
from sandbox.telegram_json import chat_json, message_json, user_json
from sandbox.telegram_profile import TOO_OLD, ApiError
from sandbox.telegram_state import BOT_ID, Chat, ChatMessage, Json, State, User

QUERY_LIFE_S = 60.0  # Telegram's own is not published
_TextReader = Callable[..., tuple[str, tuple[Entity, ...]]]


@dataclass
class GuestQuery:
    """A call that waits for its answer."""

    chat: Chat
    caller: User
    asked_at: float
    answered: bool = False


class GuestMode:
    """The calls of one bot's guest chats, and the messages that it has posted there by their inline ids."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.queries: dict[str, GuestQuery] = {}
        self._posted: dict[str, tuple[Chat, int]] = {}

    def call(self, bot: Json, chat: Chat, message: ChatMessage) -> None:
        """Queue the update of a message that calls the bot, if the message mentions it."""
        if not _mentions(message, str(bot["username"])):
            return
        state = self.state
        with state.lock:
            query_id = state.serial("7000000")
            self.queries[query_id] = GuestQuery(chat, state.users[message.sender_id], state.clock())
            value = {**message_json(state, bot, chat, message), "guest_query_id": query_id}
            state.add_update("guest_message", value)

    def answer(self, values: Json, read_text: _TextReader) -> Json:
        """Post the answer to a call; return its inline id. Raises `ApiError`."""
        with self.state.lock:
            query = self.queries.get(values["guest_query_id"])
            if query is None or query.answered or self.state.clock() - query.asked_at > QUERY_LIFE_S:
                raise ApiError(400, TOO_OLD)
            result = values["result"]
            if not 1 <= len(result["id"].encode()) <= 64:
                raise ApiError(400, "Bad Request: RESULT_ID_INVALID")
            content = {**result["input_message_content"]}
            text, entities = read_text(content | {"text": content["message_text"]})
            query.answered = True
            message = ChatMessage(
                id=0,
                chat_id=query.chat.id,
                sender_id=BOT_ID,
                from_bot=True,
                date=int(self.state.clock()),
                text=text,
                entities=entities,
                source=content["message_text"],
                markup=result.get("reply_markup"),
                more={"guest_bot_caller_user": user_json(query.caller)},
            )
            inline_id = self.state.serial("AQAAAGuest")
            self._posted[inline_id] = (query.chat, self.state.add_message(query.chat, message).id)
            return {"inline_message_id": inline_id}

    def message(self, inline_id: str) -> tuple[Chat, ChatMessage]:
        """Return a message that the bot has posted. Raises `ApiError` if it is unknown or deleted."""
        chat, message_id = self._posted.get(inline_id, (None, 0))
        message = self.state.message(chat, message_id) if chat is not None else None
        if chat is None or message is None:
            raise ApiError(400, "Bad Request: MESSAGE_ID_INVALID")
        return chat, message


def add_guest_chat(state: State, chat_id: int, title: str, members: tuple[int, ...]) -> Chat:
    """Return a group without the bot; a new one if there is none with this id."""
    with state.lock:
        chat = state.chats.get(chat_id)
        if chat is None:
            chat = state.add_group(chat_id, title, members, privacy=True)
            chat.started, chat.without_bot = False, True
            state.tell_page(chat_id, "chat")
        return chat


def call_privately(state: State, bot: Json, mode: GuestMode, caller: User, other: User, text: str) -> str:
    """Queue the update of a call in a private chat of two people; its id is the other's. Return the query's id."""
    with state.lock:
        chat = state.chats[other.id]
        message = ChatMessage(
            id=state.next_message_id,
            chat_id=other.id,
            sender_id=caller.id,
            from_bot=False,
            date=int(state.clock()),
            text=text,
            entities=found_entities(text),
        )
        state.next_message_id += 1
        query_id = state.serial("7000000")
        elsewhere = _elsewhere(chat)
        mode.queries[query_id] = GuestQuery(elsewhere, caller, state.clock())
        value: dict[str, Any] = {
            **message_json(state, bot, chat, message),
            "chat": chat_json(state, chat),
            "guest_query_id": query_id,
        }
        state.add_update("guest_message", value)
        return query_id


def _elsewhere(chat: Chat) -> Chat:
    """Return a chat of two people, which isn't the private chat with the bot that has the same id."""
    return replace(chat, messages={}, last_id=0, started=False, without_bot=True)


def _mentions(message: ChatMessage, username: str) -> bool:
    units = message.text.encode("utf-16-le")
    spans = ((one["offset"], one["offset"] + one["length"]) for one in message.entities if one["type"] == "mention")
    return any(units[2 * start : 2 * end].decode("utf-16-le").lower() == f"@{username}".lower() for start, end in spans)
