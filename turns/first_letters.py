"""Has characters write first: to who asked for it, once a day at most, and never into something that is going on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Final

from conversation.time_zones import WRONG_CLOCK_S, is_due
from core.errors import LimitReached
from core.logs import event
from database import Database, FirstLetter, Talk, User
from turns.turn_service import TurnService

log = logging.getLogger(__name__)

KIND: Final = "letter"
MOST_UNANSWERED: Final = 2
REST_S: Final = 2 * 3600  # after the last talk


class FirstLetterSender:
    """Starts the turns of letters that are due. `clock_problem` says what is wrong with this machine's clock."""

    def __init__(
        self, *, db: Database, turns: TurnService, admin_ids: Collection[int], clock_problem: Callable[[], str]
    ) -> None:
        self._db = db
        self._turns = turns
        self._admin_ids = admin_ids
        self._clock_problem = clock_problem

    def send_due(self, now: int) -> int:
        """Start the letters that are due; return how many. To be called every minute. Raises `StorageError`."""
        started = 0
        if self._clock_problem():
            return started
        for letter in self._db.first_letters.wanted():
            if letter.zone_minutes is None or not is_due(letter.user_id, letter.zone_minutes, letter.last_at, now):
                continue
            turn_id = self._begin(letter.user_id, now)
            if turn_id is not None:
                self._turns.enqueue(turn_id, letter.user_id, KIND)
                event(log, logging.INFO, "first_letter", user=letter.user_id, turn=turn_id)
                started += 1
        return started

    def _begin(self, user_id: int, now: int) -> int | None:
        """Store the turn together with its day; None if something is in the way."""
        db = self._db
        with db.transaction(durable=True):
            letter, user = db.first_letters.get(user_id), db.users.get(user_id)
            if letter is None or letter.zone_minutes is None or user is None:
                return None
            talk = self._talk(letter)
            unanswered = 0 if db.first_letters.is_answered(letter) else letter.unanswered
            if talk is None or unanswered >= MOST_UNANSWERED or not self._may_write(user, talk, now):
                return None
            db.first_letters.begin(user_id, now, unanswered + 1)
            return db.turns.add(
                inbox_id=None,
                chat_id=user_id,
                user_id=user_id,
                session_id=talk.session_id,
                kind=KIND,
                prompt_id=talk.head_id,
                hint="",
                topic_id=talk.topic_id,
                now=now,
            )

    def _talk(self, letter: FirstLetter) -> Talk | None:
        """Return the talk that the letter goes on with; None if the character or the talk is gone."""
        if self._db.characters.may_talk(letter.user_id, letter.character_id) is None:
            return None
        talk = self._db.talks.last_with(letter.user_id, letter.character_id)
        return talk if talk is not None and talk.head_id is not None else None

    def _may_write(self, user: User, talk: Talk, now: int) -> bool:
        """Return whether the user can be written to, has tokens, and is at rest."""
        db = self._db
        if user.blocked or (user.banned and user.id not in self._admin_ids):
            return False
        rests_s = now - db.first_letters.last_talked_at(user.id)
        if -WRONG_CLOCK_S < rests_s < REST_S:
            return False
        if any(turn.chat_id == user.id for turn in db.turns.open_by(user.id)) or db.first_letters.has_waiting_words(
            user.id
        ):
            return False
        try:
            self._turns.check(user, talk.session_id, KIND)
        except LimitReached:
            return False
        return True
