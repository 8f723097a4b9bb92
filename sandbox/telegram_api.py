"""Implement the Bot API's methods for messages, drafts and edits.

`BotApi.call` checks every call against the contract first and keeps what breaks it in `violations`. Errors are worded
as Telegram words them. Chats, files and callback answers are in `telegram_chats`, the bot's profile, updates and web
hooks in `telegram_profile`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox import newer
from sandbox.contract import check_call, known_methods, units
from sandbox.guests import GuestMode
from sandbox.http_wire import Upload
from sandbox.markup import Entity, MarkupError, parse_html, stripped, with_found
from sandbox.telegram_chats import ChatMethods
from sandbox.telegram_json import bot_json, message_json
from sandbox.telegram_profile import ApiError
from sandbox.telegram_state import (
    ACTION_LIFE_S,
    BOT_ID,
    DRAFT_LIFE_S,
    Attachment,
    Chat,
    ChatMessage,
    Draft,
    Json,
    State,
)

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
UPLOAD_LIMIT = 50 * 1024 * 1024
PHOTO_LIMIT = 10 * 1024 * 1024
DELETABLE_S = 48 * 3600
BURST = 5  # messages a chat may get at once before the flood limit counts
FILE_KINDS = {"sendDocument": "document", "sendPhoto": "photo", "sendVoice": "voice", "sendAudio": "audio"}
SENDING = frozenset({"sendMessage", "sendMessageDraft", "sendInvoice", *FILE_KINDS})
SAME = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)


class BotApi(ChatMethods):
    """One bot's methods. `flood` enables Telegram's limit of about one message a second per chat."""

    def __init__(self, state: State, token: str, username: str, name: str) -> None:
        super().__init__(state)
        self.token, self.username, self.name = token, username, name
        self.flood = False
        self.guests = GuestMode(state)
        self.refuses: frozenset[str] = frozenset()  # newer fields, as a Bot API server of earlier days does
        self._allowance: dict[int, tuple[float, float]] = {}
        self._methods = {name: getattr(self, f"_{name}", None) for name in known_methods()}

    @property
    def bot(self) -> Json:
        """The bot as Telegram's `User`, under the name it set itself."""
        return bot_json(self.state, self.username, self.name)

    def call(self, method: str, parameters: Mapping[str, Any], files: Mapping[str, Upload], *, typed: bool) -> Any:
        """Return the method's result. Raises `ApiError`."""
        if method not in self._methods:
            self.violations.append(f"unknown method {method}")
            raise ApiError(404, "Not Found: method not found")
        newer.refuse(self.refuses, parameters)
        checked = check_call(method, parameters, files, typed=typed)
        self.violations.extend(checked.problems)
        if checked.refusal is not None:
            raise ApiError(400, checked.refusal)
        if method in FILE_KINDS:
            return self._send_file(method, checked.values, files)
        if method == "setMyProfilePhoto":
            checked.values["files"] = files
        run = self._methods[method]
        return True if run is None else run(checked.values)

    # Texts

    def _text(self, method: str, values: Json, name: str, limit: int, *, empty: bool) -> tuple[str, tuple[Entity, ...]]:
        source = values.get(name, "")
        entities: tuple[Entity, ...] = tuple(values.get("entities" if name == "text" else "caption_entities", ()))
        if values.get("parse_mode") == "HTML":
            try:
                source, entities = parse_html(source)
            except MarkupError as error:
                raise ApiError(400, f"Bad Request: can't parse entities: {error}") from None
        text, entities = stripped(source, entities)
        if not text and not empty:
            raise self._violated(method, "the text is empty", "message text is empty")
        if units(text) > limit:
            what = "message" if name == "text" else "message caption"
            raise self._violated(method, f"{name} of {units(text)} units", f"{what} is too long")
        return text, with_found(text, entities)

    def _reply_to(self, chat: Chat, values: Json) -> int | None:
        wanted = values.get("reply_parameters")
        if not wanted:
            return None
        if self.state.message(chat, wanted["message_id"]) is not None:
            return int(wanted["message_id"])
        if wanted.get("allow_sending_without_reply"):
            return None
        raise ApiError(400, "Bad Request: message to be replied not found")

    def _check_markup(self, chat: Chat, values: Json) -> None:
        for row in (values.get("reply_markup") or {}).get("inline_keyboard", ()):
            for button in row:
                address = (button.get("web_app") or {}).get("url", "https://")
                if not address.startswith(("https://", "http://127.0.0.1", "http://localhost")):
                    text = f"inline keyboard button Web App URL '{address}' is invalid: Only HTTPS links are allowed"
                    raise self._violated("reply_markup", f"web_app at {address}", text)
                if "web_app" in button and chat.type != "private":
                    raise self._violated("reply_markup", "web_app in a group", "BUTTON_TYPE_INVALID")

    def check_flood(self, method: str, values: Mapping[str, Any]) -> None:
        """Apply Telegram's flood limit if `flood` is on: after a burst, one message a second per chat."""
        if not self.flood or method not in SENDING:
            return
        with self.state.lock:
            chat_id = int(values["chat_id"]) if str(values.get("chat_id")).lstrip("-").isdecimal() else 0
            now = self.state.clock()
            left, since = self._allowance.get(chat_id, (float(BURST), now))
            rate = 1.0 if chat_id >= 0 else 20 / 60
            left = min(BURST, left + (now - since) * rate)
            if left < 1:
                self._allowance[chat_id] = (left, now)
                wait = int((1 - left) / rate) + 1
                raise ApiError(429, f"Too Many Requests: retry after {wait}", wait)
            self._allowance[chat_id] = (left - 1, now)

    # Sending

    def _sendMessage(self, values: Json) -> Json:
        with self.state.lock:
            chat = self._chat(values)
            text, entities = self._text("sendMessage", values, "text", TEXT_LIMIT, empty=False)
            return self._post(chat, values, text, entities, None)

    def _post(
        self, chat: Chat, values: Json, text: str, entities: tuple[Entity, ...], attachment: Attachment | None
    ) -> Json:
        self._check_markup(chat, values)
        only_for = newer.receiver(chat, values)
        topic_id = self._topic(chat, values)
        message = ChatMessage(
            id=0,
            chat_id=chat.id,
            sender_id=BOT_ID,
            from_bot=True,
            date=int(self.state.clock()),
            text=text,
            entities=entities,
            source=values.get("caption" if attachment else "text", ""),
            markup=values.get("reply_markup"),
            attachment=attachment,
            reply_to=self._reply_to(chat, values),
            more={"message_thread_id": topic_id, "is_topic_message": True} if topic_id else None,
            effect=newer.effect(chat, values),
            only_for=only_for,
        )
        return message_json(self.state, self.bot, chat, self.state.add_message(chat, message))

    def _send_file(self, method: str, values: Json, files: Mapping[str, Upload]) -> Json:
        kind = FILE_KINDS[method]
        with self.state.lock:
            chat = self._chat(values)
            text, entities = self._text(method, values, "caption", CAPTION_LIMIT, empty=True)
            upload = values[kind]
            if isinstance(upload, str) and upload.startswith("attach://"):
                upload = files.get(upload.removeprefix("attach://"), "")
            if isinstance(upload, str):
                if upload not in self.state.files:
                    raise ApiError(400, "Bad Request: wrong file identifier/HTTP URL specified")
                name, data = self.state.files[upload]
                return self._post(chat, values, text, entities, Attachment(kind, upload, name, "", len(data)))
            if not upload.data:
                raise ApiError(400, "Bad Request: file must be non-empty")
            if len(upload.data) > (PHOTO_LIMIT if kind == "photo" else UPLOAD_LIMIT):
                raise ApiError(413, "Request Entity Too Large")
            file_id = self.state.add_file(upload.name, upload.data)
            attachment = Attachment(kind, file_id, upload.name, upload.mime, len(upload.data))
            return self._post(chat, values, text, entities, attachment)

    def _sendMessageDraft(self, values: Json) -> bool:
        with self.state.lock:
            chat = self._chat(values)
            if chat.type != "private":
                raise self._violated("sendMessageDraft", "not a private chat", "PEER_ID_INVALID")
            if values["draft_id"] == 0:
                raise self._violated("sendMessageDraft", "draft_id is 0", "draft identifier must be non-zero")
            text, entities = self._text("sendMessageDraft", values, "text", TEXT_LIMIT, empty=True)
            can_stop, keep = bool(values.get("can_stop")), bool(values.get("keep_on_stop"))
            if chat.stopped_draft_id == values["draft_id"]:
                return True  # the user has stopped this one
            ends_at = self.state.clock() + DRAFT_LIFE_S
            topic_id = self._topic(chat, values)
            chat.draft = Draft(values["draft_id"], text, entities, can_stop, keep, ends_at, topic_id)
            self.state.touch(chat, "draft")
            return True

    def _sendChatAction(self, values: Json) -> bool:
        with self.state.lock:
            chat = self._chat(values)
            chat.action_topic = self._topic(chat, values)
            chat.action, chat.action_until = values["action"], self.state.clock() + ACTION_LIFE_S
            self.state.touch(chat, "action")
            return True

    # Editing and deleting

    def _editable(self, values: Json) -> tuple[Chat, ChatMessage]:
        chat = self._chat(values)
        if "message_id" not in values:
            raise self._violated("message_id", "is missing", "message identifier is not specified")
        message = self.state.message(chat, values["message_id"])
        if message is None or message.only_for:
            raise ApiError(400, "Bad Request: message to edit not found")
        if not message.from_bot or (message.markup and "inline_keyboard" not in message.markup):
            raise ApiError(400, "Bad Request: message can't be edited")
        self._check_markup(chat, values)
        return chat, message

    def _edited(self, chat: Chat, old: ChatMessage, new: ChatMessage) -> Json:
        if (new.text, new.entities, _rows(new)) == (old.text, old.entities, _rows(old)):
            raise ApiError(400, f"Bad Request: {SAME}")
        new = replace(new, edited_at=int(self.state.clock()))
        return message_json(self.state, self.bot, chat, self.state.put_message(chat, new, "message"))

    def _editMessageText(self, values: Json) -> Json | bool:
        with self.state.lock:
            inline_id = values.get("inline_message_id")
            chat, old = self.guests.message(inline_id) if inline_id else self._editable(values)
            if old.attachment is not None:
                raise ApiError(400, "Bad Request: there is no text in the message to edit")
            text, entities = self._text("editMessageText", values, "text", TEXT_LIMIT, empty=False)
            markup = values.get("reply_markup")
            new = replace(old, text=text, entities=entities, source=values["text"], markup=markup)
            edited = self._edited(chat, old, new)
            return True if inline_id else edited

    def _answerGuestQuery(self, values: Json) -> Json:
        def read(content: Json) -> tuple[str, tuple[Entity, ...]]:
            return self._text("answerGuestQuery", content, "text", TEXT_LIMIT, empty=False)

        return self.guests.answer(values, read)

    def _editMessageCaption(self, values: Json) -> Json:
        with self.state.lock:
            chat, old = self._editable(values)
            if old.attachment is None:
                raise ApiError(400, "Bad Request: there is no caption in the message to edit")
            text, entities = self._text("editMessageCaption", values, "caption", CAPTION_LIMIT, empty=True)
            markup = values.get("reply_markup")
            return self._edited(chat, old, replace(old, text=text, entities=entities, markup=markup))

    def _editMessageReplyMarkup(self, values: Json) -> Json:
        with self.state.lock:
            chat, old = self._editable(values)
            return self._edited(chat, old, replace(old, markup=values.get("reply_markup")))

    def _deleteMessage(self, values: Json) -> bool:
        with self.state.lock:
            chat = self._chat(values)
            message = self.state.message(chat, values["message_id"])
            if message is None:
                raise ApiError(400, "Bad Request: message to delete not found")
            foreign = not message.from_bot and chat.type != "private"
            if foreign or self.state.clock() - message.date > DELETABLE_S:
                raise ApiError(400, "Bad Request: message can't be deleted for everyone")
            self.state.put_message(chat, replace(message, deleted=True), "delete")
            return True

    def _deleteMessages(self, values: Json) -> bool:
        for message_id in values["message_ids"]:
            try:
                self._deleteMessage({**values, "message_id": message_id})
            except ApiError as error:
                if error.status != 400:
                    raise
        return True


def _rows(message: ChatMessage) -> str:
    return json.dumps((message.markup or {}).get("inline_keyboard") or [], sort_keys=True)
