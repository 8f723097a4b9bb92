"""Speech by an OpenAI-compatible server: `SpeechToText` and `TextToSpeech` of `ai/speech.py`.

A recording is sent whole, a text in pieces of OpenAI's limit.
"""

from __future__ import annotations

from typing import Final, Unpack

from ai.audio_format import ending_of
from ai.error_mapping import read_object
from ai.provider import Call, Credential
from ai.retry import CallContext
from ai.server_address import ServerAddress
from ai.service_client import ServiceClient, ServiceOptions
from ai.speech import SpeechRequest, known_voice, one_by_one, read_audio, upload
from core.cancellation import Cancel
from core.errors import ModelAway, PromptTooLong
from core.http_client import HttpClient
from core.multipart import encode_form
from core.schemas import Json
from core.text import split

STT_MODEL: Final = "whisper-1"
TTS_MODEL: Final = "tts-1"
VOICES: Final = ("nova", "alloy", "ash", "coral", "echo", "fable", "onyx", "sage", "shimmer")
AUDIO_BYTES: Final = 25_000_000
TEXT: Final = 4096


class _OpenAISpeech:
    """What both directions share; `base_url` ends in `/v1`."""

    path = default_model = ""

    def __init__(
        self,
        base_url: str,
        http: HttpClient,
        credential: Credential,
        *,
        model: str = "",
        **options: Unpack[ServiceOptions],
    ) -> None:
        """Connect nowhere yet; the deadline in `options` applies to each piece."""
        self._url = ServerAddress.read(base_url).url(self.path)
        self._model = model or self.default_model
        self._service = ServiceClient(http, credential, **options)


class OpenAISpeechToText(_OpenAISpeech):
    """Transcription by an OpenAI-compatible server."""

    path, default_model = "/audio/transcriptions", STT_MODEL

    def recognise(self, request: SpeechRequest) -> str:
        """Return the words of a recording. Raise PromptTooLong if it has too many bytes, else ModelError."""
        if len(request.audio) > AUDIO_BYTES:
            raise PromptTooLong("the recording is too large")
        form = {"model": self._model, "language": request.language, "response_format": "json"}
        ending = ending_of(request.audio)
        data, kind = encode_form(form, {"file": (f"voice.{ending}", request.audio)}, file_type=f"audio/{ending}")
        context = CallContext("stt", self._model, request.user_id, request.turn_id, request.cancel)
        return self._service.ask(context, lambda key: upload(self._url, key, kind, data), _transcript)


class OpenAITextToSpeech(_OpenAISpeech):
    """Synthesis by an OpenAI-compatible server."""

    path, default_model, voices = "/audio/speech", TTS_MODEL, VOICES

    def speak(
        self, text: str, voice: str, cancel: Cancel | None = None, *, user_id: int = 0, turn_id: int = 0
    ) -> list[bytes]:
        """Return recordings of `text` in Ogg/Opus, one for each piece of it, in order. Raise ModelError."""
        form: dict[str, Json] = {
            "model": self._model,
            "voice": known_voice(voice, self.voices),
            "response_format": "opus",
        }
        context = CallContext("tts", self._model, user_id, turn_id, cancel)

        def spoken(piece: str) -> bytes:
            return self._service.ask(
                context,
                lambda key: Call(self._url, {"Authorization": key} if key else {}, {**form, "input": piece}),
                read_audio,
            )

        return one_by_one(split(text, TEXT), spoken)


def _transcript(body: bytes) -> str:
    text = read_object(body).get("text")
    if not isinstance(text, str):
        raise ModelAway("an answer without a text")
    return text.strip()
