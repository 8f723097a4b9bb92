"""`letter`: a character writes first, to who asked for it. It has no words to answer, and a failure says nothing."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

from conversation.keyboards import inline
from conversation.localization import Texts
from conversation.time_zones import is_day
from core.graphemes import first_letters
from core.schemas import Json, Outgoing
from database import Character, Turn
from turns.attached_files import NOTHING_ATTACHED
from turns.kinds.character import CharacterTurn
from turns.message_view import sentence
from turns.running_turn import RunningTurn
from turns.turn_result import NextTurn, TurnResult

MOST_TOKENS: Final = 300  # of a letter
MOST_CHARS: Final = 1_500
TEMPERATURE: Final = 0.7


class FirstLetterTurn(CharacterTurn):
    """A short message by which a character begins, from what was said before."""

    name = "letter"

    def run(self, running: RunningTurn) -> TurnResult:
        """Return the whole letter: nothing of it is shown while it grows, since nobody waits for it.

        A letter that has waited into the night, or until its user wanted none or another's, isn't written.
        """
        letter, turn = self._db.first_letters.get(running.turn.user_id), running.turn
        if letter is None or letter.zone_minutes is None:
            return TurnResult("failed")
        if letter.character_id != self._talk(turn).character_id:
            return TurnResult("failed")
        if not is_day(letter.zone_minutes, max(int(time.time()), letter.last_at)):
            return TurnResult("failed")
        source = self._source(turn, NOTHING_ATTACHED)
        answer = self._generator.ask(running, source, max_tokens=MOST_TOKENS, temperature=TEMPERATURE)
        return self._generator.result(running, answer.text.strip(), cut=answer.cut)

    def _closing(self, turn: Turn, texts: Texts, character: Character | None) -> list[str]:
        return [*super()._closing(turn, texts, character), texts.prompt("letter.closing")]

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Store the letter and show it, with a way to answer and one to have no more of them."""
        talk, texts = self._talk(turn), self._texts(turn)
        prompt_id = self._store(turn, talk, result.text, result.usage)
        character = self._character(talk)
        shown = first_letters(self.draft(result.text, ""), MOST_CHARS)
        said = texts.say("letter.said", name=character.name if character is not None else "…", text=shown)
        keyboard: Json = None
        if character is not None:
            answer = (texts.label("letter_answer"), f"character:{character.id}")
            keyboard = inline([answer], [(texts.label("not_first"), f"not_first:{character.id}")])
        message = sentence(turn.chat_id, said, keyboard)
        return [replace(message, prompt_id=prompt_id), *self._warnings.budget()]

    def broken_off(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Show nothing of a letter without an end."""
        return self.failed(turn, result.error)

    def next_turn(self, turn: Turn) -> NextTurn | None:
        """Return None: what a voice costs was not said when letters were asked for."""
        return None

    def stopped(self, turn: Turn, text: str) -> list[Outgoing]:
        """Say that it was stopped: the user has asked for that."""
        self._db.first_letters.take_back(turn.user_id)
        return super().stopped(turn, "")

    def failed(self, turn: Turn, error: Exception | None) -> list[Outgoing]:
        """Say nothing: nobody has asked for anything just now."""
        self._db.first_letters.take_back(turn.user_id)
        return []

    def abandoned(self, turn: Turn) -> list[Outgoing]:
        """Say nothing, as of any failure."""
        return self.failed(turn, None)
