"""SpeechKit v1 and the OpenAI way of speech: what requests must look like, and what is heard and said. Pure.

Nothing is recognised or spoken in earnest: the words of a recording come to order, or are carried by it
(`recording.record`), else from a few sentences; every text is read aloud as the same short tune (`voice.ogg`).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from sandbox.http_wire import HttpRequest
from sandbox.recording import record, words_in
from sandbox.yandex_api import Refused

VOICES: Final = frozenset({"alena", "filipp", "ermil", "jane", "omazh", "zahar", "marina"})
OPENAI_VOICES: Final = frozenset({"alloy", "ash", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer"})
SENTENCES: Final = (
    "Пусть герой откроет дверь и спросит, кто там.",
    "А потом начинается гроза, и все прячутся в старой мельнице.",
    "Расскажи, что было дальше с письмом.",
)
LETTERS_A_SECOND: Final = 15.0  # of a voice that reads aloud
LONGEST_TUNE_S: Final = 60.0
LARGEST: Final = 1024 * 1024
LONGEST_S: Final = 30.0
LARGEST_FORM: Final = 15 * 1024
LARGEST_FILE: Final = 25 * 1024 * 1024
_FORMATS: Final = (".flac", ".m4a", ".mp3", ".mp4", ".mpeg", ".mpga", ".oga", ".ogg", ".wav", ".webm")
_TRANSCRIPTION: Final = frozenset({"model", "language", "prompt", "response_format", "temperature"})
_STT_FIELDS: Final = frozenset({"lang", "topic", "format", "folderId", "profanityFilter", "rawResults"})
_TTS_FIELDS: Final = frozenset({"text", "lang", "voice", "emotion", "speed", "format", "folderId"})


def read(path: str, headers: Mapping[str, str], raw: bytes) -> dict[str, Any]:
    """The parameters of a request, of its address and its body; a recording's bytes under `audio`."""
    path, _, query = path.partition("?")
    if path.endswith("stt:recognize"):
        return {**dict(parse_qsl(query)), "audio": raw}
    try:
        values, files = HttpRequest("POST", path, query, headers, raw).parameters()
    except ValueError:
        return {}
    audio = files.get("file")
    return values | ({"audio": audio.data, "file": audio.name} if audio else {}) | {"size": len(raw)}


def recognised(asked: Mapping[str, Any], heard: str | None) -> dict[str, str]:
    """SpeechKit's answer, without `result` for silence; or `Refused`."""
    _known(asked, _STT_FIELDS | {"audio"})
    audio = asked["audio"]
    if asked.get("lang") not in ("ru-RU", "en-US"):
        raise Refused(3, f"unsupported lang: {asked.get('lang')}", "D")
    if asked.get("topic", "general") not in ("general", "general:rc") or asked.get("format") != "oggopus":
        raise Refused(3, "unsupported topic or format", "D")
    if len(audio) > LARGEST:
        raise Refused(3, "audio should be less than 1 MB", "D")
    _check_opus(audio, "D")
    if audio[37] != 1:
        raise Refused(3, "audio should have 1 channel", "D")
    if _seconds(audio) > LONGEST_S:
        raise Refused(3, f"audio should be shorter than {LONGEST_S:.0f} s", "D")
    words = _words(audio, heard)
    return {"result": words} if words else {}


def transcribed(asked: Mapping[str, Any], heard: str | None) -> dict[str, str]:
    """The OpenAI way's answer; or `Refused`."""
    if "audio" not in asked or not asked.get("model"):
        raise Refused(3, "you must provide a file and a model", "C")
    for name in asked:
        if name not in _TRANSCRIPTION | {"audio", "file", "size"}:
            raise Refused(3, f"Unrecognized request argument supplied: {name}", "C")
    if not str(asked["file"]).endswith(_FORMATS):
        raise Refused(3, f"Invalid file format. Supported formats: {', '.join(_FORMATS)}", "C")
    if len(asked["audio"]) > LARGEST_FILE:
        raise Refused(3, f"Maximum content size limit ({LARGEST_FILE}) exceeded", "C")
    if not re.fullmatch("[a-z]{2}", asked.get("language", "ru")):
        raise Refused(3, f"Invalid language '{asked['language']}'. Language parameter must be ISO-639-1", "C")
    if asked.get("response_format", "json") != "json":
        raise Refused(3, "this server answers as json only", "C")
    if str(asked["file"]).endswith((".ogg", ".oga")):
        _check_opus(asked["audio"], "C")
    return {"text": _words(asked["audio"], heard)}


def synthesised(asked: Mapping[str, Any]) -> bytes:
    """A file in Ogg/Opus; or `Refused`."""
    _known(asked, _TTS_FIELDS | {"size"})
    text = asked.get("text", "")
    if not 0 < len(text) <= 5000 or asked["size"] > LARGEST_FORM:
        raise Refused(3, f"text must have 1 to 5000 characters and the request 15 KB, got {len(text)}", "D")
    if asked.get("voice") not in VOICES or asked.get("lang") != "ru-RU":
        raise Refused(3, f"unsupported voice {asked.get('voice')} or lang {asked.get('lang')}", "D")
    if asked.get("format") != "oggopus":
        raise Refused(3, f"unsupported format: {asked.get('format')}", "D")
    return record(text, _seconds_of(text))


def spoken(asked: Mapping[str, Any]) -> bytes:
    """The OpenAI way's file in Ogg/Opus; or `Refused`."""
    text = asked.get("input")
    if not isinstance(text, str) or not 0 < len(text) <= 4096:
        raise Refused(3, "Input should have 1 to 4096 characters", "C")
    if not asked.get("model") or asked.get("voice") not in OPENAI_VOICES:
        raise Refused(3, "Input should be a known model and voice", "C")
    if asked.get("response_format") != "opus":
        raise Refused(3, "this server speaks opus only", "C")
    return record(text, _seconds_of(text))


def _known(asked: Mapping[str, Any], names: frozenset[str]) -> None:
    for name in asked:
        if name not in names:
            raise Refused(3, f"unknown parameter: {name}", "D")


def _check_opus(audio: bytes, shape: Any) -> None:
    if not re.match(rb"OggS.{24}OpusHead", audio, re.DOTALL):
        raise Refused(3, "the audio isn't Ogg/Opus", shape)


def _seconds(audio: bytes) -> float:
    """How long a recording plays, by its last page's clock."""
    last = audio.rfind(b"OggS")
    granule = int.from_bytes(audio[last + 6 : last + 14], "little", signed=True)
    return (granule - int.from_bytes(audio[38:40], "little")) / 48_000


def _words(audio: bytes, heard: str | None) -> str:
    if heard is None:
        heard = words_in(audio)
    return SENTENCES[zlib.crc32(audio) % len(SENTENCES)] if heard is None else heard


def _seconds_of(text: str) -> float:
    """How long the tune plays that stands for a text: as long as it would be read, within a minute."""
    return min(LONGEST_TUNE_S, max(2.0, len(text) / LETTERS_A_SECOND))
