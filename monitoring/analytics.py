"""Count what users do: in the database always, and at Amplitude if a key is set.

Amplitude gets the event's name, `tg-<user id>`, and a few properties such as the kind of a turn; no texts and no names.
Its SDK sends events from threads of its own, and is imported only with a key. The SDK limits only what it sends again,
so this module limits the events under way: if Amplitude doesn't answer, events are dropped and the bot goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from core.days import current_day
from core.errors import StorageError
from core.logs import event
from database import Database

log = logging.getLogger(__name__)

Property = str | int | bool

MOST_UNDER_WAY: Final = 5_000
LOST_S: Final = 600.0  # with no callback of the SDK for so long, the events under way count as lost
FLUSH_MS: Final = 1_000  # the SDK's threads hold the process for so long when it ends
RETRIES: Final = 6
WARN_EVERY_S: Final = 60.0


class Analytics:
    """Counts events in memory, and writes the counts to the database at `flush`."""

    def __init__(self, db: Database, *, api_key: str = "", server_url: str = "") -> None:
        self._db = db
        self._lock = threading.Lock()
        self._counts: Counter[tuple[int, str]] = Counter()
        self._amplitude = _Amplitude(api_key, server_url) if api_key else None

    def tell(self, name: str, user_id: int, **properties: Property) -> None:
        """Count an event of a user, and send it to Amplitude. Call it after the commit. Never raises or blocks."""
        with self._lock:
            self._counts[current_day(), name] += 1
        if self._amplitude is not None:
            self._amplitude.send(name, user_id, properties)

    def flush(self) -> None:
        """Write the counts. Raises `StorageError` and keeps them for the next call."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            self._db.events.add(counts)
        except StorageError:
            with self._lock:
                self._counts.update(counts)
            raise

    def stop(self, timeout_s: float) -> None:
        """Write and send what is left, for at most `timeout_s`."""
        try:
            self.flush()
        except StorageError as error:
            event(log, logging.WARNING, "event_counts_save_failed", error=str(error))
        if self._amplitude is not None:
            self._amplitude.stop(timeout_s)


class AnalyticsOutbox:
    """The outbox that delivery uses; counts each answer that a user has received. `dropped` ends a refused row."""

    def __init__(self, db: Database, analytics: Analytics, dropped: Callable[[int, str], None]) -> None:
        self._db = db
        self._analytics = analytics
        self.pending = db.outbox.pending
        self.dropped = dropped
        self.topic_gone = db.topic_states.topic_gone

    def sent(
        self, row_id: int, chat_id: int, message_id: int | None, prompt_id: int | None, inline_id: str = ""
    ) -> None:
        """Mark a row as sent. An answer counts once, even if it takes several messages or is shown again."""
        shown = message_id is not None and prompt_id is not None
        turn = self._db.turns.first_shown(prompt_id, chat_id) if shown and prompt_id is not None else None
        self._db.outbox.sent(row_id, chat_id, message_id, prompt_id, inline_id)
        if turn is not None:
            user_id, kind = turn
            self._analytics.tell("reply_sent", user_id, kind=kind)


class _Amplitude:
    """Amplitude's SDK, with a limit of events under way."""

    def __init__(self, api_key: str, server_url: str) -> None:
        from amplitude import Amplitude, BaseEvent, Config
        from amplitude.constants import EventLogLevel

        silent = logging.getLogger("amplitude")
        silent.setLevel(logging.CRITICAL)  # it logs every event; `_warn` reports failures
        self._make_event: Callable[..., Any] = BaseEvent
        self._client = Amplitude(
            api_key,
            Config(
                server_url=server_url or None,
                flush_interval_millis=FLUSH_MS,
                flush_max_retries=RETRIES,
                logger=silent,
                callback=self._on_end,
                event_log_level=EventLogLevel.NONE,
            ),
        )
        self._lock = threading.Lock()
        self._under_way = 0
        self._moved_at = time.monotonic()  # of the SDK's last callback
        self._warned_at = -WARN_EVERY_S

    def send(self, name: str, user_id: int, properties: dict[str, Property]) -> None:
        if not self._begin():
            return
        try:
            self._client.track(
                self._make_event(
                    event_type=name,
                    user_id=f"tg-{user_id:02}",  # at least five characters, or Amplitude refuses the event
                    event_properties=properties,
                    time=int(time.time() * 1000),
                )
            )
        except Exception as error:  # an error of the SDK must not stop a turn
            self._warn(f"{type(error).__name__}: {error}")

    def stop(self, timeout_s: float) -> None:
        ends_at = time.monotonic() + timeout_s
        try:
            sent = [future for future in self._client.flush() if future is not None]
            for future in sent:
                future.result(max(0.0, ends_at - time.monotonic()))
        except Exception as error:
            self._warn(f"{type(error).__name__}: {error}")
        self._client.configuration.opt_out = True

    def _begin(self) -> bool:
        now = time.monotonic()
        with self._lock:
            if self._under_way >= MOST_UNDER_WAY and now - self._moved_at > LOST_S:
                self._under_way, self._moved_at = 0, now
            full = self._under_way >= MOST_UNDER_WAY
            if not full:
                self._under_way += 1
        if full:
            self._warn("too many events under way: dropped")
        return not full

    def _on_end(self, _: object, code: int, message: str | None) -> None:
        """Note that the SDK has sent an event or given it up. The SDK's threads call this."""
        with self._lock:
            self._under_way = max(0, self._under_way - 1)
            self._moved_at = time.monotonic()
        if code != 200:
            self._warn(f"{code} {message or ''}".strip())

    def _warn(self, reason: str) -> None:
        now = time.monotonic()
        with self._lock:
            due = now - self._warned_at >= WARN_EVERY_S
            if due:
                self._warned_at = now
        if due:
            event(log, logging.WARNING, "amplitude_events_dropped", reason=reason)
