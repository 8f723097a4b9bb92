"""Speech to text and text to speech: the two protocols, and what all services share.

Audio is Ogg/Opus only, as Telegram's. Yandex SpeechKit: `ai/speechkit.py`; OpenAI-compatible servers:
`ai/openai_speech.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from ai.provider import Call
from core.cancellation import Cancel
from core.errors import AudioFormatRefused, ModelAway, ModelError, PromptTooLong

_Piece = TypeVar("_Piece")
_Made = TypeVar("_Made")
NO_SUCH_SERVICE: Final = (404, 405, 501)  # of a server that doesn't understand speech


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A recording in Ogg/Opus whose words are wanted, and who asks for them."""

    audio: bytes = field(repr=False)
    seconds: int
    language: str = "ru"
    user_id: int = 0
    turn_id: int = 0
    cancel: Cancel | None = None


class SpeechToText(Protocol):
    """A service that recognises speech."""

    def recognise(self, request: SpeechRequest) -> str:
        """Return the words of a recording; empty for silence. Blocks for seconds and costs money.

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


class FallbackSpeechToText:
    """Several services as one: the first that accepts a recording recognises it."""

    def __init__(self, services: Sequence[SpeechToText]) -> None:
        self._services = tuple(services)

    def recognise(self, request: SpeechRequest) -> str:
        """Return the words from the first service that accepts this recording. Raise ModelError."""
        failure = ModelError("no service for speech recognition", status=404)
        for place, service in enumerate(self._services):
            try:
                return service.recognise(request)
            except ModelError as error:
                another = isinstance(error, AudioFormatRefused | PromptTooLong) or error.status in NO_SUCH_SERVICE
                if error.billed or not another:
                    raise
                failure = error if place == 0 or isinstance(error, AudioFormatRefused) else failure
        raise failure


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


def known_voice(voice: str, voices: tuple[str, ...]) -> str:
    """Return `voice`, or the default one if this vendor doesn't have it."""
    return voice if voice in voices else voices[0]


def read_audio(body: bytes) -> bytes:
    """Return `body` if it is a file in Ogg/Opus; else raise ModelAway."""
    if not body.startswith(b"OggS"):
        raise ModelAway("the speech isn't Ogg/Opus")
    return body
