"""Implement the inline mode: users' queries from any chat, the bot's answers, and messages prepared for a Web App.

Refusals are worded as Telegram words them. `sandbox/inline_user.py` plays the users, who choose a result and send it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.days import DAY_S
from sandbox.contract import units
from sandbox.markup import MarkupError, parse_html
from sandbox.payments import PaymentMethods
from sandbox.telegram_json import user_json
from sandbox.telegram_profile import TOO_OLD, ApiError
from sandbox.telegram_state import Json, State

ANSWER_WITHIN_S: Final = 15.0
MOST_RESULTS: Final = 50
ID_BYTES: Final = 64
QUERY_CHARS: Final = 256
TEXT_LIMIT: Final = 4096
PREPARED_LIVES_S: Final = DAY_S


@dataclass(slots=True)
class InlineQuery:
    """A query, and the bot's answer once it has come."""

    id: str
    user_id: int
    query: str
    asked_at: float
    answer: Json | None = None


class InlineMethods(PaymentMethods):
    """The methods of the inline mode. `inline_mode`: @BotFather has switched it on; `feedback`: chosen results, too."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.inline_mode = True
        self.feedback = True
        self.inline_queries: dict[str, InlineQuery] = {}
        self.prepared: dict[str, tuple[int, Json]] = {}  # user and result

    def ask_inline(self, user_id: int, query: str, offset: str) -> InlineQuery:
        """Send a user's query to the bot."""
        with self.state.lock:
            query_id = str(user_id * 4_294_967_296 + int(self.state.serial("")))
            asked = self.inline_queries[query_id] = InlineQuery(
                query_id, user_id, query[:QUERY_CHARS], self.state.clock()
            )
            sender = user_json(self.state.users[user_id])
            value: Json = {"id": query_id, "from": sender, "query": asked.query, "offset": offset, "chat_type": "group"}
            self.state.add_update("inline_query", value)
            return asked

    def _answerInlineQuery(self, values: Json) -> bool:
        with self.state.lock:
            query = self.inline_queries.get(values["inline_query_id"])
            late = query is None or self.state.clock() - query.asked_at > ANSWER_WITHIN_S
            if query is None or query.answer is not None or late:
                raise ApiError(400, TOO_OLD)
            results = values["results"]
            if len(results) > MOST_RESULTS:
                raise ApiError(400, "Bad Request: RESULTS_TOO_MUCH")
            if len({result["id"] for result in results}) < len(results):
                raise ApiError(400, "Bad Request: RESULT_ID_DUPLICATE")
            if len(values.get("next_offset", "").encode()) > ID_BYTES:
                raise ApiError(400, "Bad Request: NEXT_OFFSET_INVALID")
            if "button" in values and len(values["button"].keys() & {"web_app", "start_parameter"}) != 1:
                raise ApiError(400, "Bad Request: BUTTON_TYPE_INVALID")
            for result in results:
                self._check_result(result)
            query.answer = values
            self.state.touch(self.state.chats[query.user_id], "action")
            return True

    def _savePreparedInlineMessage(self, values: Json) -> Json:
        with self.state.lock:
            if values["user_id"] not in self.state.users:
                raise ApiError(400, "Bad Request: user not found")
            if not any(values.get(name) for name in values if name.startswith("allow_")):
                raise ApiError(400, "Bad Request: PEER_TYPES_INVALID")
            self._check_result(values["result"])
            prepared_id = self.state.serial("prepared")
            self.prepared[prepared_id] = (values["user_id"], values["result"])
            return {"id": prepared_id, "expiration_date": int(self.state.clock()) + PREPARED_LIVES_S}

    def _check_result(self, result: Json) -> None:
        if not 1 <= len(result["id"].encode()) <= ID_BYTES:
            raise ApiError(400, "Bad Request: RESULT_ID_INVALID")
        for row in (result.get("reply_markup") or {}).get("inline_keyboard", ()):
            if any("web_app" in button for button in row):
                raise ApiError(400, "Bad Request: BUTTON_TYPE_INVALID")
        content = result.get("input_message_content")
        if content is None:
            return
        text = content["message_text"]
        if content.get("parse_mode") == "HTML":
            try:
                text, _ = parse_html(text)
            except MarkupError as error:
                raise ApiError(400, f"Bad Request: can't parse entities: {error}") from None
        if not text.strip():
            raise ApiError(400, "Bad Request: message text is empty")
        if units(text) > TEXT_LIMIT:
            raise ApiError(400, "Bad Request: MESSAGE_TOO_LONG")
