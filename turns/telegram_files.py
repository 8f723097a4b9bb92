"""Files of users' messages, fetched from Telegram."""

from __future__ import annotations

from typing import Final

from core.cancellation import Cancel
from core.errors import FileUnreadable, ModelAway, ModelCancelled, TelegramRefused, TelegramUnreachable
from core.sent_files import MOST_BYTES
from telegram.api_client import BotApi

_ATTEMPTS: Final = 3
_PAUSE_S: Final = 0.5


class TelegramFiles:
    """Fetches files by their id."""

    def __init__(self, api: BotApi) -> None:
        self._api = api

    def fetch(self, file_id: str, cancel: Cancel) -> bytes:
        """Return a file; ask again if Telegram doesn't answer. Blocks.

        Raises `FileUnreadable` if it is too large, `ModelCancelled`, `ModelAway` or `TelegramError`.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._fetch_once(file_id)
            except TelegramRefused as error:
                if error.code == 413 or "too big" in error.description:
                    raise FileUnreadable("too_large") from error
                raise
            except TelegramUnreachable:
                if attempt == _ATTEMPTS:
                    raise
            if cancel.wait(_PAUSE_S * attempt):
                raise ModelCancelled("stopped while a file was fetched")
        raise AssertionError("unreachable")

    def _fetch_once(self, file_id: str) -> bytes:
        found = self._api.call("getFile", {"file_id": file_id})
        path = found.get("file_path") if isinstance(found, dict) else None
        if not isinstance(path, str):
            raise ModelAway("Telegram names no file")
        return self._api.download(path, MOST_BYTES)
