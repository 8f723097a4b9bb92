"""Check requests of SpeechKit (v1, synthesis by v3) and of OpenAI's speech API; build transcripts and speech. Pure.

Nothing is recognised or spoken in earnest: the words of a recording come to order, or are carried by it
(`recording.record`), else from a few sentences; every text is read aloud as the same short tune (`voice.ogg`).
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from sandbox.http_wire import HttpRequest
from sandbox.recording import record, words_in
from sandbox.yandex_api import Refused

# The voices of v3 with their roles; v1 has those of V1_VOICES.
ROLES: Final[Mapping[str, frozenset[str]]] = {
    "alena": frozenset({"neutral", "good"}),
    "filipp": frozenset(),
    "ermil": frozenset({"neutral", "good"}),
    "zahar": frozenset({"neutral", "good"}),
    "madi_ru": frozenset(),
    "jane": frozenset({"neutral", "good", "evil"}),
    "omazh": frozenset({"neutral", "evil"}),
    "marina": frozenset({"neutral", "whisper", "friendly"}),
    "alexander": frozenset({"neutral", "good"}),
    "kirill": frozenset({"neutral", "strict", "good"}),
    "anton": frozenset({"neutral", "good"}),
    "dasha": frozenset({"neutral", "good", "friendly"}),
    "julia": frozenset({"neutral", "strict"}),
    "lera": frozenset({"neutral", "friendly"}),
    "masha": frozenset({"good", "strict", "friendly"}),
}
V1_VOICES: Final = frozenset({"alena", "filipp", "ermil", "jane", "omazh", "zahar", "marina", "madi_ru"})
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
LONGEST_UTTERANCE: Final = 250  # characters, without `unsafeMode`
LONGEST_TEXT: Final = 5000
CHUNK: Final = 4000  # bytes of audio in a line of v3's answer
LARGEST_FILE: Final = 25 * 1024 * 1024
_FORMATS: Final = (".flac", ".m4a", ".mp3", ".mp4", ".mpeg", ".mpga", ".oga", ".ogg", ".wav", ".webm")
_TRANSCRIPTION: Final = frozenset({"model", "language", "prompt", "response_format", "temperature"})
_STT_FIELDS: Final = frozenset({"lang", "topic", "format", "folderId", "profanityFilter", "rawResults"})
_V3_FIELDS: Final = frozenset({"model", "text", "hints", "outputAudioSpec", "loudnessNormalizationType", "unsafeMode"})
_TTS_FIELDS: Final = frozenset({"text", "lang", "voice", "emotion", "speed", "format", "folderId"})


def read(path: str, headers: Mapping[str, str], raw: bytes) -> dict[str, Any]:
    """Return the parameters of a request's query and body; a recording's bytes under `audio`."""
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
    """Return SpeechKit's answer, without `result` for silence. Raises `Refused`."""
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
    """Return the answer of OpenAI's API. Raises `Refused`."""
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
    """Return SpeechKit's Ogg/Opus file. Raises `Refused`."""
    _known(asked, _TTS_FIELDS | {"size"})
    text = asked.get("text", "")
    if not 0 < len(text) <= 5000 or asked["size"] > LARGEST_FORM:
        raise Refused(3, f"text must have 1 to 5000 characters and the request 15 KB, got {len(text)}", "D")
    voice, emotion = asked.get("voice", ""), asked.get("emotion")
    if voice not in V1_VOICES or asked.get("lang") != "ru-RU" or (emotion and emotion not in ROLES[voice]):
        raise Refused(3, f"unsupported voice {voice}, emotion {emotion} or lang {asked.get('lang')}", "D")
    if asked.get("format") != "oggopus":
        raise Refused(3, f"unsupported format: {asked.get('format')}", "D")
    return record(text, _seconds_of(text))


def utterances(asked: Any, streams: int = 1) -> bytes:
    """Return SpeechKit v3's answer: a JSON object a line, with the audio of `streams` Ogg streams. Raises `Refused`."""
    if not isinstance(asked, dict):
        raise Refused(3, "invalid character looking for beginning of value", "B")
    for name in asked:
        if name not in _V3_FIELDS:
            raise Refused(3, f'proto: (line 1:2): unknown field "{name}"', "B")
    text, hints = asked.get("text"), asked.get("hints", [])
    longest = LONGEST_TEXT if asked.get("unsafeMode") else LONGEST_UTTERANCE
    if not isinstance(text, str) or not 0 < len(text) <= longest:
        raise Refused(3, f"text must have 1 to {longest} characters")
    if not all(isinstance(hint, dict) and len(hint) == 1 for hint in hints):
        raise Refused(3, "each hint must have one field", "B")
    told = {name: value for hint in hints for name, value in hint.items()}
    voice, role = told.pop("voice", "marina"), told.pop("role", "")
    if voice not in ROLES or (role and role not in ROLES[voice]) or told.keys() - {"speed"}:
        raise Refused(3, f"unsupported voice {voice}, role {role} or hint {', '.join(told)}")
    if asked.get("outputAudioSpec") != {"containerAudio": {"containerAudioType": "OGG_OPUS"}}:
        raise Refused(3, "this server speaks Ogg/Opus only")
    if not re.search(r"\w", text):
        return _line({"chunkType": "NO_SPEAKABLE_TEXT"})
    words = text.split()
    share = -(-len(words) // max(1, streams))
    audio = b"".join(
        record(" ".join(said), _seconds_of(" ".join(said)))
        for said in (words[start : start + share] for start in range(0, len(words), share))
    )
    chunks = [audio[start : start + CHUNK] for start in range(0, len(audio), CHUNK)]
    lines = [
        _line({"audioChunk": {"data": base64.b64encode(chunk).decode()}, "chunkType": "AUDIO_ONLY"}) for chunk in chunks
    ]
    return b"".join(lines) + _line({"audioChunk": None, "textChunk": {"text": text}, "chunkType": "TEXT_ONLY"})


def _line(result: Mapping[str, Any]) -> bytes:
    return json.dumps({"result": result}, ensure_ascii=False).encode() + b"\n"


def spoken(asked: Mapping[str, Any]) -> bytes:
    """Return the Ogg/Opus file of OpenAI's API. Raises `Refused`."""
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
    """Return how long a recording plays, by its last page."""
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
