"""Speech to text and text to speech: the two protocols, and Yandex SpeechKit v1.

SpeechKit's limits: a recording is cut into pieces at quiet places (`ai/opus_splitter.py`), a text at the ends of
paragraphs and sentences; the pieces are sent one after another. Audio is Ogg/Opus only, as Telegram's.
OpenAI-compatible servers: `ai/openai_speech.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlencode

from ai import opus_splitter
from ai.audio_format import OGG_OPUS, format_of
from ai.error_mapping import error_from
from ai.provider import Call, Credential
from ai.service_client import CallContext, ServiceClient
from core.cancellation import Cancel
from core.errors import AudioFormatRefused, ModelAway, ModelError, PromptTooLong
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
    """A service that recognises speech."""

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
        """Return the words of a recording in Ogg/Opus; empty for silence. Blocks for seconds and costs money.

        Raise PromptTooLong for a recording that is too long or too large even in pieces, else another ModelError.
        """


class TextToSpeech(Protocol):
    """A service that reads aloud."""

    @property
    def voices(self) -> tuple[str, ...]:
        """The vendor's names of its voices, the default one first."""

    def speak(
        self, text: str, voice: str, cancel: Cancel | None = None, *, user_id: int = 0, turn_id: int = 0
    ) -> list[bytes]:
        """Return the text read aloud, as files in Ogg/Opus, in order. Blocks for seconds and costs money.

        An unknown voice is replaced by the default one. Raise ModelError.
        """


class _SpeechKit:
    """What both directions share. Only a user's token needs `folder_id`; a service account has its own folder."""

    host = path = ""

    def __init__(
        self, http: HttpClient, credential: Credential, *, url: str = "", folder_id: str = "", **options: Any
    ) -> None:
        """`options` are those of `ServiceClient`; the deadline applies to each piece."""
        self._url = f"{(url or self.host).rstrip('/')}{self.path}"
        self._folder = {"folderId": folder_id} if folder_id else {}
        self._service = ServiceClient(http, credential, **options)


class YandexSpeechToText(_SpeechKit):
    """SpeechKit's synchronous recognition."""

    host, path = STT_URL, "/speech/v1/stt:recognize"

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
        """Return the words of a recording, sent in short pieces.

        Raise PromptTooLong, AudioFormatRefused for all but Ogg/Opus, or another ModelError.
        """
        if seconds > YANDEX_AUDIO_S * MOST_PIECES:
            raise PromptTooLong("the recording is too long")
        try:
            pieces = opus_splitter.cut(audio, YANDEX_AUDIO_S, YANDEX_AUDIO_BYTES)
        except opus_splitter.NotOpus as error:
            told = format_of(audio)  # a damaged recording says that it is what it should be
            name = "" if told == OGG_OPUS else told
            raise AudioFormatRefused(f"this recording can't be recognised: {error}", format=name) from error
        if len(pieces) > MOST_PIECES:
            raise PromptTooLong("the recording is too long")
        query = {"lang": _LANGUAGES.get(language, "ru-RU"), "topic": "general", "format": "oggopus", **self._folder}
        url = f"{self._url}?{urlencode(query)}"
        context = CallContext("stt", "general", user_id, turn_id, cancel)

        def words(piece: bytes) -> str:
            return self._service.ask(context, lambda key: upload(url, key, "audio/ogg", piece, _NO_LOGGING), _result)

        return " ".join(filter(None, one_by_one(pieces, words)))


class FallbackSpeechToText:
    """Several services as one: the first that accepts a recording recognises it."""

    def __init__(self, services: Sequence[SpeechToText]) -> None:
        self._services = tuple(services)

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
        """Return the words from the first service that accepts this recording. Raise ModelError."""
        failure = ModelError("no service for speech recognition", status=404)
        for place, service in enumerate(self._services):
            try:
                return service.recognise(
                    audio, seconds, language=language, cancel=cancel, user_id=user_id, turn_id=turn_id
                )
            except ModelError as error:
                another = isinstance(error, AudioFormatRefused | PromptTooLong) or error.status in NO_SUCH_SERVICE
                if error.billed or not another:
                    raise
                failure = error if place == 0 or isinstance(error, AudioFormatRefused) else failure
        raise failure


class YandexTextToSpeech(_SpeechKit):
    """SpeechKit's synthesis. Its voices are Russian and read other languages with an accent."""

    host, path = TTS_URL, "/speech/v1/tts:synthesize"
    voices = YANDEX_VOICES

    def speak(
        self, text: str, voice: str, cancel: Cancel | None = None, *, user_id: int = 0, turn_id: int = 0
    ) -> list[bytes]:
        """Return recordings of `text` in Ogg/Opus, one for each piece of it, in order. Raise ModelError."""
        voice = known_voice(voice, self.voices)
        form = {"lang": "ru-RU", "voice": voice, "format": "oggopus", **self._folder}
        context = CallContext("tts", voice, user_id, turn_id, cancel)

        def body(piece: str) -> bytes:
            return urlencode({"text": piece, **form}, errors="replace").encode()

        def spoken(piece: str) -> bytes:
            kind = "application/x-www-form-urlencoded"
            return self._service.ask(
                context, lambda key: upload(self._url, key, kind, body(piece), _NO_LOGGING), read_audio
            )

        return one_by_one(_cut_text(text, YANDEX_TEXT, lambda piece: len(body(piece)) / YANDEX_BODY), spoken)


def upload(url: str, authorization: str, kind: str, data: bytes, more: Mapping[str, str] | None = None) -> Call:
    """Return the call that posts `data` of the MIME type `kind`."""
    headers = {"Content-Type": kind, **(more or {})}
    return Call(url, headers | ({"Authorization": authorization} if authorization else {}), data)


def one_by_one(pieces: list[_Piece], make: Callable[[_Piece], _Made]) -> list[_Made]:
    """Return what `make` makes of each piece. An error after the first one is billed."""
    made: list[_Made] = []
    for piece in pieces:
        try:
            made.append(make(piece))
        except ModelError as error:
            error.billed = error.billed or bool(made)
            raise
    return made


def _cut_text(text: str, limit: int, share: Callable[[str], float]) -> list[str]:
    """Return the text in pieces of at most `limit` characters for which `share` is at most 1."""
    pieces: list[str] = []
    for piece in split(text, limit):
        too_large = share(piece)
        if too_large > 1 and len(piece) > 2:
            pieces += _cut_text(piece, max(2, min(int(len(piece) / too_large), len(piece) - 1)), share)
        else:
            pieces.append(piece)
    return pieces


def known_voice(voice: str, voices: tuple[str, ...]) -> str:
    """Return `voice`, or the default one if this vendor doesn't have it."""
    return voice if voice in voices else voices[0]


def read_object(body: bytes) -> dict[str, Any]:
    """Read the JSON object in `body`. Raise ModelError, also for an error under HTTP 200."""
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
    """Return `body` if it is a file in Ogg/Opus; else raise ModelAway."""
    if not body.startswith(b"OggS"):
        raise ModelAway("the speech isn't Ogg/Opus")
    return body
