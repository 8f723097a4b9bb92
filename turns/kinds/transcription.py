"""`hearing`: a voice message becomes words.

The words take the voice message's place in its chat's order: the inbox row that held it holds a text message with the
same number, sender and date from then on, in the transaction that charges the recognition. Not covered: which voice
messages are recognised (`handlers/voice.py`), and the services themselves (`ai/speech.py`).
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from ai.audio_format import OGG_OPUS
from ai.catalog import HEARD_S, CostMultiplier
from ai.speech import NO_SUCH_SERVICE, SpeechRequest, SpeechToText
from config import Config
from core.errors import (
    AudioFormatRefused,
    FileUnreadable,
    LimitReached,
    ModelError,
    ModelRefused,
    PromptTooLong,
    TelegramRefused,
)
from core.schemas import Outgoing, Usage
from core.text import split
from database import Turn
from telegram.update_fields import SPOKEN
from turns.billing import TurnBilling
from turns.kinds.no_session import NoSessionKind
from turns.recordings import seconds_of
from turns.running_turn import RunningTurn
from turns.telegram_files import TelegramFiles
from turns.turn_kind import KindServices
from turns.turn_result import TurnResult

MOST_S: Final = 20 * 60  # of a recording
_SHOWN_UNITS: Final = 4000  # of one message, beside its sign
_UNSAYABLE: Final = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_AROUND: Final = " .,!?…"


def hearing_price(config: Config, seconds: float) -> int:
    """Return the tokens of recognising a recording, by each 15 seconds begun."""
    return max(1, -int(-seconds // HEARD_S)) * config.stt_tokens_per_15s


class Transcription(NoSessionKind):
    """The words of the voice message in the turn's hint, which is Telegram's message as JSON."""

    name = "hearing"
    wait_line = "hearing.wait"
    keeps_update = True

    def __init__(
        self, services: KindServices, *, billing: TurnBilling, files: TelegramFiles, recognition: SpeechToText
    ) -> None:
        super().__init__(services, billing=billing)
        self._files = files
        self._recognition = recognition

    def run(self, running: RunningTurn) -> TurnResult:
        """Fetch the recording and have it recognised.

        Raises `ModelRefused` for silence, `PromptTooLong` for a recording that is too long, `FileUnreadable` for one
        that is too large, and `TelegramError`.
        """
        turn = running.turn
        voice = json.loads(turn.hint)["voice"]
        audio = self._files.fetch(str(voice["file_id"]), running.cancel)
        seconds = seconds_of(audio, voice)
        if seconds > MOST_S:
            raise PromptTooLong("the recording is too long")
        price = hearing_price(self._config, seconds)
        self._billing.reserve(running, self.name, price, input_tokens=price)
        request = SpeechRequest(
            audio,
            round(seconds),
            language=self._texts(turn).language,
            user_id=turn.user_id,
            turn_id=turn.id,
            cancel=running.cancel,
        )
        words = self._recognition.recognise(request)
        text = self._as_typed(words)
        if not text:
            raise ModelRefused("nothing was heard", billed=True)
        return TurnResult("answered", text, usage=Usage(price, 0))

    def least_price(self, weight: CostMultiplier) -> int:
        """Return what the shortest recording costs."""
        return hearing_price(self._config, 0)

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Show the words and put them in the voice message's place."""
        shown = [self._say(turn, "hearing.heard", words=piece) for piece in split(result.text, _SHOWN_UNITS)]
        self._replace_update(turn, result.text)
        return shown

    def stopped(self, turn: Turn, text: str) -> list[Outgoing]:
        """Say that it was stopped."""
        return self._gone(turn, "hearing.stopped")

    def failed(self, turn: Turn, error: Exception | None) -> list[Outgoing]:
        """Say what went wrong, with a button for another try if that could help."""
        if isinstance(error, LimitReached):
            return self._limit_failed(turn, error)
        if isinstance(error, PromptTooLong | FileUnreadable):
            return self._gone(turn, "hearing.too_long", minutes=MOST_S // 60)
        if isinstance(error, ModelRefused):
            return self._gone(turn, "hearing.silence")
        if isinstance(error, AudioFormatRefused):
            if error.format:
                return self._gone(turn, "hearing.format", format=error.format, known=OGG_OPUS)
            return self._gone(turn, "hearing.unknown_format", known=OGG_OPUS)
        if isinstance(error, TelegramRefused) and error.method == "download":
            return self._gone(turn, "hearing.no_file")
        if isinstance(error, ModelError) and error.status in NO_SUCH_SERVICE:
            return self._gone(turn, "hearing.nobody")
        return self._away(turn, "hearing.away")

    def _replace_update(self, turn: Turn, words: str) -> None:
        """Turn the update that holds the voice message into a text message with these words."""
        assert turn.inbox_id is not None  # an update has asked for the recognition
        message: dict[str, Any] = json.loads(turn.hint)
        typed = {name: value for name, value in message.items() if name not in ("voice", "caption", "caption_entities")}
        update = {"update_id": 0, "message": typed | {"text": words, SPOKEN: True}}
        self._db.turns.release(turn.id)
        self._db.inbox.become_words(turn.inbox_id, json.dumps(update, ensure_ascii=False, separators=(",", ":")))

    def _as_typed(self, words: str) -> str:
        """Return words as their speaker would have typed them: «Дальше.» is the button. Empty for silence."""
        words = " ".join(_UNSAYABLE.sub(" ", words).split())
        bare = words.strip(_AROUND)
        return bare if not bare or self._locales.key_of(bare) is not None else words
