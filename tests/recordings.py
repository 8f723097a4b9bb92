"""Voice messages of any length, cut from one real recording."""

from __future__ import annotations

from pathlib import Path

from ai.opus_splitter import Recording, read, write

_WHOLE = read((Path(__file__).parent / "voice.ogg").read_bytes())


def recording(seconds: int = 4) -> bytes:
    """Return a voice message of so many seconds."""
    return write(Recording(_WHOLE.head, (_WHOLE.packets * (seconds // 37 + 1))[: seconds * 50]))
