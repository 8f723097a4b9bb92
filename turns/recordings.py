"""Voice messages fetched from Telegram."""

from __future__ import annotations

from typing import Any, Final

from ai import opus_splitter
from core.errors import ModelAway, ModelCancelled, PromptTooLong, TelegramRefused, TelegramUnreachable
from gpt import Cancel
from telegram.api_client import BotApi

MOST_BYTES: Final = 20_000_000  # what Telegram lets a bot fetch
_ATTEMPTS: Final = 3
_PAUSE_S: Final = 0.5


class Recordings:
    """Fetches recordings by their file id."""

    def __init__(self, api: BotApi) -> None:
        self._api = api

    def fetch(self, file_id: str, cancel: Cancel) -> bytes:
        """Return a recording; ask again if Telegram doesn't answer. Blocks.

        Raises `PromptTooLong` if it is too large, `ModelCancelled`, `ModelAway` or `TelegramError`.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._fetch_once(file_id)
            except TelegramRefused as error:
                if error.code == 413 or "too big" in error.description:
                    raise PromptTooLong("the recording is too large") from error
                raise
            except TelegramUnreachable:
                if attempt == _ATTEMPTS:
                    raise
            if cancel.wait(_PAUSE_S * attempt):
                raise ModelCancelled("stopped while the recording was fetched")
        raise AssertionError("unreachable")

    def _fetch_once(self, file_id: str) -> bytes:
        found = self._api.call("getFile", {"file_id": file_id})
        path = found.get("file_path") if isinstance(found, dict) else None
        if not isinstance(path, str):
            raise ModelAway("Telegram names no file")
        return self._api.download(path, MOST_BYTES)


def seconds_of(audio: bytes, voice: dict[str, Any]) -> float:
    """Return how long a recording is: what Telegram's `voice` says, or more if it plays longer."""
    told = voice.get("duration")
    try:
        plays = opus_splitter.read(audio).seconds
    except opus_splitter.NotOpus:
        plays = 0.0  # the vendor may know the format
    return max(plays, float(told) if isinstance(told, int) else 0.0)
