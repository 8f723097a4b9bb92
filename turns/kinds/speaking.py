"""`speaking`: an answer of a talk, read aloud after its text.

It is a turn of its own, which begins when the answer is stored: whatever becomes of it, the answer stays.
"""

from __future__ import annotations

from typing import Final

from ai.catalog import CostMultiplier
from ai.speech import TextToSpeech
from conversation.keyboards import inline
from core.errors import LimitReached, ModelRefused
from core.schemas import Outgoing
from database import Turn
from turns.billing import TurnBilling
from turns.fitting_voices import voice_for
from turns.kinds.reading import read_aloud, reading_price
from turns.message_view import as_reply, only_for, sentence
from turns.running_turn import RunningTurn
from turns.spoken_text import MOST_CHARS, spoken
from turns.turn_kind import BelongsTo, KindServices, TurnKind, retry_button
from turns.turn_result import TurnResult

BY_VOICE: Final = "by_voice"  # the hint of a question that was spoken


class SpokenAnswer(TurnKind):
    """The voice message of the answer that the turn names."""

    name = "speaking"
    wait_line = "voice.wait"
    belongs_to = BelongsTo.TALK
    by_service = True
    may_use_reserve = True  # a talk has no ending to keep tokens for
    chat_action = "record_voice"

    def __init__(self, services: KindServices, *, billing: TurnBilling, speech: TextToSpeech) -> None:
        super().__init__(services)
        self._billing = billing
        self._speech = speech

    def run(self, running: RunningTurn) -> TurnResult:
        """Have the prose of the answer read. Raises `ModelRefused` if it has none."""
        turn = running.turn
        text, _ = self._text(turn)
        if not text:
            raise ModelRefused("nothing to read aloud")
        tokens = reading_price(self._config, text)
        self._billing.reserve(running, self.name, tokens, input_tokens=tokens)
        return read_aloud(self._speech, running, text, self._voice(turn), tokens)

    def least_price(self, weight: CostMultiplier) -> int:
        """Return what the shortest text costs."""
        return reading_price(self._config, "")

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Show the recordings; say if they are only the beginning of the answer."""
        _, is_beginning = self._text(turn)
        words = self._texts(turn).plain("aloud.beginning", limit=MOST_CHARS) if is_beginning else ""
        messages = []
        for number, recording in enumerate(result.files, start=1):
            of_several = f"{number}/{len(result.files)}" if len(result.files) > 1 else ""
            caption = " · ".join(filter(None, (of_several, words if number == len(result.files) else "")))
            files = {"voice": ("voice.ogg", recording)}
            messages.append(Outgoing(turn.chat_id, "sendVoice", {"caption": caption} if caption else {}, files))
        return [as_reply(message, turn.reply_to) for message in messages]

    def stopped(self, turn: Turn, text: str) -> list[Outgoing]:
        """Say that the answer stays without a voice."""
        return [self._say(turn, "aloud.stopped")]

    def failed(self, turn: Turn, error: Exception | None) -> list[Outgoing]:
        """Say why no voice comes, with a button for another try or one that turns the voice off."""
        if isinstance(error, LimitReached):
            said = self.limit_message(turn.user_id, turn.chat_id, turn.session_id, error)
            return [as_reply(said, turn.reply_to)]
        if isinstance(error, ModelRefused):
            return [self._say(turn, "aloud.nothing_to_read")]
        return [self._say(turn, "aloud.away", retry_button(turn))]

    def limit_message(self, user_id: int, chat_id: int, session_id: int | None, error: LimitReached) -> Outgoing:
        """Return why no voice comes, with the button that turns it off."""
        texts = self._texts_of(user_id)
        if error.limit == "balance":
            said = texts.say("aloud.no_tokens", needed=error.used, free=max(0, error.allowed))
        else:
            said = texts.say("aloud.over_limit")
        talk = self._db.talks.get(session_id)
        character_id = talk.character_id if talk is not None else None
        off = inline([(texts.label("no_voice"), f"aloud:silent:{character_id or 0}")])
        return only_for(sentence(chat_id, said, off if chat_id == user_id else None), user_id)

    def _text(self, turn: Turn) -> tuple[str, bool]:
        answer = self._db.tree.get(turn.prompt_id)
        return spoken(answer.text) if answer is not None else ("", False)

    def _voice(self, turn: Turn) -> str:
        talk = self._db.talks.get(turn.session_id)
        character_id = talk.character_id if talk is not None else None
        character = self._db.characters.get(character_id)
        return voice_for(self._db.answer_voices.get(turn.chat_id, character_id), character, self._speech.voices)
