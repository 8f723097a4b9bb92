"""Act as Telegram's users, for tests and the chat page: write, press, tap, stop, block, and wait for the bot.

An action takes effect at once and becomes an update for the bot. `wait` sleeps on a condition. By default it looks only
at what the bot has sent or edited since this user's last action.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sandbox import web_app
from sandbox.client import Wanted, fits, line_of, pieces_of
from sandbox.markup import found_entities
from sandbox.privacy import is_meant
from sandbox.telegram_api import BotApi
from sandbox.telegram_json import chat_json, membership_change, message_json, user_json
from sandbox.telegram_state import (
    Attachment,
    Button,
    CallbackAnswer,
    Chat,
    ChatMessage,
    Draft,
    Json,
    Query,
    User,
)
from sandbox.user_files import FileSender

T = TypeVar("T")
KEPT_QUERIES = 10_000


class NotShown(LookupError):
    """The wanted button or message is not on the screen."""


class NotCome(AssertionError):
    """What a user waited for didn't come in time; the message lists what the chat shows."""


@dataclass(frozen=True, slots=True)
class Tap:
    """A press of an inline button; `wait_answer` gives the bot's answer to it."""

    user: ChatUser
    query_id: str
    url: str = ""  # where a link or a Web App button leads; these make no update

    def wait_answer(self, timeout: float = 10) -> CallbackAnswer:
        """Return the bot's answer to this press. Raises `NotCome` after `timeout` seconds."""

        def answered() -> CallbackAnswer | None:
            return next((answer for answer in self.user.chat.answers if answer.query_id == self.query_id), None)

        return self.user.until(answered, timeout, "an answer to the pressed button")


class ChatUser(FileSender):
    """One user in one chat with the bot: the private chat, or a group (`groups.Group.member`)."""

    def __init__(self, api: BotApi, user: User, chat: Chat, topic_id: int = 0) -> None:
        self.api, self.state, self.chat, self.topic_id = api, api.state, chat, topic_id
        self.id = user.id
        self._mark = 0

    @property
    def user(self) -> User:
        return self.state.users[self.id]

    # What is on this user's screen

    @property
    def messages(self) -> list[ChatMessage]:
        """All messages of the chat in order, the user's own and deleted ones too."""
        with self.state.lock:
            return list(self.chat.messages.values())

    @property
    def shown(self) -> list[ChatMessage]:
        return [message for message in self.messages if not message.deleted and message.only_for in (0, self.id)]

    @property
    def bot_messages(self) -> list[ChatMessage]:
        """The bot's messages that aren't deleted, oldest first."""
        return [message for message in self.shown if message.from_bot]

    @property
    def last(self) -> ChatMessage:
        """The bot's latest message; raises NotShown when there is none."""
        found = self.bot_messages
        if not found:
            raise NotShown(f"{self.user.first_name} sees no message of the bot")
        return found[-1]

    @property
    def keyboard(self) -> tuple[tuple[str, ...], ...]:
        """The labels of the shown reply keyboard, row by row."""
        keyboard = self._keyboard or {}
        return tuple(tuple(key["text"] for key in row) for row in keyboard.get("keyboard", ()))

    @property
    def placeholder(self) -> str:
        """The hint in the input field that the bot's keyboard sets; empty if it sets none."""
        return str((self._keyboard or {}).get("input_field_placeholder", ""))

    @property
    def _keyboard(self) -> Mapping[str, Any] | None:
        return self.chat.keyboard if self.id in self.chat.keyboard_users else None

    @property
    def draft(self) -> str | None:
        """The draft's text; None if there is no draft."""
        draft = self.state.draft(self.chat)
        return None if draft is None else draft.text

    @property
    def answers(self) -> list[CallbackAnswer]:
        """Every answer to a pressed inline button."""
        with self.state.lock:
            return list(self.chat.answers)

    # Topics

    def new_topic(self, name: str) -> ChatUser:
        """Begin a topic; return the same user in it."""
        self.chat.last_id = max(1, self.chat.last_id)  # the main topic of a forum is 1
        topic_id = self.happens({"forum_topic_created": {"name": name, "icon_color": 7322096}})
        self.chat.topics[topic_id] = name
        return ChatUser(self.api, self.user, self.chat, topic_id)

    def in_topic(self, name: str) -> ChatUser:
        """Return the same user in the newest topic of this name. Raises `NotShown`."""
        found = [topic_id for topic_id, called in self.chat.topics.items() if called == name]
        if not found:
            raise NotShown(f"no topic «{name}» among {list(self.chat.topics.values())}")
        return ChatUser(self.api, self.user, self.chat, found[-1])

    def delete_topic(self) -> None:
        """Delete the topic that this user is in, with its messages."""
        self.api.delete_topic(self.chat, self.topic_id)

    # What this user does

    def send(self, text: str, *, reply_to: int | None = None) -> int:
        """Send a text, cut into messages of at most 4,096 units as clients do; return the id of the last one."""
        message_id = 0
        for piece in pieces_of(text.strip()):
            message_id = self._send(text=piece, reply_to=reply_to)
        return message_id

    def press(self, label: str) -> int:
        """Press a button of the reply keyboard. Raises `NotShown`."""
        with self.state.lock:
            keyboard = self._keyboard or {}
            keys = [key for row in keyboard.get("keyboard", ()) for key in row]
            if label not in [key["text"] for key in keys if "web_app" not in key]:
                shown = ", ".join(f"«{key['text']}»" for key in keys) or "no keyboard"
                raise NotShown(f"no button «{label}» on the keyboard: {shown}")
            brought_by = self.chat.keyboard_message_id
            if keyboard.get("one_time_keyboard"):
                self.chat.keyboard_users = tuple(user for user in self.chat.keyboard_users if user != self.id)
            # In a group the client sends the label as a reply, so that a bot in privacy mode gets it.
            return self._send(text=label, reply_to=None if self.chat.type == "private" else brought_by)

    def tap(self, wanted: str, message: ChatMessage | int | None = None) -> Tap:
        """Press an inline button by label or data, on the latest message that has it. Raises `NotShown`."""
        with self.state.lock:
            self._mark = self.chat.revision
            found, button = self._button(wanted, message.id if isinstance(message, ChatMessage) else message)
            if button.disabled or button.copy_text is not None:
                raise NotShown(f"«{button.text}» is disabled" if button.disabled else f"«{button.text}» copies a text")
            if button.url is not None:
                return Tap(self, "", button.url)
            if button.web_app is not None:
                return Tap(self, "", self.web_app_url(button.web_app))
            query_id = str(self.user.id * 4_294_967_296 + int(self.state.serial("")))
            self.state.queries[query_id] = Query(self.chat.id, self.user.id, self.state.clock())
            while len(self.state.queries) > KEPT_QUERIES:
                self.state.queries.popitem(last=False)
            value: Json = {
                "id": query_id,
                "from": user_json(self.user),
                "message": message_json(self.state, self.api.bot, self.chat, found),
                "chat_instance": str(-(self.chat.id * 7_919_317 + 1)),
                "data": button.data or "",
            }
            self.state.add_update("callback_query", value)
            return Tap(self, query_id)

    def edit(self, message_id: int, text: str) -> None:
        with self.state.lock:
            old = self.state.message(self.chat, message_id)
            if old is None or old.sender_id != self.user.id:
                raise NotShown(f"no own message {message_id}")
            self._mark = self.chat.revision
            now = int(self.state.clock())
            new = replace(old, text=text, source=text, entities=found_entities(text), edited_at=now)
            self._update("edited_message", self.state.put_message(self.chat, new, "message"))

    def happens(self, service: Json) -> int:
        """Send a service message about something this user did; return its id."""
        return self._send(text="", service=service)

    def send_web_app_data(self, label: str, data: str) -> int:
        """Send what a Web App hands over that a button of the reply keyboard opened. Raises `NotShown`."""
        keys = [key for row in (self._keyboard or {}).get("keyboard", ()) for key in row if "web_app" in key]
        if label not in [key["text"] for key in keys]:
            raise NotShown(f"no Web App button «{label}» on the keyboard")
        return self.happens({"web_app_data": {"button_text": label, "data": data}})

    def speaks(self, language_code: str) -> None:
        """Change the language of this user's Telegram."""
        self.state.change_user(replace(self.user, language_code=language_code))

    def stop_draft(self) -> None:
        """Press the stop button on the draft. Raises `NotShown`."""
        with self.state.lock:
            draft = self.state.draft(self.chat)
            if draft is None or not draft.can_stop or self.chat.stopped_draft_id == draft.draft_id:
                raise NotShown("no stop button on the screen")
            self._mark = self.chat.revision
            self.chat.stopped_draft_id = draft.draft_id
            self.chat.draft = replace(draft, can_stop=False) if draft.keep_on_stop else None
            value = {"chat": chat_json(self.state, self.chat), "draft_id": draft.draft_id}
            if draft.topic_id:
                value["message_thread_id"] = draft.topic_id
            self.state.add_update("stopped_message_generation", value)
            self.state.touch(self.chat, "draft")

    def block(self) -> None:
        """Block the bot, which gets an update; do nothing if it is blocked."""
        self._block(True)

    def unblock(self) -> None:
        """Unblock the bot, which gets an update; do nothing if it isn't blocked."""
        self._block(False)

    def web_app_url(self, url: str) -> str:
        """Return the address as a client opens it: with init data signed with the bot's token."""
        return web_app.address(url, self.init_data())

    def init_data(self, *, age_s: int = 0) -> str:
        """Return the signed data of a Web App that was opened `age_s` seconds ago."""
        query_id = self.state.serial("AAHdF6IQAAAAAN0XohD")
        auth_date = int(self.state.clock()) - age_s
        return web_app.init_data(user_json(self.user), self.api.token, query_id, auth_date)

    # Waiting

    def wait(self, wanted: Wanted = None, timeout: float = 10, *, since: int | None = None) -> ChatMessage:
        """Return the bot's first message with this text, or for which `wanted` is true.

        It is new or edited since this user's last action; `since=0` looks at the whole chat. Raises `NotCome` after
        `timeout` seconds.
        """
        mark = self._mark if since is None else since

        def found() -> ChatMessage | None:
            for message in list(self.chat.messages.values()):
                new = message.from_bot and not message.deleted and message.revision > mark
                new = new and message.only_for in (0, self.id)
                if new and message.topic_id == self.topic_id and fits(message, wanted):
                    return message
            return None

        return self.until(found, timeout, f"{wanted!r}")

    def wait_draft(self, wanted: str | Callable[[str], bool] = "", timeout: float = 10) -> Draft:
        """Return the draft once it holds this text (or `wanted` is true of it). Raises `NotCome`."""

        def found() -> Draft | None:
            draft = self.state.draft(self.chat)
            if draft is None:
                return None
            return draft if (wanted in draft.text if isinstance(wanted, str) else wanted(draft.text)) else None

        return self.until(found, timeout, f"a draft with {wanted!r}")

    def until(self, look: Callable[[], T | None], timeout: float = 10, what: str = "it") -> T:
        """Call `look` whenever the chat changes, and return its first true result. Raises `NotCome`."""
        ends_at = time.monotonic() + timeout
        with self.state.lock:
            while not (found := look()):
                left = ends_at - time.monotonic()
                if left <= 0:
                    lines = "\n".join(f"  {line_of(message)}" for message in self.shown[-6:])
                    raise NotCome(f"{self.user.first_name} waited {timeout} s for {what}; the chat shows\n{lines}")
                self.chat.changed.wait(left)
            return found

    # Inside

    def _button(self, wanted: str, message_id: int | None) -> tuple[ChatMessage, Button]:
        for message in reversed(self.chat.messages.values()):
            if message.deleted or message_id not in (None, message.id):
                continue
            buttons = [button for row in message.buttons for button in row]
            for button in buttons:
                if wanted in (button.text, button.data):
                    return message, button
        raise NotShown(f"no inline button «{wanted}»")

    def _send(
        self,
        text: str,
        attachment: Attachment | None = None,
        reply_to: int | None = None,
        service: Json | None = None,
        more: Json | None = None,
    ) -> int:
        with self.state.lock:
            if self.chat.blocked:
                self._block(False)
            self.chat.started = not self.chat.without_bot
            self._mark = self.chat.revision + 1
            message = ChatMessage(
                id=0,
                chat_id=self.chat.id,
                sender_id=self.user.id,
                from_bot=False,
                date=int(self.state.clock()),
                text=text,
                entities=found_entities(text),
                source=text,
                attachment=attachment,
                reply_to=reply_to,
                service=service,
                more=self._in_topic(more),
            )
            message = self.state.add_message(self.chat, message)
            self._update("message", message)
            return message.id

    def _in_topic(self, more: Json | None) -> Json | None:
        if not self.topic_id:
            return more
        return {**(more or {}), "message_thread_id": self.topic_id, "is_topic_message": True}

    def _update(self, kind: str, message: ChatMessage) -> None:
        if self.chat.without_bot:
            if kind == "message":
                self.api.guests.call(self.api.bot, self.chat, message)
            return
        private = self.chat.type == "private"
        if private or not self.chat.privacy or is_meant(self.chat, message, self.api.username):
            self.state.add_update(kind, message_json(self.state, self.api.bot, self.chat, message))

    def _block(self, blocked: bool) -> None:
        with self.state.lock:
            if self.chat.blocked == blocked:
                return
            self.chat.blocked = blocked
            self._mark = self.chat.revision
            was, now = ("member", "kicked") if blocked else ("kicked", "member")
            value = membership_change(self.state, self.api.bot, self.chat, self.user, was, now)
            self.state.add_update("my_chat_member", value)
            self.state.touch(self.chat, "chat")
