"""Users who write, wait for their answer and write again at once, and the times of their turns.

A place is taken by one user after the other, a few turns each: a longer story would make the bot ask for a summary.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Final, Protocol

from bench.standins import ANSWERS, words

TURNS_EACH: Final = 5
USERS: Final = 4000  # users in the database, with ids from FIRST_ID on
FIRST_ID: Final = 1001


class Says(Protocol):
    """Where users write."""

    def say(self, chat_id: int, text: str) -> None:
        """Send a private message of that user to the bot. Don't wait for an answer."""


@dataclass(slots=True)
class MeasuredTurn:
    """One turn as seen from outside; times are of `time.monotonic()`."""

    sent_at: float
    measured: bool
    model_s: float = 0.0
    first_chunk_at: float = 0.0
    first_text_at: float = 0.0
    answered_at: float = 0.0
    calls: int = 0

    @property
    def overhead_s(self) -> float:
        """Seconds from message to answer, without the model's own."""
        return self.answered_at - self.sent_at - self.model_s

    @property
    def first_text_s(self) -> float:
        """Seconds from the model's first chunk to the first text that the user sees."""
        return self.first_text_at - self.first_chunk_at


@dataclass(slots=True)
class Load:
    """The users and their turns. The stand-ins report to it (`called`, `wrote`)."""

    users: int
    chats: tuple[int, ...] = ()  # given ones; else those of a seeded database
    done: list[MeasuredTurn] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)  # texts that are no answers
    answers: int = 0  # so far, measured or not
    on: bool = False
    measuring: bool = False
    _open: dict[int, MeasuredTurn] = field(default_factory=dict)
    _places: dict[int, tuple[int, int]] = field(default_factory=dict)  # chat → place and its turn's number
    says: Says | None = None

    async def begin(self, spread_s: float) -> None:
        """Have each user write for the first time, within `spread_s`."""
        self.on = True
        loop = asyncio.get_running_loop()
        for place in range(self.users):
            loop.call_later(random.uniform(0, spread_s), self._write, place, 0)

    async def end(self, timeout_s: float) -> int:
        """Stop writing and wait for open answers; return how many didn't come."""
        self.on = False
        ends_at = time.monotonic() + timeout_s
        while self._open and time.monotonic() < ends_at:
            await asyncio.sleep(0.05)
        return len(self._open)

    def _write(self, place: int, number: int) -> None:
        if not self.on or self.says is None:
            return
        user_id = FIRST_ID + (place + self.users * (number // TURNS_EACH)) % USERS
        chat_id = self.chats[place] if self.chats else user_id
        self._places[chat_id] = (place, number)
        self._open[chat_id] = MeasuredTurn(time.monotonic(), self.measuring)
        self.says.say(chat_id, words(chat_id))

    # ------------------------------------------------------------------ reported by the stand-ins

    def called(self, method: str, chat_id: int, text: str, at: float) -> None:
        """Count one Bot API call of a turn. The answer ends the turn, and its user begins the next one.

        A call that belongs to no turn, or has another text than the answer's, is added to `odd`.
        """
        turn = self._open.get(chat_id)
        if turn is None:
            self.odd.append(f"{method} out of turn")
            return
        turn.calls += 1
        if method in ("sendMessage", "sendMessageDraft"):
            turn.first_text_at = turn.first_text_at or at
        if method != "sendMessage":
            return
        if text not in ANSWERS:
            self.odd.append(text[:80])
            return
        turn.answered_at = at
        self.answers += 1
        del self._open[chat_id]
        if turn.measured:
            self.done.append(turn)
        place, number = self._places.pop(chat_id)
        asyncio.get_running_loop().call_soon(self._write, place, number + 1)

    def first_chunk(self, chat_id: int, at: float) -> None:
        """Note when the model's first chunk for the chat's open turn was sent."""
        if turn := self._open.get(chat_id):
            turn.first_chunk_at = at

    def wrote(self, chat_id: int, asked_at: float, ended_at: float) -> None:
        """Note how many seconds the model took for the chat's open turn."""
        if turn := self._open.get(chat_id):
            turn.model_s = ended_at - asked_at
