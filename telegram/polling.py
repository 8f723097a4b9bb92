"""Long polling: one thread asks Telegram for updates and has each batch stored before it asks for more.

Storing updates is not covered (`telegram/dispatcher.py`).

| answer | what the thread does |
|---|---|
| 401, 404 | ends and calls `on_fatal`: the token is wrong |
| 409 at the start, because a webhook is set | removes the webhook; the updates that wait for it come by polling |
| 409 | logs that another copy of the bot is polling, asks again after 5 s |
| 429 | waits `retry_after` |
| none, 5xx, no JSON, or the batch can't be stored | asks again after 0.5 s, doubling to 30 s (10 s for the database) |
"""

from __future__ import annotations

import logging
import math
import random
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from core.cancellation import Cancel, watching
from core.errors import StorageError, TelegramError, TelegramRefused
from core.logs import event
from telegram.api_client import BotApi

log = logging.getLogger(__name__)

ALLOWED_UPDATES = [
    *("message", "edited_message", "callback_query", "stopped_message_generation", "my_chat_member"),
    *("message_reaction", "guest_message"),
    *("pre_checkout_query", "subscription"),  # come only if the bot sells something, or did
    *("inline_query", "chosen_inline_result"),  # come only if @BotFather has switched the inline mode on
]
LONG_POLL_S = 25
ANSWER_S = 10  # beyond that, until a silent connection is given up
LATE_S = 60.0  # what finding the address, connecting and keeping a batch may take, before the thread counts as hung
CONFLICT_PAUSE_S = 5.0
STORAGE_PAUSE_S = 10.0  # at most, before Telegram is asked again for a batch that couldn't be stored
JITTER = 0.2
BATCH_AGAIN_WITHIN_S = STORAGE_PAUSE_S * (1 + JITTER) + 3  # with the time that Telegram takes


Keep = Callable[[Any], int | None]  # takes a batch, gives the offset that acknowledges it


class Polling:
    """Asks for updates. `keep(batch)` stores a batch and returns the offset that acknowledges it."""

    name = "polling"

    def __init__(
        self,
        api: BotApi,
        keep: Keep,
        on_fatal: Callable[[TelegramRefused], None],
        *,
        late_s: float = LATE_S,
    ) -> None:
        self._api = api
        self._keep = keep
        self._on_fatal = on_fatal
        self._late_s = late_s
        self._stopping = threading.Event()
        self._cancel = Cancel()
        self._thread = threading.Thread(target=self._run, name="polling", daemon=True)
        self.begun = threading.Event()  # Telegram has answered for the first time
        self.tried = threading.Event()  # a request has ended, however
        # Seconds of the monotonic clock:
        self.last_at = 0.0  # when Telegram last answered, and what it said was kept; 0: not yet
        self._due_at = math.inf  # when the next request will have ended, unless the thread hangs

    def start(self) -> None:
        """Start the thread."""
        self._expect(LONG_POLL_S + ANSWER_S)
        self._thread.start()

    def stop(self) -> None:
        """Cancel the request under way and make no more; its updates come again at the next start."""
        self._stopping.set()
        self._cancel.set()

    def health_problem(self) -> str:
        """Return why no requests are made, in a few words; empty while they are, even if Telegram doesn't answer."""
        if not self._thread.is_alive():
            return "its thread has ended"
        late_s = time.monotonic() - self._due_at
        return f"no request has ended since it was due {late_s:.0f} s ago" if late_s > 0 else ""

    def _expect(self, within_s: float) -> None:
        self._due_at = time.monotonic() + within_s + self._late_s

    def connected(self, sock: socket.socket) -> None:
        """Note the socket of the request under way, which `stop` cancels."""
        self._cancel.attach(sock)

    def _run(self) -> None:
        offset: int | None = None
        pause_s = 0.0
        while not self._stopping.wait(pause_s):
            # The first answer comes at once: it tells whether the token is good, and what has waited.
            wait_s = LONG_POLL_S if self.begun.is_set() else 0
            params: dict[str, Any] = {"timeout": wait_s, "allowed_updates": ALLOWED_UPDATES}
            self._expect(LONG_POLL_S + ANSWER_S)
            if offset is not None:
                params["offset"] = offset
            try:
                with watching(self):
                    batch = self._api.call("getUpdates", params, timeout_s=LONG_POLL_S + ANSWER_S)
                if self._stopping.is_set():
                    return
                self.begun.set()
                offset = self._keep(batch)
                self.last_at = time.monotonic()
                pause_s = 0.0
            except TelegramRefused as error:
                if error.code in (401, 404):  # 404: what Telegram says to a token that can't be one
                    self._on_fatal(error)
                    return
                pause_s = 0.0 if self._took_webhook_away(error) else _refused(error, pause_s)
            except TelegramError as error:
                if self._stopping.is_set():
                    return
                pause_s = _longer(pause_s, 30)
                event(log, logging.WARNING, "telegram_unreachable", error=str(error), wait_s=round(pause_s, 1))
            except StorageError as error:
                pause_s = _longer(pause_s, STORAGE_PAUSE_S)
                event(log, logging.ERROR, "inbox_write_failed", error=str(error), wait_s=round(pause_s, 1))
            except Exception:
                pause_s = _longer(pause_s, 30)
                event(log, logging.ERROR, "polling_failed", exc_info=True)
            self.tried.set()
            self._expect(pause_s)

    def _took_webhook_away(self, error: TelegramRefused) -> bool:
        """Remove a webhook that an earlier run set; one that is set later belongs to another copy, which is logged."""
        if error.code != 409 or "webhook" not in error.description.lower() or self.begun.is_set():
            return False
        try:
            self._api.call("deleteWebhook", {"drop_pending_updates": False}, timeout_s=ANSWER_S)
        except TelegramError as failed:
            event(log, logging.WARNING, "webhook_removal_failed", error=str(failed))
            return False
        event(log, logging.INFO, "webhook_removed")
        return True


def _refused(error: TelegramRefused, pause_s: float) -> float:
    """Log a refusal; return how long to wait after it."""
    if error.code == 409:
        event(
            log,
            logging.ERROR,
            "polling_conflict",
            hint="another copy of this bot is polling, or a webhook is set",
            error=str(error),
        )
        return CONFLICT_PAUSE_S
    pause_s = error.retry_after_s if error.retry_after_s is not None else _longer(pause_s, 30)
    event(log, logging.WARNING, "poll_refused", error=str(error), wait_s=round(pause_s, 1))
    return pause_s


def _longer(pause_s: float, most_s: float) -> float:
    return min(most_s, max(0.5, pause_s * 2)) * random.uniform(1 - JITTER, 1 + JITTER)
