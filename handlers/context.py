"""One update as its handler sees it: who came, where they are, what they sent, and how to answer.

Nothing here touches the network: what is said becomes outbox rows, in the transaction of the update.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from telebot import types

from ai.catalog import Model
from ai.registry import ModelRegistry
from config import Config
from conversation.keyboards import inline, reply
from conversation.localization import Locales, Texts
from conversation.states import TALKING, Step
from conversation.story_draft import Draft
from core.schemas import Json, Outgoing
from database import NO_SESSION, Database, Story, Talk, User
from monitoring.analytics import Analytics
from telegram.dispatcher import Intake, UpdateResult
from telegram.sender import Delivery
from turns.turn_kind import TurnKinds
from turns.turn_service import TurnService


@dataclass(frozen=True, slots=True)
class Services:
    """What every handler works with."""

    config: Config
    db: Database
    locales: Locales
    intake: Intake
    delivery: Delivery
    turns: TurnService
    kinds: TurnKinds
    offer: ModelRegistry
    analytics: Analytics
    voices: tuple[str, ...] = ()  # that read aloud, as their vendor calls them
    halt: Callable[[], None] = lambda: None  # has the process stop in good order
    life: int = 0  # names this run of the bot: what asked in an earlier one is past

    @property
    def username(self) -> str:
        """The bot's own @name without the sign; empty until Telegram has told it once."""
        return self.db.settings.get("bot_username") or ""


@dataclass(slots=True)
class UpdateContext:
    """A registered user's update, in a private chat or a group.

    `words` are the text as it came; `message_id` the user's message, or the bot's under whose button was tapped.
    In a group there are no steps and no reply keyboards, and what is said replies to the message `reply_to`.
    """

    desk: Services
    envelope: UpdateResult
    user: User
    texts: Texts
    chat_id: int
    message_id: int
    words: str = ""
    key: str = ""
    kind: str = ""  # content type, for what isn't text
    next_step: Step | None = None
    first: bool = False  # registered by this very update
    writing: bool = False
    quoted: str = ""  # the message that the user's one replies to
    quoted_id: int | None = None
    marked: bool = False  # `quoted` is the piece of it that they chose
    reply_to: int | None = None

    @property
    def step(self) -> Step:
        """Where the user was when the message came, or where `go` has led since."""
        return self.user.step

    @property
    def model(self) -> Model:
        """The model that the user's turns ask."""
        return self.desk.offer.standing(self.user.model)

    @property
    def draft(self) -> Draft:
        """What the user has chosen for a new story; an empty draft where they have begun none. Kept in the database."""
        return self.desk.db.drafts.get(self.user.id, Draft())

    @draft.setter
    def draft(self, draft: Draft) -> None:
        """Stores the draft in the database, in place of the user's old one."""
        self.desk.db.drafts[self.user.id] = draft

    @property
    def story(self) -> Story | None:
        """The story that is open, or was last."""
        return self.desk.db.stories.get(self.user.session_id) if self.user.session_id is not None else None

    @property
    def has_story(self) -> bool:
        """Whether a story is open that has no ending yet."""
        story = self.story
        return story is not None and not story.finished

    @property
    def group(self) -> bool:
        """Whether it is a group's chat: those have negative ids."""
        return self.chat_id < 0

    @property
    def talk(self) -> Talk | None:
        """What was said here with the character who is on; elsewhere the chat with the assistant.

        A group has only that: where its people are in private is nothing to it.
        """
        if self.group or self.step is not Step.CHARACTER:
            return self.desk.db.talks.open_in(self.chat_id)
        character = self.desk.db.characters.chosen(self.user.id)
        if character is None:
            return None
        return self.desk.db.talks.open_in(self.chat_id, kind="character", character_id=character.id)

    def open_talk(self) -> Talk:
        """The same; a new one, where there is none."""
        talks = self.desk.db.talks
        talk = self.talk or talks.get(talks.create(self.user.id, self.chat_id, now()))
        assert talk is not None
        return talk

    @property
    def words_go_to(self) -> int:
        """The session that the user's words go into here, or `NO_SESSION`."""
        if self.step in TALKING or self.group:
            talk = self.talk
            return talk.session_id if talk is not None else NO_SESSION
        return self.user.session_id or NO_SESSION

    # ------------------------------------------------------------------ moving

    def go(self, step: Step) -> None:
        """Moves the user to `step`. Updates of one chat run one at a time, so nobody can have moved them meanwhile
        but a turn's end, and that only to where this update then finds them.
        """
        if step is self.step:
            return
        self.desk.db.users.move(self.user.id, self.step, step)
        self.user = replace(self.user, step=step)

    def reload(self) -> None:
        """Reads the user anew, after a change of their row."""
        user = self.desk.db.users.get(self.user.id)
        assert user is not None
        self.user = user

    def open(self, session_id: int) -> None:
        """Makes a session the user's open one, in the database and here."""
        self.desk.db.users.open_session(self.user.id, session_id)
        self.user = replace(self.user, session_id=session_id)

    # ------------------------------------------------------------------ saying

    def say(self, key: str, *, keyboard: Json = None, **values: object) -> None:
        """A sentence of the locales."""
        self.send(self.texts.say(key, **values), keyboard=keyboard)

    def say_here(self, key: str, **values: object) -> None:
        """A sentence that carries the reply keyboard of the user's step."""
        self.say(key, keyboard=self.keyboard(), **values)

    def send(self, html: str, *, keyboard: Json = None) -> None:
        """Telegram HTML; values in it are escaped already."""
        params: dict[str, Json] = {"text": html, "parse_mode": "HTML"}
        if keyboard is not None:
            params["reply_markup"] = keyboard
        if self.reply_to is not None:
            params["reply_parameters"] = {"message_id": self.reply_to}
        self.envelope.send(Outgoing(self.chat_id, "sendMessage", params))

    def send_plain(self, text: str, *, keyboard: Json = None) -> None:
        """Text without markup, such as a story's, which may hold anything; `keyboard` as Telegram's JSON."""
        params: dict[str, Json] = {"text": text}
        if keyboard is not None:
            params["reply_markup"] = keyboard
        self.envelope.send(Outgoing(self.chat_id, "sendMessage", params))

    def edit_html(self, html: str, *, keyboard: Json = None) -> None:
        """Changes the message whose button was pressed."""
        params: dict[str, Json] = {"message_id": self.message_id, "text": html, "parse_mode": "HTML"}
        if keyboard is not None:
            params["reply_markup"] = keyboard
        self.envelope.send(Outgoing(self.chat_id, "editMessageText", params))

    def edit(self, key: str, *, keyboard: Json = None, **values: object) -> None:
        """The same with a sentence of the locales."""
        self.edit_html(self.texts.say(key, **values), keyboard=keyboard)

    def drop_buttons(self) -> None:
        """Takes the buttons away that were used: they would answer only «это уже прошлое»."""
        self.envelope.send(Outgoing(self.chat_id, "editMessageReplyMarkup", {"message_id": self.message_id}))

    def keyboard(self) -> Json:
        """The reply keyboard of the user's step."""
        if self.group:
            return None
        return reply(self.texts, self.step, self.draft, has_story=self.has_story)

    def button(self, label: str, data: str, **values: object) -> tuple[str, str]:
        """The label of the user's language and the callback data, as `inline` takes them."""
        return self.texts.label(label, **values), data

    def inline(self, *buttons: tuple[str, str]) -> Json:
        """The buttons as one row under a message."""
        return inline(buttons)

    # ------------------------------------------------------------------ asking a model

    def ask(
        self,
        kind: str,
        session_id: int | None,
        prompt_id: int | None,
        *,
        hint: str = "",
        soft: bool = False,
        variant: bool = False,
    ) -> None:
        """Ends this update with a turn: its answer comes when a worker is free."""
        turns = self.desk.turns
        turn_id = self.desk.db.turns.add(
            inbox_id=self.envelope.inbox_id,
            chat_id=self.chat_id,
            user_id=self.user.id,
            session_id=session_id,
            kind=kind,
            prompt_id=prompt_id,
            hint=hint,
            soft=soft,
            variant=variant,
            reply_to=self.reply_to,
            now=now(),
        )
        self.envelope.verdict = "turn"
        self.after(lambda: turns.enqueue(turn_id, self.chat_id, kind))

    def take_reply(self, message: types.Message) -> None:
        """Remembers the message that this one replies to."""
        replied = message.reply_to_message
        if replied is not None:
            chosen = message.quote.text if message.quote is not None and message.quote.is_manual else ""
            self.quoted, self.quoted_id = chosen or replied.text or replied.caption or "", replied.message_id
            self.marked = bool(chosen)

    def tell(self, name: str, **properties: str | int | bool) -> None:
        """Something has happened, for analytics; told when the transaction has committed."""
        self.after(partial(self.desk.analytics.tell, name, self.user.id, **properties))

    def after(self, call: Callable[[], None]) -> None:
        """Runs when the transaction has committed."""
        self.envelope.after.append(call)


def now() -> int:
    """Unix seconds, UTC."""
    return int(time.time())
