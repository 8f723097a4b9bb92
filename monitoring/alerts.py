"""Report failed calls of models to admins.

An admin with the debug mode on gets every failed call, healed ones too; equal failures within a minute come as one
message with a count. A credential that stops working is reported to all admins, at most once an hour.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from ai.provider import CallFailure
from config import Config
from conversation.localization import Locales
from core.errors import ModelDenied, StorageError
from core.logs import event
from core.metrics import SILENT, Metrics
from core.schemas import Outgoing
from database import Database
from telegram.sender import Delivery

log = logging.getLogger(__name__)

WINDOW_S = 60.0
DENIED_EVERY_S = 3600.0
BODY_CHARS = 600

_Kind = tuple[str, int, str]


class ModelErrorAlerts:
    """Sends failures to admins and counts them as metrics; `report` may be called from any thread."""

    def __init__(
        self,
        config: Config,
        db: Database,
        delivery: Delivery,
        locales: Locales,
        metrics: Metrics = SILENT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._db = db
        self._delivery = delivery
        self._locales = locales
        self._metrics = metrics
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[_Kind, tuple[float, int, CallFailure]] = {}
        self._denied_at = -DENIED_EVERY_S

    def report(self, failure: CallFailure) -> None:
        """Send a failure, or count it if an equal one was sent within the last minute."""
        self._metrics.model_failed(failure.purpose, failure.error.status, failure.healed)
        kind = (failure.purpose, failure.error.status, str(failure.error))
        now = self._clock()
        with self._lock:
            opened_at, repeats, _ = self._windows.get(kind, (now, -1, failure))
            self._windows[kind] = (opened_at, repeats + 1, failure)
            first = repeats < 0
            denied = isinstance(failure.error, ModelDenied) and now - self._denied_at >= DENIED_EVERY_S
            if denied:
                self._denied_at = now
        if first:
            self._send(partial(self._to_debuggers, failure, 0))
        if denied:
            self._send(partial(self._to_admins, failure))

    def flush(self) -> None:
        """Send how often each failure came again in the minutes that are over. To be called every second."""
        now = self._clock()
        with self._lock:
            over = [kind for kind, window in self._windows.items() if now - window[0] >= WINDOW_S]
            closed = [self._windows.pop(kind) for kind in over]
        for _, repeats, failure in closed:
            if repeats:
                self._send(partial(self._to_debuggers, failure, repeats))

    def _to_debuggers(self, failure: CallFailure, repeats: int) -> list[Outgoing]:
        known = [admin_id for admin_id in self._db.users.in_debug() if admin_id in self._config.admin_ids]
        return [self._message(admin_id, failure, repeats) for admin_id in known]

    def _message(self, admin_id: int, failure: CallFailure, repeats: int) -> Outgoing:
        texts = self._locales[self._db.users.language_of(admin_id)]
        error = failure.error
        name = type(error).__name__
        if repeats:
            text = texts.say("admin.debug_repeated", service=failure.purpose, error=f"{name}: {error}", n=repeats)
        else:
            text = texts.say(
                "admin.debug_error",
                service=f"{failure.purpose} · {failure.model}",
                error=f"{name}: {error}",
                healed=texts.say("admin.healed" if failure.healed else "admin.not_healed"),
                time=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(failure.at)),
                user=str(failure.user_id),
                status=str(error.status or "—"),
                request_id=error.request_id or "—",
                body=error.body[:BODY_CHARS] or "—",
            )
        return Outgoing(admin_id, "sendMessage", {"text": text, "parse_mode": "HTML"})

    def _to_admins(self, failure: CallFailure) -> list[Outgoing]:
        messages = []
        for admin_id in sorted(self._config.admin_ids):
            admin = self._db.users.get(admin_id)
            if admin is not None and not admin.blocked and not admin.debug:
                text = self._locales[admin.language].say("admin.model_denied", error=str(failure.error))
                messages.append(Outgoing(admin_id, "sendMessage", {"text": text, "parse_mode": "HTML"}))
        return messages

    def _send(self, make: Callable[[], list[Outgoing]]) -> None:
        """Add messages to the outbox. An error of the database is only logged: the failed call must end as it would."""
        try:
            messages = make()
            if not messages:
                return
            with self._db.transaction():
                rows = self._db.outbox.add(None, messages)
        except StorageError:
            event(log, logging.ERROR, "alert_save_failed", exc_info=True)
        else:
            self._delivery.wake(rows)
