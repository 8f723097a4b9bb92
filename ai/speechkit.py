"""Yandex SpeechKit: recognition by its API v1, synthesis by v3, or by v1 where v3 is refused.

A recording is cut into pieces at quiet places (`ai/opus_splitter.py`), a text at the ends of paragraphs and sentences;
the pieces are sent one after another. v3 answers with a JSON object a line, each with a piece of the audio.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Unpack
from urllib.parse import urlencode

from ai import opus_splitter
from ai.audio_format import OGG_OPUS, format_of
from ai.error_mapping import read_object
from ai.learned import LearnedModels
from ai.provider import Call, Credential
from ai.retry import CallContext
from ai.service_client import ServiceClient, ServiceOptions
from ai.speech import SpeechRequest, known_voice, one_by_one, read_audio, upload
from core.cancellation import Cancel
from core.errors import AudioFormatRefused, ModelAway, ModelCancelled, ModelError, PromptTooLong
from core.http_client import HttpClient
from core.schemas import Json
from core.text import split

AUDIO_S: Final = 30.0
AUDIO_BYTES: Final = 1_000_000
TEXT: Final = 5000  # characters of one synthesis, in both versions
FORM_BYTES: Final = 15_000  # of a synthesis request to v1; a Russian letter takes six there
MOST_PIECES: Final = 40  # of one recording: a quarter of an hour and more
NO_V3: Final = "no_speech_v3"  # a habit, see `ai/learned.py`
_NOT_HERE: Final = (403, 404, 405, 415, 501)  # v3 is refused, or isn't there
_LANGUAGES: Final = {"ru": "ru-RU", "en": "en-US"}
_NO_LOGGING: Final = {"x-data-logging-enabled": "false"}


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of SpeechKit in one of its roles. `v1`: the voice that v1 has in its place."""

    name: str
    role: str = ""
    v1: str = ""


# By the names that turns and locales know them by; the first ones are offered, the others were in earlier versions.
VOICES: Final[Mapping[str, Voice]] = {
    "dasha": Voice("dasha", "friendly", "jane"),
    "filipp": Voice("filipp"),
    "marina": Voice("marina", "friendly"),
    "kirill": Voice("kirill", "neutral", "ermil"),
    "marina_whisper": Voice("marina", "whisper"),
    "alexander": Voice("alexander", "neutral", "zahar"),
    "alena": Voice("alena"),
    "ermil": Voice("ermil"),
    "jane": Voice("jane"),
    "omazh": Voice("omazh"),
    "zahar": Voice("zahar"),
}


class YandexSpeechToText:
    """SpeechKit's synchronous recognition."""

    def __init__(
        self,
        http: HttpClient,
        credential: Credential,
        *,
        url: str,
        folder_id: str = "",
        **options: Unpack[ServiceOptions],
    ) -> None:
        """Connect nowhere yet; the deadline in `options` applies to each piece.

        Only a user's token needs `folder_id`; a service account has its own folder.
        """
        self._url = f"{url.rstrip('/')}/speech/v1/stt:recognize"
        self._folder = {"folderId": folder_id} if folder_id else {}
        self._service = ServiceClient(http, credential, **options)

    def recognise(self, request: SpeechRequest) -> str:
        """Return the words of a recording, sent in short pieces.

        Raise PromptTooLong, AudioFormatRefused for all but Ogg/Opus, or another ModelError.
        """
        if request.seconds > AUDIO_S * MOST_PIECES:
            raise PromptTooLong("the recording is too long")
        try:
            pieces = opus_splitter.cut(request.audio, AUDIO_S, AUDIO_BYTES)
        except opus_splitter.NotOpus as error:
            told = format_of(request.audio)  # a damaged recording says that it is what it should be
            name = "" if told == OGG_OPUS else told
            raise AudioFormatRefused(f"this recording can't be recognised: {error}", format=name) from error
        if len(pieces) > MOST_PIECES:
            raise PromptTooLong("the recording is too long")
        query = {
            "lang": _LANGUAGES.get(request.language, "ru-RU"),
            "topic": "general",
            "format": "oggopus",
            **self._folder,
        }
        url = f"{self._url}?{urlencode(query)}"
        context = CallContext("stt", "general", request.user_id, request.turn_id, request.cancel)

        def words(piece: bytes) -> str:
            return self._service.ask(context, lambda key: upload(url, key, "audio/ogg", piece, _NO_LOGGING), _result)

        return " ".join(filter(None, one_by_one(pieces, words)))


class YandexTextToSpeech:
    """SpeechKit's synthesis. Its voices are Russian and read other languages with an accent."""

    voices = tuple(VOICES)

    def __init__(
        self,
        http: HttpClient,
        credential: Credential,
        *,
        url: str,
        folder_id: str = "",
        learned: LearnedModels | None = None,
        **options: Unpack[ServiceOptions],
    ) -> None:
        """`learned` keeps that v3 was refused here."""
        self._base = url.rstrip("/")
        self._folder_id = folder_id
        self._learned = learned or LearnedModels()
        self._service = ServiceClient(http, credential, **options)

    def speak(
        self, text: str, voice: str, cancel: Cancel | None = None, *, user_id: int = 0, turn_id: int = 0
    ) -> list[bytes]:
        """Return recordings of `text` in Ogg/Opus, in order; none of a text without a word. Raise ModelError."""
        name = known_voice(voice, self.voices)
        context = CallContext("tts", name, user_id, turn_id, cancel)
        made = one_by_one(split(text, TEXT), lambda piece: self._either(context, piece, VOICES[name]))
        return [recording for recordings in made for recording in recordings if recording]

    def _either(self, context: CallContext, piece: str, voice: Voice) -> list[bytes]:
        """Ask v3, or v1 where v3 was refused; the other one if this one isn't there. Raise ModelError."""
        by_v1 = NO_V3 in self._learned.of(self._base)
        first, second = (self._v1, self._v3) if by_v1 else (self._v3, self._v1)
        try:
            return first(context, piece, voice)
        except ModelError as error:
            if error.status not in _NOT_HERE:
                raise
            try:
                made = second(context, piece, voice)
            except ModelCancelled:
                raise
            except ModelError as other:
                error.billed = error.billed or other.billed
                raise error from None
            if not by_v1:
                self._learned.add(self._base, NO_V3)
            return made

    def _v3(self, context: CallContext, piece: str, voice: Voice) -> list[bytes]:
        hints: list[Json] = [{"voice": voice.name}]
        if voice.role:
            hints.append({"role": voice.role})  # each hint has one field
        body: dict[str, Json] = {
            "text": piece.encode("utf-8", "replace").decode("utf-8"),  # half of a surrogate pair can't be sent
            "hints": hints,
            "outputAudioSpec": {"containerAudio": {"containerAudioType": "OGG_OPUS"}},
            "loudnessNormalizationType": "LUFS",
            "unsafeMode": True,  # longer than one utterance of 250 characters
        }
        more = _NO_LOGGING | ({"x-folder-id": self._folder_id} if self._folder_id else {})
        url = f"{self._base}/tts/v3/utteranceSynthesis"
        return [self._service.ask(context, lambda key: Call(url, {"Authorization": key, **more}, body), _utterances)]

    def _v1(self, context: CallContext, piece: str, voice: Voice) -> list[bytes]:
        form = {"lang": "ru-RU", "voice": voice.v1 or voice.name, "format": "oggopus"}
        form |= {"emotion": voice.role} if voice.role and not voice.v1 else {}
        form |= {"folderId": self._folder_id} if self._folder_id else {}
        url, kind = f"{self._base}/speech/v1/tts:synthesize", "application/x-www-form-urlencoded"

        def body(text: str) -> bytes:
            return urlencode({"text": text, **form}, errors="replace").encode()

        def spoken(text: str) -> bytes:
            return self._service.ask(context, lambda key: upload(url, key, kind, body(text), _NO_LOGGING), read_audio)

        return one_by_one(_cut_text(piece, TEXT, lambda text: len(body(text)) / FORM_BYTES), spoken)


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


def _utterances(body: bytes) -> bytes:
    """Return the recording in v3's answer; empty if there was nothing to say. Raise ModelError."""
    audio, silent = b"", False
    for line in filter(bytes.strip, body.split(b"\n")):
        try:
            result = read_object(line).get("result")
        except ModelError as error:
            error.billed = error.billed or bool(audio)
            raise
        if not isinstance(result, dict):
            raise ModelAway("a piece of speech without a result")
        silent = silent or result.get("chunkType") == "NO_SPEAKABLE_TEXT"
        chunk = result.get("audioChunk")  # missing beside a piece of the text alone
        try:
            audio += base64.b64decode(chunk["data"], validate=True) if isinstance(chunk, dict) else b""
        except (KeyError, TypeError, ValueError) as error:
            raise ModelAway("speech that isn't base64") from error
    if silent and not audio:
        return b""
    try:
        return opus_splitter.joined(read_audio(audio))
    except opus_splitter.NotOpus as error:
        raise ModelAway(f"the speech can't be joined: {error}") from error


def _result(body: bytes) -> str:
    result = read_object(body).get("result")  # missing where nothing was heard
    return result.strip() if isinstance(result, str) else ""
