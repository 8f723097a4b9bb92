"""The debug mode: every failed call of a model's API, sent to the admins who switched it on.

Equal faults within a minute come as one with a count. Healed retries are reported too. A credential that
doesn't work any more is told to all admins, debug mode or not, once an hour: nobody else can mend it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from config import Config
from conversation.localization import FALLBACK, Locales
from core.errors import ModelDenied, StorageError
from core.logs import event
from core.schemas import Outgoing
from database import Database
from gpt import CallFailure
from telegram.sender import Delivery

log = logging.getLogger(__name__)

WINDOW_S = 60.0
DENIED_EVERY_S = 3600.0
BODY_CHARS = 600

_Kind = tuple[str, int, str]


class FaultReports:
    """Collects faults from any thread; `flush`, called every second, sends the counts of past windows."""

    def __init__(
        self,
        config: Config,
        db: Database,
        delivery: Delivery,
        locales: Locales,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._db = db
        self._delivery = delivery
        self._locales = locales
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[_Kind, tuple[float, int, CallFailure]] = {}
        self._denied_at = -DENIED_EVERY_S

    def take(self, fault: CallFailure) -> None:
        """Reports a fault at once, or counts it where its like was reported within the minute."""
        kind = (fault.purpose, fault.error.status, str(fault.error))
        now = self._clock()
        with self._lock:
            opened_at, repeats, _ = self._windows.get(kind, (now, -1, fault))
            self._windows[kind] = (opened_at, repeats + 1, fault)
            first = repeats < 0
            denied = isinstance(fault.error, ModelDenied) and now - self._denied_at >= DENIED_EVERY_S
            if denied:
                self._denied_at = now
        if first:
            self._send(fault, 0)
        if denied:
            self._keep(lambda: self._to_admins(fault))

    def flush(self) -> None:
        """Closes windows that are over; says how often each fault came again."""
        now = self._clock()
        with self._lock:
            over = [kind for kind, window in self._windows.items() if now - window[0] >= WINDOW_S]
            closed = [self._windows.pop(kind) for kind in over]
        for _, repeats, fault in closed:
            if repeats:
                self._send(fault, repeats)

    def _send(self, fault: CallFailure, repeats: int) -> None:
        self._keep(lambda: self._to_debuggers(fault, repeats))

    def _to_debuggers(self, fault: CallFailure, repeats: int) -> list[Outgoing]:
        known = [admin_id for admin_id in self._db.users.in_debug() if admin_id in self._config.admin_ids]
        return [self._message(admin_id, fault, repeats) for admin_id in known]

    def _message(self, admin_id: int, fault: CallFailure, repeats: int) -> Outgoing:
        user = self._db.users.get(admin_id)
        texts = self._locales[user.language if user else FALLBACK]
        error = fault.error
        name = type(error).__name__
        if repeats:
            text = texts.say("admin.debug_repeated", service=fault.purpose, error=f"{name}: {error}", n=repeats)
        else:
            text = texts.say(
                "admin.debug_error",
                service=f"{fault.purpose} · {fault.model}",
                error=f"{name}: {error}",
                healed=texts.say("admin.healed" if fault.healed else "admin.not_healed"),
                time=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(fault.at)),
                user=str(fault.user_id),
                status=str(error.status or "—"),
                request_id=error.request_id or "—",
                body=error.body[:BODY_CHARS] or "—",
            )
        return Outgoing(admin_id, "sendMessage", {"text": text, "parse_mode": "HTML"})

    def _to_admins(self, fault: CallFailure) -> list[Outgoing]:
        messages = []
        for admin_id in sorted(self._config.admin_ids):
            admin = self._db.users.get(admin_id)
            if admin is not None and not admin.blocked and not admin.debug:
                text = self._locales[admin.language].say("admin.model_denied", error=str(fault.error))
                messages.append(Outgoing(admin_id, "sendMessage", {"text": text, "parse_mode": "HTML"}))
        return messages

    def _keep(self, make: Callable[[], list[Outgoing]]) -> None:
        """Keeps messages for the admins. A database that fails now mustn't change how the reported call ends."""
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
