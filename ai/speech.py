"""Speech: voice messages into words, and words into voice, whoever does it; and Yandex SpeechKit v1, who does.

Covers SpeechKit's limits: recordings are cut into pieces at quiet places (`ogg.py`), texts at the ends of paragraphs
and sentences, and the pieces go one after another. The OpenAI way is in `openai_speech.py`. Doesn't cover other
formats than Ogg/Opus (Telegram's own), streaming, recordings of hours, mixing stereo down, and what is charged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlencode

from ai import opus_splitter
from ai.error_mapping import error_from
from ai.provider import Call, Credential
from ai.service_client import CallContext, ServiceClient
from core.cancellation import Cancel
from core.errors import ModelAway, ModelError, PromptTooLong
from core.http_client import HttpClient
from core.text import split

STT_URL: Final = "https://stt.api.cloud.yandex.net"
TTS_URL: Final = "https://tts.api.cloud.yandex.net"
YANDEX_VOICES: Final = ("alena", "filipp", "ermil", "jane", "omazh", "zahar", "marina")

YANDEX_AUDIO_S: Final = 30.0
YANDEX_AUDIO_BYTES: Final = 1_000_000
YANDEX_TEXT: Final = 5000
YANDEX_BODY: Final = 15_000  # bytes of a synthesis request; a Russian letter takes six there
MOST_PIECES: Final = 40  # of one recording: a quarter of an hour and more
_Piece = TypeVar("_Piece")
_Made = TypeVar("_Made")
NO_SUCH_SERVICE: Final = (404, 405, 501)  # of a server that doesn't understand speech
_LANGUAGES: Final = {"ru": "ru-RU", "en": "en-US"}
_NO_LOGGING: Final = {"x-data-logging-enabled": "false"}


class SpeechToText(Protocol):
    """Whoever understands speech."""

    def recognise(
        self,
        audio: bytes,
        seconds: int,
        *,
        language: str = "ru",
        cancel: Cancel | None = None,
        user_id: int = 0,
        turn_id: int = 0,
    ) -> str:
        """The words of a recording in Ogg/Opus; empty for silence.

        Blocks for seconds and costs money. Raises PromptTooLong for a recording that is too long or too large even in
        pieces, else another ModelError.
        """


class TextToSpeech(Protocol):
    """Whoever reads aloud."""

    @property
    def voices(self) -> tuple[str, ...]:
        """The vendor's names of its voices, the usual one first."""

    def speak(
        self, text: str, voice: str, cancel: Cancel | None = None, *, user_id: int = 0, turn_id: int = 0
    ) -> list[bytes]:
        """The text read aloud: files in Ogg/Opus, in order. An unknown voice is the usual one.

        Blocks for seconds and costs money. Raises ModelError.
        """


class YandexSpeechToText:
    """SpeechKit's synchronous recognition. `folder_id` is for users' tokens only: a service account has its own."""

    def __init__(
        self, http: HttpClient, credential: Credential, *, url: str = STT_URL, folder_id: str = "", **options: Any
    ) -> None:
        """`options` are those of `ServiceClient`; the deadline is each piece's."""
        self._url = f"{url.rstrip('/')}/speech/v1/stt:recognize"
        self._folder = {"folderId": folder_id} if folder_id else {}
        self._asker = ServiceClient(http, credential, **options)

    def recognise(
        self,
        audio: bytes,
        seconds: int,
        *,
        language: str = "ru",
        cancel: Cancel | None = None,
        user_id: int = 0,
        turn_id: int = 0,
    ) -> str:
        """The words of an Ogg Opus recording, cut into short calls. Raises PromptTooLong or ModelError."""
        if seconds > YANDEX_AUDIO_S * MOST_PIECES:
            raise PromptTooLong("the recording is too long")
        try:
            pieces = opus_splitter.cut(audio, YANDEX_AUDIO_S, YANDEX_AUDIO_BYTES)
        except opus_splitter.NotOpus as error:
            raise ModelError(f"this recording can't be recognised: {error}") from error
        if len(pieces) > MOST_PIECES:
            raise PromptTooLong("the recording is too long")
        query = {"lang": _LANGUAGES.get(language, "ru-RU"), "topic": "general", "format": "oggopus", **self._folder}
        url = f"{self._url}?{urlencode(query)}"
        context = CallContext("stt", "general", user_id, turn_id, cancel)

        def words(piece: bytes) -> str:
            return self._asker.ask(context, lambda key: upload(url, key, "audio/ogg", piece, _NO_LOGGING), _result)

        return " ".join(filter(None, one_by_one(pieces, words)))


class FallbackSpeechToText:
    """Several recognisers as one: the first that can take a recording at all."""

    def __init__(self, recognisers: Sequence[SpeechToText]) -> None:
        self._recognisers = tuple(recognisers)

    def recognise(
        self,
        audio: bytes,
        seconds: int,
        *,
        language: str = "ru",
        cancel: Cancel | None = None,
        user_id: int = 0,
        turn_id: int = 0,
    ) -> str:
        """The words from the first recogniser that can take this recording. Raises ModelError."""
        failure = ModelError("nobody here understands speech", status=404)
        for place, recogniser in enumerate(self._recognisers):
            try:
                return recogniser.recognise(
                    audio, seconds, language=language, cancel=cancel, user_id=user_id, turn_id=turn_id
                )
            except ModelError as error:
                odd = type(error) is ModelError and error.status == 0  # another format
                if error.billed or not (odd or isinstance(error, PromptTooLong) or error.status in NO_SUCH_SERVICE):
                    raise
                failure = error if place == 0 else failure
        raise failure


class YandexTextToSpeech:
    """SpeechKit's synthesis. Its voices are Russian ones: they read other languages with an accent."""

    voices = YANDEX_VOICES

    def __init__(
        self, http: HttpClient, credential: Credential, *, url: str = TTS_URL, folder_id: str = "", **options: Any
    ) -> None:
        """`options` are those of `ServiceClient`; the deadline is each piece's."""
        self._url = f"{url.rstrip('/')}/speech/v1/tts:synthesize"
        self._folder = {"folderId": folder_id} if folder_id else {}
        self._asker = ServiceClient(http, credential, **options)

    def speak(
        self, text: str, voice: str, cancel: Cancel | None = None, *, user_id: int = 0, turn_id: int = 0
    ) -> list[bytes]:
        """Ogg Opus recordings of `text`, one for each piece of it, in order. Raises ModelError."""
        voice = known_voice(voice, self.voices)
        form = {"lang": "ru-RU", "voice": voice, "format": "oggopus", **self._folder}
        context = CallContext("tts", voice, user_id, turn_id, cancel)

        def body(piece: str) -> bytes:
            return urlencode({"text": piece, **form}, errors="replace").encode()

        def spoken(piece: str) -> bytes:
            kind = "application/x-www-form-urlencoded"
            return self._asker.ask(
                context, lambda key: upload(self._url, key, kind, body(piece), _NO_LOGGING), read_audio
            )

        return one_by_one(_cut_text(text, YANDEX_TEXT, lambda piece: len(body(piece)) / YANDEX_BODY), spoken)


def upload(url: str, authorization: str, kind: str, data: bytes, more: Mapping[str, str] | None = None) -> Call:
    """The call that posts `data` of the MIME type `kind`."""
    headers = {"Content-Type": kind, **(more or {})}
    return Call(url, headers | ({"Authorization": authorization} if authorization else {}), data)


def one_by_one(pieces: list[_Piece], make: Callable[[_Piece], _Made]) -> list[_Made]:
    """What `make` makes of each piece. Once one is made a failure of another leaves a bill."""
    made: list[_Made] = []
    for piece in pieces:
        try:
            made.append(make(piece))
        except ModelError as error:
            error.billed = error.billed or bool(made)
            raise
    return made


def _cut_text(text: str, limit: int, share: Callable[[str], float]) -> list[str]:
    """The text in pieces of at most `limit` characters, of each of which `share` says 1 or less."""
    pieces: list[str] = []
    for piece in split(text, limit):
        too_large = share(piece)
        if too_large > 1 and len(piece) > 2:
            pieces += _cut_text(piece, max(2, min(int(len(piece) / too_large), len(piece) - 1)), share)
        else:
            pieces.append(piece)
    return pieces


def known_voice(voice: str, voices: tuple[str, ...]) -> str:
    """`voice`, or the usual one where this vendor hasn't got it: people keep theirs when the vendor changes."""
    return voice if voice in voices else voices[0]


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises ModelError, also for an error that came under HTTP 200."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ModelAway("nonsense instead of JSON") from error
    if not isinstance(value, dict):
        raise ModelAway("no JSON object in the answer")
    if value.get("error") or value.get("error_code"):
        raise error_from(value)
    return value


def _result(body: bytes) -> str:
    result = read_object(body).get("result")  # missing where nothing was heard
    return result.strip() if isinstance(result, str) else ""


def read_audio(body: bytes) -> bytes:
    """`body`, which is a file in Ogg/Opus. Raises ModelAway."""
    if not body.startswith(b"OggS"):
        raise ModelAway("the speech isn't Ogg/Opus")
    return body
