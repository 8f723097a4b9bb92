"""What users and admins read when an update can't be handled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from config import Config
from conversation.localization import Locales
from core.errors import StorageError
from core.schemas import Outgoing
from database import Database, InboxRow
from telegram.sender import Delivery

FIRST_NOTICE_PAUSE_S = 60.0  # after a chat is told that nothing can be stored; each further one is twice as long
OVER_S = 120.0  # without a failure; whatever waits tries again sooner


@dataclass(slots=True)
class _Outage:
    """A time in which nothing of a chat could be stored, by the monotonic clock."""

    failed_at: float  # last
    next_notice_at: float
    pause_s: float = FIRST_NOTICE_PAUSE_S


class FailureNotices:
    """Sends the sentences for failed updates. Thread-safe."""

    def __init__(
        self,
        config: Config,
        db: Database,
        locales: Locales,
        delivery: Delivery,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._db = db
        self._locales = locales
        self._delivery = delivery
        self._lock = threading.Lock()
        self._clock = clock
        self._outages: dict[int, _Outage] = {}  # by chat

    def apology(self, chat_id: int) -> Outgoing:
        """Return the message for a chat whose handler failed by a bug."""
        return _html(chat_id, self._text(chat_id, "bug"))

    def storage_failed(self, chat_id: int, topic_id: int = 0) -> None:
        """Tell a chat that nothing can be stored; after 1, 3, 7, 15… minutes again.

        Bypasses the outbox, which fails too. What waits is tried again for as long as it takes, perhaps for a weekend.
        """
        if not chat_id:
            return
        now = self._clock()
        with self._lock:
            outage = self._outages.get(chat_id)
            if outage is None or now - outage.failed_at > OVER_S:
                outage = self._outages[chat_id] = _Outage(now, now)
            outage.failed_at = now
            if now < outage.next_notice_at:
                return
            outage.next_notice_at = now + outage.pause_s
            outage.pause_s *= 2
        self._delivery.direct(chat_id, self._text(chat_id, "storage"), topic_id)

    def dead_letter(self, row: InboxRow, reason: str) -> None:
        """Tell the sender that an update won't be answered, and the admins in debug mode why. Raises `StorageError`."""
        messages = []
        user = self._db.users.get(row.chat_id)
        if user is not None:
            text = self._locales[user.language].say("problem.dead_letter")
            told = _html(row.chat_id, text)
            messages.append(told.in_topic(row.chat_id, row.topic_id))
        for admin_id in self._db.users.in_debug():
            if admin_id in self._config.admin_ids:
                messages.append(Outgoing(admin_id, "sendMessage", {"text": f"🐞 inbox {row.id}: {reason}"}))
        self._send(messages)

    def payment_failed(self, row: InboxRow, charge_id: str, reason: str) -> None:
        """Tell the payer and every admin that a payment couldn't be credited. Raises `StorageError`."""
        messages, user = [], self._db.users.get(row.chat_id)
        if user is not None:
            texts = self._locales[user.language]
            contact = self._config.support_contact or texts.plain("buy.admin")
            messages.append(_html(user.id, texts.say("checkout.failed", contact=contact, charge=charge_id)))
        for admin in filter(None, map(self._db.users.get, sorted(self._config.admin_ids))):
            said = self._locales[admin.language].say(
                "refund.not_booked", charge=charge_id, inbox=str(row.id), user=str(row.chat_id), reason=reason
            )
            messages.append(_html(admin.id, said))
        self._send(messages)

    def _send(self, messages: Sequence[Outgoing]) -> None:
        with self._db.transaction():
            rows = self._db.outbox.add(None, messages)
        self._delivery.wake(rows)

    def _text(self, chat_id: int, kind: str) -> str:
        try:
            language = self._db.users.language_of(chat_id)
        except StorageError:
            language = ""
        return self._locales[language].say(f"problem.{kind}")


def _html(chat_id: int, text: str) -> Outgoing:
    return Outgoing(chat_id, "sendMessage", {"text": text, "parse_mode": "HTML"})
