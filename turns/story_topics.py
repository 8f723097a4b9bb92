"""A story in a topic of its own: made at its first turn, and where all its later turns go.

Only in a private chat of a bot that has topics there (`has_topics_enabled` of `getMe`). Telegram names the new topic in
its answer, so it is asked for by the worker, before the turn runs. Killed between Telegram's answer and the commit, the
next start makes another one, and an empty topic stays. While the database fails, the topic that was made is kept.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import Final

from conversation.keyboards import reply
from conversation.localization import Locales
from conversation.steps import Step
from conversation.story_draft import Draft
from core.errors import StorageError, TelegramError
from core.logs import event
from core.schemas import Json, Outgoing
from database import BROUGHT, Database, Story, Turn
from telegram.api_client import BotApi
from telegram.bot_profile import HAS_TOPICS
from telegram.chat_queue import ChatQueues
from telegram.failure_notices import FailureNotices
from telegram.sender import Delivery
from turns import message_view
from turns.message_view import sentence, title_of

log = logging.getLogger(__name__)

NAME_CHARS: Final = 128  # of a topic
OF_A_VOLUME: Final = "volume"  # the hint of a second volume's first turn, which stays in the topic of the first
_TIMEOUT_S: Final = 15
_PAUSE_S: Final = 1.0  # between two tries while the database fails


class StoryTopics:
    """Gives stories their topics."""

    def __init__(
        self,
        *,
        db: Database,
        locales: Locales,
        api: BotApi,
        delivery: Delivery,
        chats: ChatQueues,
        notices: FailureNotices,
        stopping: threading.Event,
    ) -> None:
        self._db = db
        self._locales = locales
        self._api = api
        self._delivery = delivery
        self._chats = chats
        self._notices = notices
        self._stopping = stopping
        self._made: dict[int, int] = {}  # turn → the topic that Telegram made for it, which isn't stored yet

    def start(self, turn_id: int) -> Turn | None:
        """Set a waiting turn to running, in its story's topic; None if it no longer waits or the process stops. Blocks.

        Raises `StorageError`, and then the turn still waits. If Telegram makes no topic, the turn stays where it is.
        """
        turn = self._db.turns.start(turn_id)
        while turn is not None:
            try:
                placed = self._placed(turn)
            except StorageError as error:
                event(log, logging.ERROR, "storage_unavailable", part="topic", turn=turn.id, error=str(error))
                self._notices.storage_failed(turn.chat_id, turn.topic_id)
                if self._stopping.wait(_PAUSE_S):
                    return None  # asked again at the next start
            else:
                self._made.pop(turn_id, None)
                return placed
        return None

    def _placed(self, turn: Turn) -> Turn:
        """Return a running turn as one of its story's topic, which is made if the story begins."""
        if turn.chat_id != turn.user_id or self._db.settings.get(HAS_TOPICS) != "1":
            return turn
        story = self._db.stories.get(turn.session_id)
        if story is None:
            return turn
        if story.topic_id:
            return turn if story.topic_id == turn.topic_id else self._moved(turn, story, story.topic_id)
        if turn.topic_id and (turn.hint == OF_A_VOLUME or not needs_topic(self._db, turn.chat_id, turn.topic_id)):
            return self._bound(turn, story)
        if not self._db.stories.has_begun(story.session_id):
            return self._begun(turn, story)
        return turn

    def _begun(self, turn: Turn, story: Story) -> Turn:
        """Make a topic for the story and move the turn there; delete it again if the turn was stopped meanwhile."""
        topic_id = self._made.get(turn.id)
        if topic_id is None:
            name: dict[str, Json] = {"chat_id": turn.chat_id, "name": topic_name(story)}
            try:
                made = self._api.call("createForumTopic", name, timeout_s=_TIMEOUT_S)
            except TelegramError as error:
                return self._stays(turn, str(error))
            made_id = made.get("message_thread_id") if isinstance(made, dict) else None
            if not isinstance(made_id, int):
                return self._stays(turn, "an answer without the topic's id")
            topic_id = self._made[turn.id] = made_id
            event(log, logging.INFO, "story_topic_made", user=turn.user_id, topic=topic_id)
        moved = self._moved(turn, story, topic_id)
        if moved.topic_id != topic_id:
            self._delete(turn, topic_id)
        return moved

    def _delete(self, turn: Turn, topic_id: int) -> None:
        """Delete an unused topic; if Telegram doesn't, it stays, empty."""
        unused: dict[str, Json] = {"chat_id": turn.chat_id, "message_thread_id": topic_id}
        try:
            self._api.call("deleteForumTopic", unused, timeout_s=_TIMEOUT_S)
        except TelegramError as error:
            event(log, logging.WARNING, "story_topic_left", user=turn.user_id, topic=topic_id, error=str(error))

    def _stays(self, turn: Turn, reason: str) -> Turn:
        """Say that a story which was to begin in a topic of its own is told here."""
        event(log, logging.WARNING, "story_topic_refused", user=turn.user_id, error=reason)
        user = self._db.users.get(turn.user_id)
        if user is not None and turn.session_id and not self._db.stories.has_begun(turn.session_id):
            texts = self._locales[user.language]
            keyboard: Json = reply(texts, Step.STORY, Draft(), has_story=True)
            said = sentence(turn.chat_id, texts.say("topic.none"), keyboard).in_topic(turn.chat_id, turn.topic_id)
            self._delivery.wake(self._db.outbox.add(None, [said]))
        return turn

    def _bound(self, turn: Turn, story: Story) -> Turn:
        """Let the story stay in the topic that it is told in, under its name."""
        with self._db.transaction():
            self._db.stories.set_topic(story.session_id, turn.topic_id)
            rows = self._db.outbox.add(None, renamed(replace(story, topic_id=turn.topic_id)))
        self._delivery.wake(rows)
        return turn

    def _moved(self, turn: Turn, story: Story, topic_id: int) -> Turn:
        """Move the turn, and the user's open story, into a topic; the turn stays if another one runs there."""
        with self._db.transaction():
            if not self._db.turns.move(turn.id, topic_id):
                return turn
            began = story.topic_id != topic_id
            if began:
                self._db.stories.set_topic(story.session_id, topic_id)
            self._db.topic_states.hand_over(turn.user_id, turn.topic_id, topic_id, story.session_id)
            rows = self._db.outbox.add(None, self._said(turn, story, topic_id, began=began))
        self._delivery.wake(rows)
        self._chats.resume(turn.chat_id, turn.topic_id)
        return replace(turn, topic_id=topic_id)

    def _said(self, turn: Turn, story: Story, topic_id: int, *, began: bool) -> list[Outgoing]:
        """Say in a new topic what it is for; where the story was asked for, say where it goes on."""
        user = self._db.users.get(turn.user_id)
        assert user is not None  # a turn goes with its user
        texts = self._locales[user.language]
        goes_on = texts.say("topic.goes_on", title=title_of(story))
        messages: list[Outgoing] = []
        if began:
            keyboard: Json = reply(texts, Step.STORY, Draft(), has_story=True)
            here = sentence(turn.chat_id, texts.say("topic.begins", title=title_of(story)), keyboard)
            moved, last = self._last_lines(turn, story, goes_on)
            messages = [*moved, *(said.in_topic(turn.chat_id, topic_id) for said in (here, *last))]
            if not last:
                return messages  # the wizard has said where it is told
        with self._db.topic_states.within(turn.user_id, turn.chat_id, turn.topic_id):
            left = self._db.users.get(turn.user_id)
            at_menu = left is not None and left.step is Step.MENU
        menu: Json = reply(texts, Step.MENU, Draft()) if at_menu else None
        return [*messages, sentence(turn.chat_id, goes_on, menu).in_topic(turn.chat_id, turn.topic_id)]

    def _last_lines(self, turn: Turn, story: Story, line: str) -> tuple[list[Outgoing], list[Outgoing]]:
        """Return how the lines that a story goes on from leave the chat, if its user has brought them, and come here.

        Both are empty for a story without a text. `line` stands for messages that are too old to be deleted. The
        user's own words at the end, which a stopped turn has left, are none: they would stand here as the bot's.
        """
        head = self._db.tree.get(story.head_id)
        while head is not None and head.has_wishes:
            head = self._db.tree.get(head.parent_id)
        if head is None:
            return [], []
        moved = message_view.taken_away(self._db, turn.chat_id, head, line) if head.kind == BROUGHT else []
        return moved, message_view.part(turn.chat_id, head.id, message_view.read_text(head))


def needs_topic(db: Database, chat_id: int, topic_id: int) -> bool:
    """Return whether a story that begins in this topic gets one of its own, in a private chat that has topics."""
    has_topics = chat_id > 0 and db.settings.get(HAS_TOPICS) == "1"
    return has_topics and (not topic_id or db.stories.in_topic(chat_id, topic_id) is not None)


def topic_name(story: Story) -> str:
    """Return the name of a story's topic: its title, with a flag once the story has ended."""
    return f"{'🏁 ' if story.finished else ''}{title_of(story)}"[:NAME_CHARS]


def renamed(story: Story) -> list[Outgoing]:
    """Return the call that names a story's topic after it; empty if it has no topic."""
    if not story.topic_id:
        return []
    params: dict[str, Json] = {"message_thread_id": story.topic_id, "name": topic_name(story)}
    return [Outgoing(story.user_id, "editForumTopic", params)]
