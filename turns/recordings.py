"""How long voice messages play."""

from __future__ import annotations

from typing import Any

from ai import opus_splitter


def seconds_of(audio: bytes, voice: dict[str, Any]) -> float:
    """Return how long a recording is: what Telegram's `voice` says, or more if it plays longer."""
    told = voice.get("duration")
    try:
        plays = opus_splitter.read(audio).seconds
    except opus_splitter.NotOpus:
        plays = 0.0  # the vendor may know the format
    return max(plays, float(told) if isinstance(told, int) else 0.0)
