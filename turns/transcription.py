"""Voice messages into words: the recording is fetched from Telegram, recognised, and its update becomes those words.

The words then go the way of typed ones, in the voice message's own place in its chat's order: the row of the inbox
that held the voice message holds a text message with the same number, sender and date from then on, in the
transaction that charges the recognition. Not covered: which voice messages are heard (`handlers.voices`), and the
services themselves (`services.speech`).
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from ai import opus_splitter
from ai.speech import SpeechToText
from config import Config
from conversation.localization import Locales
from core.errors import ModelAway, ModelCancelled, ModelRefused, PromptTooLong, TelegramRefused, TelegramUnreachable
from core.schemas import Finish, Usage
from database import Database
from telegram.api_client import BotApi
from turns.billing import Calls, RunningTurn
from turns.media_outcomes import MOST_S

MOST_BYTES: Final = 20_000_000  # what Telegram lets a bot fetch
ASKED_S: Final = 15  # of speech, to which prices and vendors round up
_FETCHES: Final = 3
_PAUSE_S: Final = 0.5
_UNSAYABLE: Final = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_AROUND: Final = " .,!?…"


def hearing_price(config: Config, seconds: float) -> int:
    """Tokens that recognising a recording costs: by each 15 seconds begun."""
    return max(1, -int(-seconds // ASKED_S)) * config.stt_tokens_per_15s


class Hearing:
    """Makes words of the voice message that a turn's hint holds, in the thread that calls it."""

    def __init__(
        self,
        config: Config,
        db: Database,
        calls: Calls,
        locales: Locales,
        api: BotApi,
        recogniser: SpeechToText,
    ) -> None:
        self._config = config
        self._db = db
        self._calls = calls
        self._locales = locales
        self._api = api
        self._recogniser = recogniser

    def make(self, live: RunningTurn) -> Finish:
        """The words, as `live`'s file, and their price. Blocks, costs money.

        Raises `ModelRefused` for silence, `PromptTooLong` for what nobody here can take, else `ModelError`,
        `TelegramError` or `LimitReached`.
        """
        turn = live.turn
        voice = json.loads(turn.hint)["voice"]
        audio = self._fetched(str(voice["file_id"]), live)
        seconds = _seconds(audio, voice)
        if seconds > MOST_S:
            raise PromptTooLong("the recording is too long")
        price = hearing_price(self._config, seconds)
        self._calls.reserve(live, turn.kind, price)
        live.input_tokens = price
        user = self._db.users.get(turn.user_id)
        words = self._recogniser.recognise(
            audio,
            round(seconds),
            language=user.language if user is not None else "ru",
            cancel=live.cancel,
            user_id=turn.user_id,
            turn_id=turn.id,
        )
        words = self._as_typed(words)
        if not words:
            raise ModelRefused("nothing was heard", billed=True)
        live.files, live.usage = (words.encode(),), Usage(price, 0)
        return Finish.STOP

    def _fetched(self, file_id: str, live: RunningTurn) -> bytes:
        """The recording. Asked for again where Telegram doesn't answer: that is safe."""
        for attempt in range(1, _FETCHES + 1):
            try:
                found = self._api.call("getFile", {"file_id": file_id})
                path = found.get("file_path") if isinstance(found, dict) else None
                if not isinstance(path, str):
                    raise ModelAway("Telegram names no file")
                return self._api.download(path, MOST_BYTES)
            except TelegramRefused as error:
                if error.code == 413 or "too big" in error.description:
                    raise PromptTooLong("the recording is too large") from error
                raise
            except TelegramUnreachable:
                if attempt == _FETCHES:
                    raise
            if live.cancel.wait(_PAUSE_S * attempt):
                raise ModelCancelled("stopped while the recording was fetched")
        raise AssertionError("unreachable")

    def _as_typed(self, words: str) -> str:
        """Words as their speaker would have typed them: «Дальше.» is the button. Empty where nothing was said."""
        words = " ".join(_UNSAYABLE.sub(" ", words).split())
        bare = words.strip(_AROUND)
        return bare if not bare or self._locales.key_of(bare) is not None else words


def _seconds(audio: bytes, voice: dict[str, Any]) -> float:
    """How long a recording is: what Telegram was told, or more, where it plays longer."""
    told = voice.get("duration")
    try:
        plays = opus_splitter.read(audio).seconds
    except opus_splitter.NotOpus:
        plays = 0.0  # the vendor may know better what it is
    return max(plays, float(told) if isinstance(told, int) else 0.0)
