"""One update as its handler sees it: who sent what, where they are, and the parts of a result.

Nothing here touches the network. What is said becomes outbox rows, in the transaction of the update.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ai.catalog import Model
from ai.registry import ModelRegistry
from config import Config
from conversation.keyboards import inline, reply
from conversation.localization import Locales, Texts
from conversation.steps import TALKING, Step
from conversation.story_draft import Draft
from core.schemas import Json, Outgoing
from database import NO_SESSION, REFUSED, Database, Story, Talk, Turn, User
from handlers.recently_said import RecentlySaid
from handlers.user_message import UserMessage
from telegram.update_result import (
    NOTHING,
    Disposition,
    Effect,
    ForgetSaid,
    IncomingUpdate,
    NoteSaid,
    Queued,
    ReleaseTurn,
    StartTurn,
    TrackEvent,
    TurnStarted,
    UpdateResult,
)
from turns.turn_kind import TurnKinds
from turns.turn_service import TurnService


@dataclass(frozen=True, slots=True)
class Services:
    """What every handler works with. `run_id` names this run of the bot: buttons of an earlier run carry another."""

    config: Config
    db: Database
    locales: Locales
    turns: TurnService
    registry: ModelRegistry
    voices: tuple[str, ...]  # that a story can be read in
    run_id: int
    recently_said: RecentlySaid = field(init=False, default_factory=RecentlySaid)

    @property
    def username(self) -> str:
        """The bot's own @name without the sign; empty until Telegram has told it once."""
        return self.db.settings.get("bot_username") or ""

    @property
    def inline_mode(self) -> bool:
        """Whether stories can be sent into other chats by the bot's inline mode, as Telegram has told."""
        return bool(self.db.settings.get("inline_mode"))


@dataclass(slots=True)
class UpdateContext:
    """A registered user's update, in a private chat or a group.

    In a group there are no steps and no reply keyboards. The methods that move the user write to the database; those
    that say something return it.
    """

    services: Services
    update: IncomingUpdate
    message: UserMessage
    user: User
    texts: Texts
    first: bool = False  # the user was registered by this very update
    writing: bool = False  # a turn of this chat waits or runs

    @property
    def config(self) -> Config:
        return self.services.config

    @property
    def db(self) -> Database:
        return self.services.db

    @property
    def turns(self) -> TurnService:
        return self.services.turns

    @property
    def kinds(self) -> TurnKinds:
        return self.services.turns.kinds

    @property
    def registry(self) -> ModelRegistry:
        return self.services.registry

    @property
    def chat_id(self) -> int:
        return self.message.chat_id

    @property
    def topic_id(self) -> int:
        """The topic that the update belongs to; 0 if none."""
        return self.update.topic_id

    @property
    def message_id(self) -> int:
        return self.message.id

    @property
    def words(self) -> str:
        return self.message.words

    @property
    def key(self) -> str:
        return self.message.key

    @property
    def step(self) -> Step:
        """Where the user is; `go` changes it."""
        return self.user.step

    @property
    def is_admin(self) -> bool:
        return self.user.id in self.config.admin_ids

    @property
    def model(self) -> Model:
        """The model that the user's turns ask."""
        return self.registry.standing(self.user.model)

    @property
    def draft(self) -> Draft:
        """The user's draft of a new story; an empty one if they have begun none. Stored in the database."""
        return self.db.drafts.get(self.user.id, Draft())

    @draft.setter
    def draft(self, draft: Draft) -> None:
        self.db.drafts[self.user.id] = draft

    @property
    def story(self) -> Story | None:
        """The story that is open, or was last."""
        return self.db.stories.get(self.user.session_id)

    @property
    def has_story(self) -> bool:
        """Whether an unfinished story is open."""
        story = self.story
        return story is not None and not story.finished

    @property
    def hero_story(self) -> Story | None:
        """The story whose hero the user talks to; None anywhere else."""
        character = self.db.characters.chosen(self.user.id) if self.step is Step.CHARACTER else None
        return self.db.stories.get(character.story_id) if character is not None and character.story_id else None

    @property
    def group(self) -> bool:
        """Whether the chat is a group: those have negative ids."""
        return self.chat_id < 0

    @property
    def talk(self) -> Talk | None:
        """The open talk with the chosen character at that step, with the assistant anywhere else and in groups."""
        if self.group or self.step is not Step.CHARACTER:
            return self.db.talks.open_in(self.chat_id, self.topic_id)
        character = self.db.characters.chosen(self.user.id)
        if character is None:
            return None
        return self.db.talks.open_in(self.chat_id, self.topic_id, kind="character", character_id=character.id)

    def open_talk(self) -> Talk:
        """Return the open talk, or begin one with the assistant."""
        return self.talk or self.begin_talk()

    def assistant_talk(self) -> Talk:
        """Return the open talk with the assistant, whatever the step, or begin one."""
        return self.db.talks.open_in(self.chat_id, self.topic_id) or self.begin_talk()

    def begin_talk(self) -> Talk:
        """Begin a talk with the assistant, which is the open one from now on."""
        talks = self.db.talks
        begun = talks.get(talks.create(self.user.id, self.chat_id, now(), topic_id=self.topic_id))
        assert begun is not None
        return begun

    @property
    def words_go_to(self) -> int:
        """The session that the user's words belong to, or `NO_SESSION`."""
        if self.step in TALKING or self.group:
            talk = self.talk
            return talk.session_id if talk is not None else NO_SESSION
        return self.user.session_id or NO_SESSION

    def show(self, prompt_id: int) -> None:
        """Record that the user's message, or each of its pieces, shows a prompt.

        `REFUSED` words in pieces are not recorded: no edit of one piece could make them short enough.
        """
        pieces, outbox = self.message.pieces, self.db.outbox
        if not pieces:
            outbox.show(self.chat_id, self.message_id, prompt_id)
        elif prompt_id != REFUSED:
            for piece in pieces:
                outbox.show(self.chat_id, piece.message_id, prompt_id, start=piece.start, length=piece.length)

    def with_words(self, words: str) -> UpdateContext:
        """Return a context in which the user has sent these words, and quotes nothing."""
        return replace(self, message=replace(self.message, words=words, quote=None, pieces=()))

    def replying_to(self, message_id: int | None) -> UpdateContext:
        """Return a context whose messages reply to this one."""
        return replace(self, message=replace(self.message, reply_to=message_id))

    # ------------------------------------------------------------------ moving the user

    def go(self, step: Step) -> None:
        """Move the user to `step`; in a group, where users have no steps, of this update only.

        Compare-and-set: updates of a chat run one at a time, and a turn's end moves the user only between them.
        """
        if step is self.step:
            return
        if not self.group:
            self.db.users.move(self.user.id, self.step, step)
        self.user = replace(self.user, step=step)

    def reload(self) -> None:
        """Read the user again, after a change of their row."""
        user = self.db.users.get(self.user.id)
        assert user is not None
        self.user = user

    def open(self, session_id: int) -> None:
        """Make a session the user's open one; in a group, of this update only."""
        if not self.group:
            self.db.users.open_session(self.user.id, session_id)
            self.db.topic_states.leave_elsewhere(self.user.id, session_id)
        self.user = replace(self.user, session_id=session_id)

    # ------------------------------------------------------------------ saying something

    def say(self, key: str, *, keyboard: Json = None, **values: object) -> UpdateResult:
        """Return a message with a sentence of the locales."""
        return self.send(self.texts.say(key, **values), keyboard=keyboard)

    def say_meanwhile(self, key: str, *, keyboard: Json = None, **values: object) -> UpdateResult:
        """Return a message that is deleted when the update's turn, or its wait for another turn, is over."""
        said = self.say(key, keyboard=keyboard, **values)
        return replace(said, messages=tuple(replace(message, notice=True) for message in said.messages))

    def say_once_a_minute(self, key: str, *, n: int) -> UpdateResult:
        """Return a message with a sentence of the locales, or nothing if the user was told so within a minute."""
        where = self.chat_id, self.topic_id, self.user.id
        if not self.services.recently_said.is_due(*where, key):
            return NOTHING
        return self.say(key, n=n) + after_commit(NoteSaid(*where, key))

    def say_here(self, key: str, **values: object) -> UpdateResult:
        """Return a message with a sentence of the locales and the reply keyboard of the user's step."""
        return self.say(key, keyboard=self.keyboard(), **values)

    def send(self, html: str, *, keyboard: Json = None) -> UpdateResult:
        """Return a message in Telegram HTML, in which values are escaped already."""
        params: dict[str, Json] = {"text": html, "parse_mode": "HTML"}
        if keyboard is not None:
            params["reply_markup"] = keyboard
        if self.message.reply_to is not None:
            params["reply_parameters"] = {"message_id": self.message.reply_to}
        return self.deliver(Outgoing(self.chat_id, "sendMessage", params))

    def send_plain(self, text: str) -> UpdateResult:
        """Return a message without markup, such as a story's text."""
        return self.deliver(Outgoing(self.chat_id, "sendMessage", {"text": text}))

    def edit(self, key: str, *, keyboard: Json = None, **values: object) -> UpdateResult:
        """Return a change of the pressed button's message to a sentence of the locales."""
        return self.edit_html(self.texts.say(key, **values), keyboard=keyboard)

    def edit_html(self, html: str, *, keyboard: Json = None) -> UpdateResult:
        """Return a change of the pressed button's message to this Telegram HTML."""
        params: dict[str, Json] = {"message_id": self.message_id, "text": html, "parse_mode": "HTML"}
        if keyboard is not None:
            params["reply_markup"] = keyboard
        return self.deliver(Outgoing(self.chat_id, "editMessageText", params))

    def drop_buttons(self) -> UpdateResult:
        """Return the removal of the buttons that were used: they would only answer that they are past."""
        return self.deliver(Outgoing(self.chat_id, "editMessageReplyMarkup", {"message_id": self.message_id}))

    def toast(self, key: str) -> UpdateResult:
        """Return the pop-up that answers a press, with a sentence of the locales."""
        return UpdateResult(toast=self.texts.plain(key))

    def deliver(self, *messages: Outgoing) -> UpdateResult:
        """Return these messages as a result."""
        return UpdateResult(messages=messages)

    def keyboard(self) -> Json:
        """Return the reply keyboard of the user's step; None in groups."""
        if self.group:
            return None
        has_story = self.hero_story is not None if self.step is Step.CHARACTER else self.has_story
        asked = self.user.asks_about
        has_note = self.step is Step.NOTE and asked is not None and bool(self.db.cards.note(asked))
        return reply(self.texts, self.step, self.draft, has_story=has_story, has_note=has_note)

    def button(self, label: str, data: str, **values: object) -> tuple[str, str]:
        """Return a button's label in the user's language with its callback data, as `inline` takes them."""
        return self.texts.label(label, **values), data

    def inline(self, *buttons: tuple[str, str]) -> Json:
        """Return the buttons as one row under a message."""
        return inline(buttons)

    # ------------------------------------------------------------------ turns, queueing, analytics

    def start_turn(
        self,
        kind: str,
        session_id: int | None,
        prompt_id: int | None,
        *,
        hint: str = "",
        soft: bool = False,
        variant: bool = False,
        disposition: Disposition = TurnStarted(),  # noqa: B008 — a frozen value
    ) -> UpdateResult:
        """Store a waiting turn that answers this update; return its start."""
        turn_id = self.db.turns.add(
            inbox_id=self.update.inbox_id,
            chat_id=self.chat_id,
            user_id=self.user.id,
            session_id=session_id,
            kind=kind,
            prompt_id=prompt_id,
            hint=hint,
            soft=soft,
            variant=variant,
            reply_to=self.message.reply_to,
            topic_id=self.topic_id,
            now=now(),
        )
        return UpdateResult(disposition=disposition, effects=(StartTurn(turn_id, self.chat_id, kind),))

    def queue(self, session_id: int, *, blocks: bool = False) -> UpdateResult:
        """Return that the update waits for the chat's turn; its words belong to this session."""
        accepted = not self.update.queued_for
        effects = (ForgetSaid(self.chat_id, self.topic_id, self.user.id),) if accepted else ()
        return UpdateResult(disposition=Queued(session_id, blocks), effects=effects)

    def track(self, name: str, **properties: str | int | bool) -> UpdateResult:
        """Return an event for analytics."""
        return after_commit(TrackEvent(name, self.user.id, properties))


def after_commit(*effects: Effect) -> UpdateResult:
    """Return these effects as a result."""
    return UpdateResult(effects=effects)


def stop_turn(turns: TurnService, turn: Turn) -> UpdateResult:
    """End an open turn with what is written so far; return what to say about it."""
    return UpdateResult(messages=tuple(turns.end_by_stop(turn)), effects=(ReleaseTurn(turn),))


def join(results: Sequence[UpdateResult]) -> UpdateResult:
    """Return the sum of results."""
    return sum(results, NOTHING)


def now() -> int:
    """Unix seconds, UTC."""
    return int(time.time())
