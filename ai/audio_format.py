"""The format of a recording, by its first bytes. Pure."""

from __future__ import annotations

import re
from typing import Final

OGG_OPUS: Final = "OGG Opus"
_BY_START: Final = (
    (re.compile(rb"OggS.{24}OpusHead", re.DOTALL), OGG_OPUS, "ogg"),
    (re.compile(rb"OggS.{24}(?:\x01vorbis|Speex|\x7fFLAC)", re.DOTALL), "OGG", "ogg"),
    (re.compile(rb"RIFF.{4}WAVE", re.DOTALL), "WAV", "wav"),
    (re.compile(rb".{4}ftyp", re.DOTALL), "M4A", "m4a"),
    (re.compile(rb"\x1aE\xdf\xa3"), "WebM", "webm"),
    (re.compile(rb"fLaC"), "FLAC", "flac"),
    (re.compile(rb"#!AMR"), "AMR", "amr"),
    (re.compile(rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"), "MP3", "mp3"),
    (re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), "AAC", "aac"),
)


def format_of(audio: bytes) -> str:
    """Return the name of a recording's format as users know it; empty if it is none of the known ones."""
    return next((name for start, name, _ in _BY_START if start.match(audio)), "")


def ending_of(audio: bytes) -> str:
    """Return the ending of a file's name for this recording, by which servers go; Telegram's if it is unknown."""
    return next((ending for start, _, ending in _BY_START if start.match(audio)), "ogg")
