"""What a chat sees of a turn before its answer: «печатает», the place in the queue, and the growing text."""

from __future__ import annotations

from functools import partial

from conversation.keyboards import inline
from conversation.localization import Locales
from core.schemas import Json
from database import Database, Turn
from telegram.failure_notices import FailureNotices
from telegram.sender import Delivery
from turns.partial_answers import PartialAnswers
from turns.turn_queue import TurnQueue, WaitingTurn


class TurnNotices:
    """Typing, and messages that are edited in place. At best effort."""

    def __init__(
        self,
        *,
        db: Database,
        locales: Locales,
        delivery: Delivery,
        partial_answers: PartialAnswers,
        failure_notices: FailureNotices,
    ) -> None:
        self._db = db
        self._locales = locales
        self._delivery = delivery
        self._partial_answers = partial_answers
        self._failure_notices = failure_notices

    def storage_failed(self, chat_id: int, topic_id: int = 0) -> None:
        """Tell a chat that the database fails; at most once a minute."""
        self._failure_notices.storage_failed(chat_id, topic_id)

    def typing(self, turn: Turn, action: str) -> None:
        """Show what the bot is at: `typing`, or another action of `sendChatAction`."""
        self._delivery.typing(turn.chat_id, turn.topic_id, action)

    def show_places(self, queue: TurnQueue) -> None:
        """Show the queue places that have changed."""
        for waiting, place in queue.moved():
            turn = self._db.turns.get(waiting.turn_id)
            if turn is None:
                continue
            texts = self._locales[self._db.users.language_of(turn.user_id)]
            keyboard: Json = inline([(texts.label("stop"), f"stop:{turn.id}")])
            self._delivery.notice(
                _key(turn.id),
                turn.chat_id,
                texts.say("story.queue", place=place),
                keyboard,
                partial(self._db.turns.set_notice, turn.id),  # for the next start to delete it
                topic_id=turn.topic_id,
            )

    def show_progress(self) -> None:
        """Show how far the answers are that grow in messages."""
        self._partial_answers.show()

    def drop_place(self, waiting: WaitingTurn) -> None:
        """Delete the notice of a turn that waits no more."""
        if waiting.place is not None:
            self._delivery.notice(_key(waiting.turn_id), waiting.chat_id, None, None, lambda _: None)


def _key(turn_id: int) -> str:
    return f"turn-{turn_id}"
