"""`guest`: words to a character in a chat where the bot is no member. The answer is short, plain and comes at once."""

from __future__ import annotations

from typing import Final

from conversation.localization import Html, Texts
from core.errors import LimitReached, ModelRefused, TelegramRefused
from core.schemas import Outgoing, Usage
from database import Character, Talk, Turn
from turns import guest_answers
from turns.attached_files import NOTHING_ATTACHED
from turns.guest_refusals import given_back, lost
from turns.kinds.character import CharacterTurn
from turns.message_view import sentence
from turns.running_turn import RunningTurn
from turns.turn_result import TurnResult

MOST_TOKENS: Final = 400  # of an answer
TEMPERATURE: Final = 0.6


class GuestTurn(CharacterTurn):
    """A character in somebody else's chat. Whoever called it pays; what concerns them alone is said in private."""

    name = "guest"

    def run(self, running: RunningTurn) -> TurnResult:
        """Return the whole answer; nothing is asked if Telegram has refused the message that it is to stand in."""
        turn = running.turn
        if self._has_no_message(turn):
            raise TelegramRefused("answerGuestQuery", 400, "the query is too old")
        source = self._source(turn, NOTHING_ATTACHED)
        answer = self._generator.ask(running, source, max_tokens=MOST_TOKENS, temperature=TEMPERATURE)
        return self._generator.result(running, answer.text.strip(), cut=answer.cut)

    def _closing(self, turn: Turn, texts: Texts, character: Character | None) -> list[str]:
        return [*super()._closing(turn, texts, character), texts.prompt("guest.closing")]

    def _speakers(self, turn: Turn) -> dict[int, int]:
        speakers = self._db.talks.speakers(turn.session_id)
        return speakers if len(speakers) > 1 else {}

    # ------------------------------------------------------------------ ends

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Store the answer and show it in the place of the message that said it was coming.

        If Telegram has refused that message by now, the answer is forgotten and costs nothing.
        """
        if self._has_no_message(turn):
            given_back(self._db, turn)
            return lost(self._db, self._locales, turn)
        talk = self._talk(turn)
        shown = guest_answers.shortened(self.draft(guest_answers.without_remarks(result.text), ""), cut=result.cut)
        self._store(turn, talk, result.text, result.usage)
        said = self._texts(turn).say("guest.answer", name=self._name_in(turn.session_id), text=shown)
        return [self._shown(turn, said), *self._warnings.budget()]

    def broken_off(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Show nothing of a text without an end."""
        return self.failed(turn, result.error)

    def stopped(self, turn: Turn, text: str) -> list[Outgoing]:
        """Say that the character was stopped."""
        return [self._say_shown(turn, "guest.stopped")]

    def failed(self, turn: Turn, error: Exception | None) -> list[Outgoing]:
        """Say that no answer comes; the reason, if it is the caller's own limit, only to them."""
        if isinstance(error, LimitReached):
            said = self.limit_message(turn.user_id, turn.chat_id, turn.session_id, error)
            return [self._say_shown(turn, "guest.silent"), *self._privately(turn, said)]
        if isinstance(error, TelegramRefused):
            return lost(self._db, self._locales, turn)
        key = "guest.refused" if isinstance(error, ModelRefused) else "guest.away"
        return [self._say_shown(turn, key)]

    def abandoned(self, turn: Turn) -> list[Outgoing]:
        """Say that no answer comes."""
        return [self._say_shown(turn, "guest.away")]

    def limit_message(self, user_id: int, chat_id: int, session_id: int | None, error: LimitReached) -> Outgoing:
        """Return the sentence of a limit, for the private chat of who called."""
        if error.limit == "session":
            name = self._name_in(session_id)
            return sentence(user_id, self._texts_of(user_id).say("guest.session_full", name=name))
        return super().limit_message(user_id, user_id, session_id, error)

    # ------------------------------------------------------------------ pieces

    def _privately(self, turn: Turn, said: Outgoing) -> list[Outgoing]:
        user = self._db.users.get(turn.user_id)
        return [said] if user is not None and not user.blocked else []

    def _has_no_message(self, turn: Turn) -> bool:
        return turn.inbox_id is not None and self._db.guests.is_refused(turn.inbox_id)

    def _context_news(self, turn: Turn, talk: Talk, usage: Usage) -> list[Outgoing]:
        return []

    def _shown(self, turn: Turn, html: Html) -> Outgoing:
        return guest_answers.changed(turn.chat_id, turn.inbox_id, html)

    def _say_shown(self, turn: Turn, key: str) -> Outgoing:
        return self._shown(turn, self._texts(turn).say(key, name=self._name_in(turn.session_id)))

    def _name_in(self, session_id: int | None) -> str:
        talk = self._db.talks.get(session_id) if session_id else None
        character = self._character(talk) if talk is not None else None
        return character.name if character is not None else "…"
