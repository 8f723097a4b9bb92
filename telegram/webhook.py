"""Webhooks: Telegram posts each update to the bot's address, and it is stored before the bot answers 200.

Covers registering the address, checking now and then that Telegram still has it, and handling one request. The HTTP
server (`web/server.py`) and storing updates (`telegram/dispatcher.py`) are not covered.

One connection at a time: over several, Telegram may deliver two updates of one chat in the wrong order.
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

CHECK_EVERY_S: Final = 300.0
LATE_S: Final = 120.0  # a check may take so long before its thread counts as hung
TIMEOUT_S: Final = 15.0
MOST_BYTES: Final = 1_000_000
LOG_EVERY_S: Final = 60.0  # between two log lines about requests that aren't Telegram's


class Webhook:
    """Registers `url` with Telegram and stores what is posted there by `keep(batch)`."""

    name = "webhook"

    def __init__(
        self,
        api: BotApi,
        keep: Keep,
        on_fatal: Callable[[TelegramRefused], None],
        *,
        url: str,
        secret: str,
        check_every_s: float = CHECK_EVERY_S,
    ) -> None:
        self._api = api
        self._keep = keep
        self._on_fatal = on_fatal
        self._url = url
        self._secret = secret.encode()
        self._check_every_s = check_every_s
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
        """Start the thread that registers the webhook and checks it."""
        self._due_at = time.monotonic() + LATE_S
        self._thread.start()

    def stop(self) -> None:
        """Refuse further updates; Telegram posts them again after the next start."""
        self._stopping.set()

    def health_problem(self) -> str:
        """Return why the webhook isn't checked, in a few words; empty while it is."""
        if not self._thread.is_alive():
            return "its thread has ended"
        late_s = time.monotonic() - self._due_at
        return f"no look at the webhook since it was due {late_s:.0f} s ago" if late_s > 0 else ""

    def take(self, secret: str, body: bytes) -> int:
        """Store the update of one request; return the HTTP status. 200: the update is on the disk."""
        if not hmac.compare_digest(secret.encode("utf-8", "replace"), self._secret):
            self._log_stranger()
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

    def _log_stranger(self) -> None:
        now = time.monotonic()
        if now - self._stranger_at >= LOG_EVERY_S:
            self._stranger_at = now
            event(log, logging.WARNING, "webhook_rejected", reason="wrong_secret_token")

    # ------------------------------------------------------------------ Telegram's side of it

    def _run(self) -> None:
        known, pause_s, failure_s = False, 0.0, 0.25
        while not self._stopping.wait(pause_s):
            try:
                known = known and self._is_registered()
                if not known:
                    self._register()
                    known = True
                self.begun.set()
                self.last_at = time.monotonic()
                pause_s, failure_s = self._check_every_s, 0.25
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

    def _register(self) -> None:
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

    def _is_registered(self) -> bool:
        """Whether Telegram still has this address; log the last delivery error that it reports."""
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
