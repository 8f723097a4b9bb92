"""Webhooks, the other way in: Telegram brings each update to an address of ours, and it is kept before 200 is said.

Covers: telling Telegram the address, looking now and then whether it still has it, and taking one request. Doesn't
cover: the HTTP server that requests come to (`webapp.server`), keeping updates (`telegram/dispatcher.py` does).

One connection at a time: with several, Telegram may bring two updates of one chat in the wrong order.
"""

from __future__ import annotations

import hmac
import json
import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from core.errors import StorageError, TelegramError, TelegramRefused
from core.logs import event
from telegram.api_client import BotApi
from telegram.polling import ALLOWED_UPDATES, Keep

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 300.0
LATE_S: Final = 120.0  # what a look may take, before its thread counts as hung
TIMEOUT_S: Final = 15.0
MOST_BYTES: Final = 1_000_000
WORD_EVERY_S: Final = 60.0  # in the log, of requests that aren't Telegram's


class Webhook:
    """Registers `url` with Telegram and takes what comes there. `keep(batch)` may raise `StorageError`."""

    name = "webhook"

    def __init__(
        self,
        api: BotApi,
        keep: Keep,
        on_fatal: Callable[[TelegramRefused], None],
        *,
        url: str,
        secret: str,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._api = api
        self._keep = keep
        self._on_fatal = on_fatal
        self._url = url
        self._secret = secret.encode()
        self._look_every_s = look_every_s
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)
        self._stopping = threading.Event()
        self._complaint_at = 0  # Telegram's time of its last known complaint
        self._stranger_at = -math.inf
        self.begun = threading.Event()  # Telegram has answered for the first time
        self.tried = threading.Event()  # it was told the address, or couldn't be
        # Seconds of the monotonic clock:
        self.last_at = 0.0  # when Telegram last answered, or brought something
        self._due_at = math.inf

    def start(self) -> None:
        """Starts its thread and returns at once; its look at the webhook is late after `LATE_S` seconds."""
        self._due_at = time.monotonic() + LATE_S
        self._thread.start()

    def stop(self) -> None:
        """Takes nothing more; Telegram keeps it and brings it to the next life."""
        self._stopping.set()

    def health_problem(self) -> str:
        """Why no more updates come, in a few words; empty while they would."""
        if not self._thread.is_alive():
            return "its thread has ended"
        late_s = time.monotonic() - self._due_at
        return f"no look at the webhook since it was due {late_s:.0f} s ago" if late_s > 0 else ""

    def take(self, secret: str, body: bytes) -> int:
        """Takes one request; the HTTP status to answer. 200: its update is on the disk."""
        if not hmac.compare_digest(secret.encode("utf-8", "replace"), self._secret):
            self._tell_of_stranger()
            return 403
        try:
            update = json.loads(body)
        except (ValueError, RecursionError):
            return 400
        if self._stopping.is_set():
            return 503
        try:
            self._keep([update])
        except StorageError as error:
            event(log, logging.ERROR, "inbox_write_failed", error=str(error))
            return 503
        except ValueError as error:
            event(log, logging.ERROR, "webhook_body_invalid", error=str(error))
            return 400
        self.last_at = time.monotonic()
        return 200

    def _tell_of_stranger(self) -> None:
        now = time.monotonic()
        if now - self._stranger_at >= WORD_EVERY_S:
            self._stranger_at = now
            event(log, logging.WARNING, "webhook_rejected", reason="wrong_secret_token")

    # ------------------------------------------------------------------ Telegram's side of it

    def _run(self) -> None:
        known, pause_s, failure_s = False, 0.0, 0.25
        while not self._stopping.wait(pause_s):
            try:
                known = known and self._still_known()
                if not known:
                    self._tell_address()
                    known = True
                self.begun.set()
                self.last_at = time.monotonic()
                pause_s, failure_s = self._look_every_s, 0.25
            except TelegramRefused as error:
                if error.code in (401, 404):
                    self._on_fatal(error)
                    return
                failure_s = min(30.0, failure_s * 2)
                pause_s = failure_s if error.retry_after_s is None else error.retry_after_s
                event(log, logging.ERROR, "webhook_registration_refused", error=str(error), wait_s=round(pause_s, 1))
            except TelegramError as error:
                pause_s = failure_s = min(30.0, failure_s * 2)
                event(log, logging.WARNING, "telegram_unreachable", error=str(error), wait_s=round(pause_s, 1))
            except Exception:
                pause_s = failure_s = min(30.0, failure_s * 2)
                event(log, logging.ERROR, "webhook_check_failed", exc_info=True)
            self.tried.set()
            self._due_at = time.monotonic() + pause_s + LATE_S

    def _tell_address(self) -> None:
        self._api.call(
            "setWebhook",
            {
                "url": self._url,
                "secret_token": self._secret.decode(),
                "allowed_updates": list(ALLOWED_UPDATES),
                "max_connections": 1,
            },
            timeout_s=TIMEOUT_S,
        )
        event(log, logging.INFO, "webhook_registered", url=self._url)

    def _still_known(self) -> bool:
        """Whether Telegram still brings updates here; its last complaint goes to the log."""
        info: Any = self._api.call("getWebhookInfo", {}, timeout_s=TIMEOUT_S)
        if not isinstance(info, dict):
            return False
        complaint_at = info.get("last_error_date", 0)
        if isinstance(complaint_at, int) and complaint_at > self._complaint_at:
            self._complaint_at = complaint_at
            event(
                log,
                logging.WARNING,
                "webhook_delivery_failed",
                error=str(info.get("last_error_message", "")),
                waiting=str(info.get("pending_update_count", "")),
            )
        if info.get("url") != self._url:
            event(log, logging.ERROR, "webhook_lost", hint="another copy of this bot?")
            return False
        return True
