"""One person: acts, waits for what the bot makes of it, and thinks before the next act."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.soak.journal import Action, Journal, Outcome, Path
from bench.soak.sentences import Sentences
from bench.soak.stand_ins import Signs
from sandbox.telegram_state import ChatMessage
from sandbox.users import ChatUser, NotCome, NotShown

PATIENCE_S = 90.0
PAUSE_S = 2.0  # before somebody looks again at a screen that has just changed


class Finished(Exception):
    """The run is over: nobody begins anything new."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What all people share. They think for `think_s` on average, from half of it to half more."""

    journal: Journal
    sentences: Sentences
    signs: Signs
    ending: threading.Event
    begun_at: float
    page_url: str
    think_s: float


class Person:
    """A user with a habit, whose choices come from a seed."""

    def __init__(self, stage: Stage, user: ChatUser, habit: str, chance: random.Random) -> None:
        self.stage, self.user, self.habit, self.chance = stage, user, habit, chance

    @property
    def keys(self) -> list[str]:
        """The labels of the keyboard on the screen."""
        return [label for row in self.user.keyboard for label in row]

    def picks(self, weights: Mapping[str, float]) -> str:
        """Return one of these by its weight."""
        return self.chance.choices(list(weights), list(weights.values()))[0]

    # What a person does

    def press(self, label: str, path: Path = "quick", times: int = 1) -> ChatMessage | None:
        """Press a button of the keyboard, or do nothing if it has just gone."""
        return self._tries(label, lambda: self.user.press(label), path, times)

    def tap(self, label: str, path: Path = "quick", times: int = 1) -> ChatMessage | None:
        """Press a button below a message, or do nothing if it has just gone."""
        return self._tries(label, lambda: self.user.tap(label), path, times)

    def send(self, text: str, path: Path = "quick", *, what: str = "") -> ChatMessage | None:
        """Send a text. `what` names it in the journal."""
        return self.does(what or text, lambda: self.user.send(text), path)

    def thinks(self) -> None:
        """Read and think. Raises `Finished` at the end of the run."""
        think_s = self.stage.think_s
        if self.stage.ending.wait(self.chance.uniform(think_s / 2, think_s * 1.5)):
            raise Finished

    def _tries(self, label: str, act: Callable[[], object], path: Path, times: int) -> ChatMessage | None:
        def acts() -> None:
            for _ in range(times):
                act()

        try:
            return self.does(label, acts, "other" if times > 1 else path, times)
        except NotShown:
            if self.stage.ending.wait(min(PAUSE_S, self.stage.think_s)):
                raise Finished from None
            return None

    def does(self, what: str, act: Callable[[], object], path: Path = "quick", signs: int = 1) -> ChatMessage | None:
        """Act, wait for so many signs of the bot that are no notices, note it, and think. Return the message.

        None if the bot has answered by a pop-up or not at all.
        """
        chat = self.user.chat
        with self.user.state.lock:
            mark, last_id, answers = chat.revision, chat.last_id, len(chat.answers)
        at = time.monotonic()
        self.stage.signs.expect(chat.id, at)
        act()

        def look() -> list[ChatMessage | str] | None:
            found = self._shown(mark, last_id, answers)
            return found if len(found) >= signs else None

        found: Sequence[ChatMessage | str] = ()
        note = ""
        try:
            found = self.user.until(look, PATIENCE_S, what)
        except NotCome as error:
            note = str(error)
        self.notes(what, path, at, [one if isinstance(one, str) else one.text for one in found], note)
        self.thinks()
        return next((one for one in found if isinstance(one, ChatMessage)), None)

    def notes(self, what: str, path: Path, at: float, texts: Sequence[str], note: str = "") -> None:
        """Add an action to the journal: answered by these texts, or not at all."""
        told = next(filter(None, map(self.stage.sentences.told, texts)), "")
        if told:
            self.notes_told(what, path, at, told)
        else:
            self._add(what, path, at, "answered" if texts else "silent", note)

    def notes_told(self, what: str, path: Path, at: float, note: str) -> None:
        """Add an action that was answered by a sentence about what went wrong; `note` says which."""
        self._add(what, path, at, "told", note)

    def _add(self, what: str, path: Path, at: float, outcome: Outcome, note: str) -> None:
        first_at = self.stage.signs.first(self.user.chat.id)
        begun_s, first_s, answer_s = at - self.stage.begun_at, max(0.0, first_at - at), time.monotonic() - at
        self.stage.journal.add(Action(begun_s, self.habit, what, path, outcome, first_s, answer_s, note))

    def _shown(self, mark: int, last_id: int, answers: int) -> list[ChatMessage | str]:
        """Return the messages and pop-ups since then that are no notices; also those that the next one has replaced."""
        chat = self.user.chat
        shown: list[ChatMessage | str] = [
            message
            for message in chat.messages.values()
            if message.from_bot
            and message.revision > mark
            and (message.id > last_id or not message.deleted)
            and message.only_for in (0, self.user.id)
            and not self.stage.sentences.is_notice(message.text)
        ]
        return shown + [answer.text for answer in chat.answers[answers:] if answer.text]
