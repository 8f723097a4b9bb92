"""Hold the stand-in's state: users, chats, messages, drafts, files and the queue of updates.

Covers the rules of storage: ids that grow, the keyboard that is shown, drafts that end after 30 s, updates kept until
they are acknowledged. All of it is guarded by `State.lock`, a re-entrant one. Doesn't know HTTP, nor which call is
allowed, as `telegram_api` and `telegram_chats` do.
"""

from __future__ import annotations

import random
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.markup import Entity

BOT_ID = 7_000_000_001
DRAFT_LIFE_S = 30.0
ACTION_LIFE_S = 5.0
KEPT_FILES = 500
UNREQUESTED = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Button:
    """An inline button; exactly one of the others but `style` is set."""

    text: str
    data: str | None = None
    url: str | None = None
    web_app: str | None = None
    copy_text: str | None = None
    disabled: bool = False
    style: str = ""
    pay: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message. `kind` is the Bot API's field: document, photo, voice, audio, sticker."""

    kind: str
    file_id: str
    name: str
    mime: str
    size: int
    seconds: int = 3  # of a recording
    sides: tuple[int, int] | None = None  # width and height of a photo, where it can be opened


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message. `source` is the text as it was sent, before its markup was parsed."""

    id: int
    chat_id: int
    sender_id: int
    from_bot: bool
    date: int
    text: str
    entities: tuple[Entity, ...] = ()
    source: str = ""
    markup: Mapping[str, Any] | None = None
    attachment: Attachment | None = None
    reply_to: int | None = None
    service: Mapping[str, Any] | None = None  # of a service message, in place of a text: {"new_chat_members": […]}
    more: Mapping[str, Any] | None = None  # further fields: {"forward_origin": {…}}, {"media_group_id": "…"}
    effect: str = ""
    only_for: int = 0  # the one user who sees it, an ephemeral message of a group; 0: everybody
    reactions: Mapping[str, str] | None = None  # emoji by user id, as text
    edited_at: int | None = None
    deleted: bool = False
    revision: int = 0

    @property
    def edited(self) -> bool:
        return self.edited_at is not None

    @property
    def topic_id(self) -> int:
        """The topic that it is in; 0 if none."""
        return int((self.more or {}).get("message_thread_id", 0))

    @property
    def buttons(self) -> tuple[tuple[Button, ...], ...]:
        """The inline keyboard, row by row."""
        rows = (self.markup or {}).get("inline_keyboard", ())
        return tuple(tuple(_button(item) for item in row) for row in rows)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the inline keyboard, in reading order."""
        return tuple(button.text for row in self.buttons for button in row)

    @property
    def keyboard(self) -> tuple[tuple[str, ...], ...]:
        """The reply keyboard that this message brought, row by row."""
        return tuple(tuple(key["text"] for key in row) for row in (self.markup or {}).get("keyboard", ()))


@dataclass(frozen=True, slots=True)
class Draft:
    """The draft of a message."""

    draft_id: int
    text: str
    entities: tuple[Entity, ...]
    can_stop: bool
    keep_on_stop: bool
    ends_at: float
    topic_id: int = 0


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """The bot's answer to a press of an inline button."""

    query_id: str
    text: str
    show_alert: bool
    url: str


@dataclass(frozen=True, slots=True)
class User:
    """A user as Telegram knows them."""

    id: int
    first_name: str
    username: str = ""
    last_name: str = ""
    language_code: str = "ru"


@dataclass
class Chat:
    """One chat of the bot; a private one has its user's id."""

    id: int
    type: str
    changed: threading.Condition
    title: str = ""
    members: tuple[int, ...] = ()
    privacy: bool = True
    without_bot: bool = False  # the bot comes only as a guest
    started: bool = False
    blocked: bool = False
    messages: dict[int, ChatMessage] = field(default_factory=dict)
    last_id: int = 0
    revision: int = 0
    keyboard_message_id: int = 0
    keyboard: Mapping[str, Any] | None = None
    keyboard_users: tuple[int, ...] = ()  # users who see it
    draft: Draft | None = None
    stopped_draft_id: int = 0
    action: str = ""
    action_until: float = 0.0
    action_topic: int = 0
    topics: dict[int, str] = field(default_factory=dict)  # names by the message that began each
    answers: list[CallbackAnswer] = field(default_factory=list)
    command_menu: Json = field(default_factory=lambda: {"type": "default"})


@dataclass
class Query:
    """A press of an inline button that waits for its answer."""

    chat_id: int
    user_id: int
    asked_at: float
    answered: bool = False


class State:
    """The whole state. `clock` returns Unix seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.updates_changed = threading.Condition(self.lock)
        self.page_changed = threading.Condition(self.lock)
        self.users: dict[int, User] = {}
        self.chats: dict[int, Chat] = {}
        self.queries: OrderedDict[str, Query] = OrderedDict()
        self.files: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self.profile: Json = {
            "names": {},
            "descriptions": {},
            "shorts": {},
            "commands": {},
            "menu": {"type": "default"},
        }
        self.photo_file_id = ""
        # Invoices by name, the names of those in messages, charges, and Stars by user: whoever is new is `given` some.
        self.shop: Json = {"invoices": {}, "messages": {}, "charges": {}, "stars": {}, "given": 5000}
        self.updates: deque[Json] = deque()
        self.next_update_id = random.randrange(100_000_000, 200_000_000)
        self.next_message_id = 1
        self.next_serial = 1
        self.allowed_updates: frozenset[str] | None = None
        self.webhook: Json = {}
        self.page_events: deque[tuple[int, Json]] = deque(maxlen=2000)
        self.page_serial = 0
        self.watchers = 0
        self.dirty = False

    # Users and chats

    def add_user(self, user: User) -> Chat:
        """Add a user; return their private chat."""
        with self.lock:
            self.users[user.id] = user
            self.dirty = True
            if user.id not in self.chats:
                self.chats[user.id] = Chat(user.id, "private", threading.Condition(self.lock), members=(user.id,))
            self.tell_page(user.id, "chat")
            return self.chats[user.id]

    def add_group(self, chat_id: int, title: str, members: tuple[int, ...], privacy: bool) -> Chat:
        """Add a supergroup that has the bot as a member, and tell open pages."""
        with self.lock:
            changed = threading.Condition(self.lock)
            chat = Chat(chat_id, "supergroup", changed, title, members, privacy, started=True)
            self.chats[chat_id] = chat
            self.dirty = True
            self.tell_page(chat_id, "chat")
            return chat

    def change_user(self, user: User) -> None:
        """Replace a known user, and tell open pages."""
        with self.lock:
            self.users[user.id] = user
            self.dirty = True
            for chat in self.chats.values():
                if user.id in chat.members:
                    self.tell_page(chat.id, "chat")

    def serial(self, prefix: str) -> str:
        """Return a new unique name."""
        with self.lock:
            self.next_serial += 1
            return f"{prefix}{self.next_serial}"

    # Messages

    def add_message(self, chat: Chat, message: ChatMessage) -> ChatMessage:
        """Store a message under a new id (`message.id` is ignored) and show its keyboard."""
        with self.lock:
            if chat.type == "private":
                message_id = self.next_message_id
                self.next_message_id += 1
            else:
                message_id = chat.last_id + 1
            chat.last_id = message_id
            message = replace(message, id=message_id)
            markup = message.markup or {}
            if message.from_bot:
                chat.draft = None
                chat.action_until = 0.0
                shown_to = addressed(chat, message, self.users) if markup.get("selective") else chat.members
                if "keyboard" in markup:
                    chat.keyboard, chat.keyboard_message_id, chat.keyboard_users = markup, message_id, shown_to
                elif "remove_keyboard" in markup or "force_reply" in markup:
                    chat.keyboard_users = tuple(user for user in chat.keyboard_users if user not in shown_to)
                    if not chat.keyboard_users:
                        chat.keyboard, chat.keyboard_message_id = None, 0
            return self.put_message(chat, message, "message")

    def put_message(self, chat: Chat, message: ChatMessage, kind: str) -> ChatMessage:
        """Store a new state of a message, and wake who waits for it."""
        with self.lock:
            chat.revision += 1
            message = replace(message, revision=chat.revision)
            chat.messages[message.id] = message
            if message.deleted and chat.keyboard_message_id == message.id:
                chat.keyboard, chat.keyboard_message_id = None, 0
            self.touch(chat, kind, message.id)
            return message

    def touch(self, chat: Chat, kind: str, message_id: int = 0) -> None:
        """Mark the state for saving, and wake who waits for a change of the chat, pages too."""
        with self.lock:
            self.dirty = True
            chat.changed.notify_all()
            self.tell_page(chat.id, kind, message_id)

    def message(self, chat: Chat, message_id: int) -> ChatMessage | None:
        """Return a message; None if it is unknown or deleted."""
        message = chat.messages.get(message_id)
        return None if message is None or message.deleted else message

    def draft(self, chat: Chat) -> Draft | None:
        """Return the draft; None after its 30 s."""
        with self.lock:
            if chat.draft is not None and chat.draft.ends_at <= self.clock():
                chat.draft = None
            return chat.draft

    # Files

    def add_file(self, name: str, data: bytes) -> str:
        """Store a file; return its id. Only the latest few hundred files are kept."""
        with self.lock:
            file_id = self.serial("BQACAgIAAxkBAAI")
            self.files[file_id] = (name, data)
            while len(self.files) > KEPT_FILES:
                self.files.popitem(last=False)
            return file_id

    # Updates

    def add_update(self, kind: str, value: Json) -> int | None:
        """Queue an update; return None if the bot doesn't want this kind."""
        with self.lock:
            allowed = self.allowed_updates
            if (kind in UNREQUESTED) if allowed is None else (kind not in allowed):
                return None
            return self.add_raw_update({kind: value})

    def add_raw_update(self, update: Json) -> int:
        """Queue an update as it is, under the next id unless it has one."""
        with self.lock:
            self.dirty = True
            update = {"update_id": self.next_update_id, **update}
            update_id = update["update_id"]
            if isinstance(update_id, int):
                self.next_update_id = max(self.next_update_id, update_id) + 1
            self.updates.append(update)
            self.updates_changed.notify_all()
            return self.next_update_id - 1

    def acknowledge(self, offset: int) -> None:
        """Drop every update below `offset`; a negative one keeps that many from the end."""
        with self.lock:
            if offset < 0:
                while len(self.updates) > -offset:
                    self.updates.popleft()
            while offset > 0 and self.updates and _id_of(self.updates[0]) < offset:
                self.updates.popleft()

    # The page

    def tell_page(self, chat_id: int, kind: str, message_id: int = 0, **more: Any) -> None:
        """Add an event for open pages, if there are any."""
        if not self.watchers:
            return
        with self.lock:
            self.page_serial += 1
            self.page_events.append((self.page_serial, {"chat": chat_id, "kind": kind, "id": message_id, **more}))
            self.page_changed.notify_all()


def _button(item: Mapping[str, Any]) -> Button:
    return Button(
        item["text"],
        item.get("callback_data"),
        item.get("url"),
        (item.get("web_app") or {}).get("url"),
        (item.get("copy_text") or {}).get("text"),
        "disabled" in item,
        item.get("style", ""),
        item.get("pay", False),
    )


def addressed(chat: Chat, message: ChatMessage, users: Mapping[int, User]) -> tuple[int, ...]:
    """Return the users of a selective keyboard: those mentioned, and the one replied to."""
    replied = chat.messages.get(message.reply_to or 0)
    text = message.text.lower()
    named = (id for id in chat.members if users[id].username and f"@{users[id].username.lower()}" in text)
    return tuple(dict.fromkeys([*named, *([replied.sender_id] if replied is not None else [])]))


def _id_of(update: Json) -> int:
    update_id = update["update_id"]
    return update_id if isinstance(update_id, int) else 0
