"""Act as Telegram's users in the inline mode: type `@bot words` in a chat, and send one of the results."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sandbox.inline_mode import ANSWER_WITHIN_S
from sandbox.markup import Entity, parse_html, with_found
from sandbox.telegram_json import message_json, user_json
from sandbox.telegram_state import ChatMessage, Json
from sandbox.users import ChatUser, NotShown


@dataclass(frozen=True, slots=True)
class Found:
    """What the bot answers to a query: results, the button above them, and the offset of more; empty: no more."""

    results: tuple[Json, ...]
    button: Json | None
    next_offset: str
    answer: Json

    @property
    def titles(self) -> list[str]:
        """The titles of the results."""
        return [str(result["title"]) for result in self.results]


def ask(user: ChatUser, query: str = "", offset: str = "", timeout: float = ANSWER_WITHIN_S) -> Found:
    """Type a query and wait for the bot's answer. Raises `NotShown` if the inline mode is off."""
    if not user.api.inline_mode:
        raise NotShown("the bot has no inline mode")
    asked = user.api.ask_inline(user.id, query, offset)
    private = ChatUser(user.api, user.user, user.state.chats[user.id])
    answer = private.until(lambda: asked.answer, timeout, f"results for «{query}»")
    return Found(tuple(answer["results"]), answer.get("button"), answer.get("next_offset", ""), answer)


def choose(user: ChatUser, result: Json, query: str = "") -> ChatMessage:
    """Send a result into the user's chat. The bot gets the message if it is there, and which result was chosen."""
    with user.state.lock:
        message = _put(user, result)
        if user.api.feedback:
            value: Json = {"result_id": result["id"], "from": user_json(user.user), "query": query}
            user.state.add_update("chosen_inline_result", {**value, "inline_message_id": user.state.serial("AAA")})
        return message


def share_prepared(user: ChatUser, prepared_id: str) -> ChatMessage:
    """Send a message that a Web App has prepared for the user. Raises `NotShown` if there is none."""
    owner, result = user.api.prepared.get(prepared_id, (0, {}))
    if owner != user.id:
        raise NotShown("no such prepared message")
    return choose(user, result)


def _put(user: ChatUser, result: Json) -> ChatMessage:
    content = result["input_message_content"]
    text: str = content["message_text"]
    entities: tuple[Entity, ...] = ()
    if content.get("parse_mode") == "HTML":
        text, entities = parse_html(text)
    with user.state.lock:
        user._mark = user.chat.revision + 1
        user.chat.started = True
        message = ChatMessage(
            id=0,
            chat_id=user.chat.id,
            sender_id=user.id,
            from_bot=False,
            date=int(user.state.clock()),
            text=text,
            entities=with_found(text, entities),
            source=text,
            markup=result.get("reply_markup"),
            more={"via_bot": user.api.bot, "link_preview_options": content.get("link_preview_options", {})},
        )
        message = user.state.add_message(user.chat, message)
        user.state.add_update("message", message_json(user.state, user.api.bot, user.chat, message))
        return replace(message)
