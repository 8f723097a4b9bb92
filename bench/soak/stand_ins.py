"""Telegram as the soak watches it: when the bot shows a first sign, how much it sends, and a network that is down."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from sandbox.http_wire import Dropped, HttpRequest, HttpResponse
from sandbox.telegram import TelegramServer

SENT: Final = frozenset({"sendMessage", "sendPhoto", "sendDocument", "sendVoice", "sendAudio", "sendInvoice"})
_NO_SIGN: Final = frozenset({"getUpdates", "getFile", "answerPreCheckoutQuery", "setChatMenuButton"})


class Signs:
    """When the bot first did anything in a chat since its user acted; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._expected: dict[int, float] = {}
        self._first: dict[int, float] = {}

    def expect(self, chat_id: int, at: float) -> None:
        """Wait for the next sign in this chat."""
        with self._lock:
            self._expected[chat_id] = at
            self._first.pop(chat_id, None)

    def note(self, chat_id: int, at: float) -> None:
        """Note what the bot did in a chat."""
        with self._lock:
            if chat_id in self._expected:
                self._first.setdefault(chat_id, at)

    def first(self, chat_id: int) -> float:
        """Return the time of the first sign; 0 if there was none."""
        with self._lock:
            return self._first.get(chat_id, 0.0)


class WatchedTelegram(TelegramServer):
    """The sandbox's Telegram at its own limits. `down_until`: no call comes through before this time."""

    def __init__(self) -> None:
        super().__init__()
        self.signs = Signs()
        self.sent: Counter[int] = Counter()  # messages by second
        self.statuses: Counter[str] = Counter()  # methods and refusals
        self.down_until = 0.0
        self.polled = threading.Event()
        self.flood = True
        self.record_calls = True
        self._counting = threading.Lock()

    def _call(self, method: str, request: HttpRequest) -> HttpResponse:
        if method == "getUpdates":
            self.polled.set()
        left_s = self.down_until - time.monotonic()
        if left_s > 0:
            time.sleep(left_s)
            raise Dropped
        return super()._call(method, request)

    def _record(
        self, method: str, parameters: Mapping[str, Any], files: Mapping[str, Any], status: int, description: str
    ) -> None:
        now = time.monotonic()
        with self._counting:
            self.statuses[method if status == 200 else f"{method} {status} {description}"] += 1
            if method in SENT and status == 200:
                self.sent[int(now)] += 1
        if status == 200 and method not in _NO_SIGN and (chat_id := self._chat_of(parameters)):
            self.signs.note(chat_id, now)

    def _chat_of(self, parameters: Mapping[str, Any]) -> int:
        """Return the chat that a call is about; 0 if none."""
        chat_id = str(parameters.get("chat_id", ""))
        if chat_id.lstrip("-").isdecimal():
            return int(chat_id)
        with self.state.lock:
            query = self.state.queries.get(str(parameters.get("callback_query_id", "")))
            return query.chat_id if query is not None else 0
