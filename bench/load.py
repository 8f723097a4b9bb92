"""People who write, wait for their answer and write again; what each of their turns took.

A place is one person at a time: after a few turns the next one sits down, since a story that grows would ask the
model for a summary besides. Covers the closed loop and its figures. Doesn't cover what people do between turns.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Final, Protocol

from bench.standins import ANSWER, words

TURNS_EACH: Final = 5
PEOPLE: Final = 4000  # that a database must know: ids from FIRST_ID on
FIRST_ID: Final = 1001


class Says(Protocol):
    """Where people write."""

    def say(self, chat_id: int, text: str) -> None:
        """A private message of that person to the bot; returns before it is answered."""


@dataclass(slots=True)
class Turn:
    """One turn as it is seen from outside; moments of `time.monotonic()`."""

    sent_at: float
    measured: bool
    model_s: float = 0.0
    first_chunk_at: float = 0.0
    first_text_at: float = 0.0
    answered_at: float = 0.0
    calls: int = 0

    @property
    def overhead_s(self) -> float:
        """Seconds from message to answer, without the model's own: what the bot took."""
        return self.answered_at - self.sent_at - self.model_s

    @property
    def first_text_s(self) -> float:
        """Seconds from the model's first chunk to the first text that the person sees."""
        return self.first_text_at - self.first_chunk_at


@dataclass(slots=True)
class Load:
    """The people and what they have seen. The stand-ins tell it what happens (`called`, `wrote`)."""

    users: int
    chats: tuple[int, ...] = ()  # given ones; else those of a seeded database
    done: list[Turn] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)  # texts that are no answers
    answers: int = 0  # so far, measured or not
    on: bool = False
    measuring: bool = False
    _open: dict[int, Turn] = field(default_factory=dict)
    _seats: dict[int, tuple[int, int]] = field(default_factory=dict)  # chat → place and its turn's number
    says: Says | None = None

    async def begin(self, spread_s: float) -> None:
        """Everybody writes for the first time, within `spread_s`."""
        self.on = True
        loop = asyncio.get_running_loop()
        for place in range(self.users):
            loop.call_later(random.uniform(0, spread_s), self._write, place, 0)

    async def end(self, timeout_s: float) -> int:
        """Nobody writes any more, and all wait for what they asked; how many got nothing."""
        self.on = False
        ends_at = time.monotonic() + timeout_s
        while self._open and time.monotonic() < ends_at:
            await asyncio.sleep(0.05)
        return len(self._open)

    def _write(self, place: int, number: int) -> None:
        if not self.on or self.says is None:
            return
        person = FIRST_ID + (place + self.users * (number // TURNS_EACH)) % PEOPLE
        chat_id = self.chats[place] if self.chats else person
        self._seats[chat_id] = (place, number)
        self._open[chat_id] = Turn(time.monotonic(), self.measuring)
        self.says.say(chat_id, words(chat_id))

    # ------------------------------------------------------------------ told by the stand-ins

    def called(self, method: str, chat_id: int, text: str, at: float) -> None:
        """Books one Bot API call; the answer ends the turn, and its place writes again. Others are `odd`."""
        turn = self._open.get(chat_id)
        if turn is None:
            self.odd.append(f"{method} out of turn")
            return
        turn.calls += 1
        if method in ("sendMessage", "sendMessageDraft"):
            turn.first_text_at = turn.first_text_at or at
        if method != "sendMessage":
            return
        if text != ANSWER:
            self.odd.append(text[:80])
            return
        turn.answered_at = at
        self.answers += 1
        del self._open[chat_id]
        if turn.measured:
            self.done.append(turn)
        place, number = self._seats.pop(chat_id)
        asyncio.get_running_loop().call_soon(self._write, place, number + 1)

    def first_chunk(self, chat_id: int, at: float) -> None:
        """Notes when the model's first chunk for the chat's open turn went out."""
        if turn := self._open.get(chat_id):
            turn.first_chunk_at = at

    def wrote(self, chat_id: int, asked_at: float, first_at: float, ended_at: float) -> None:
        """Notes how many seconds the model took for the chat's open turn."""
        if turn := self._open.get(chat_id):
            turn.model_s = ended_at - asked_at
