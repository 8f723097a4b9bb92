"""What people do with the bot, as counts: in the database always, and at Amplitude where a key is set.

No texts and no names go out: the event, `tg-<user id>`, and a few properties such as the kind of a turn. Amplitude's
own SDK sends them, from threads of its own, and is imported only with a key. It bounds only what it sends again, so
what is under way is bounded here: while Amplitude is away, events are dropped and the bot goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from core.errors import StorageError
from core.logs import event
from database import Database

log = logging.getLogger(__name__)

Property = str | int | bool

DAY_S: Final = 86_400
MOST_UNDER_WAY: Final = 5_000
FORGOTTEN_S: Final = 600.0  # after which an event that the SDK never told the end of is taken for lost
FLUSH_MS: Final = 1_000  # the SDK's threads keep the process that long at its end
RETRIES: Final = 6
WORD_EVERY_S: Final = 60.0


class Analytics:
    """The one seam: whoever sees something happen tells it here. Nothing here raises or waits.

    Counts are kept in memory and written by `flush`, so that they cost no turn a statement.
    """

    def __init__(self, db: Database, *, api_key: str = "", server_url: str = "") -> None:
        self._db = db
        self._lock = threading.Lock()
        self._counts: Counter[tuple[int, str]] = Counter()
        self._amplitude = _Amplitude(api_key, server_url) if api_key else None

    def tell(self, name: str, user_id: int, **properties: Property) -> None:
        """Something has happened; to be told when the transaction that says so has committed."""
        with self._lock:
            self._counts[int(time.time()) // DAY_S, name] += 1
        if self._amplitude is not None:
            self._amplitude.send(name, user_id, properties)

    def flush(self) -> None:
        """Writes the counts. Raises `StorageError`, and keeps them for the next time."""
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
        """Writes and sends what is left, for as long as it may take."""
        try:
            self.flush()
        except StorageError as error:
            event(log, logging.WARNING, "event_counts_save_failed", error=str(error))
        if self._amplitude is not None:
            self._amplitude.stop(timeout_s)


class TellingOutbox:
    """The outbox as delivery knows it, which tells of each answer that has reached its reader."""

    def __init__(self, db: Database, analytics: Analytics) -> None:
        self._db = db
        self._analytics = analytics
        self.pending = db.outbox.pending
        self.dropped = db.outbox.dropped

    def sent(self, row_id: int, chat_id: int, message_id: int | None, prompt_id: int | None) -> None:
        """Telegram has it. An answer in several messages, or one that is shown again, counts once."""
        shown = message_id is not None and prompt_id is not None
        turn = self._db.turns.first_shown(prompt_id, chat_id) if shown and prompt_id is not None else None
        self._db.outbox.sent(row_id, chat_id, message_id, prompt_id)
        if turn is not None:
            user_id, kind = turn
            self._analytics.tell("reply_sent", user_id, kind=kind)


class _Amplitude:
    """Amplitude's SDK, kept in bounds."""

    def __init__(self, api_key: str, server_url: str) -> None:
        from amplitude import Amplitude, BaseEvent, Config
        from amplitude.constants import EventLogLevel

        silent = logging.getLogger("amplitude")
        silent.setLevel(logging.CRITICAL)  # it logs every event; what goes wrong is told here
        self._make_event: Callable[..., Any] = BaseEvent
        self._client = Amplitude(
            api_key,
            Config(
                server_url=server_url or None,
                flush_interval_millis=FLUSH_MS,
                flush_max_retries=RETRIES,
                logger=silent,
                callback=self._ended,
                event_log_level=EventLogLevel.NONE,
            ),
        )
        self._lock = threading.Lock()
        self._under_way = 0
        self._moved_at = time.monotonic()  # when an event last came to its end
        self._told_at = -WORD_EVERY_S

    def send(self, name: str, user_id: int, properties: dict[str, Property]) -> None:
        if not self._begins():
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
        except Exception as error:  # somebody else's code must not stop a turn
            self._trouble(f"{type(error).__name__}: {error}")

    def stop(self, timeout_s: float) -> None:
        ends_at = time.monotonic() + timeout_s
        try:
            sent = [future for future in self._client.flush() if future is not None]
            for future in sent:
                future.result(max(0.0, ends_at - time.monotonic()))
        except Exception as error:
            self._trouble(f"{type(error).__name__}: {error}")
        self._client.configuration.opt_out = True

    def _begins(self) -> bool:
        now = time.monotonic()
        with self._lock:
            if self._under_way >= MOST_UNDER_WAY and now - self._moved_at > FORGOTTEN_S:
                self._under_way, self._moved_at = 0, now
            full = self._under_way >= MOST_UNDER_WAY
            if not full:
                self._under_way += 1
        if full:
            self._trouble("too many events under way: dropped")
        return not full

    def _ended(self, _: object, code: int, message: str | None) -> None:
        """Told by the SDK, in its threads: an event was taken, or given up."""
        with self._lock:
            self._under_way = max(0, self._under_way - 1)
            self._moved_at = time.monotonic()
        if code != 200:
            self._trouble(f"{code} {message or ''}".strip())

    def _trouble(self, reason: str) -> None:
        now = time.monotonic()
        with self._lock:
            told = now - self._told_at < WORD_EVERY_S
            if not told:
                self._told_at = now
        if not told:
            event(log, logging.WARNING, "amplitude_events_dropped", reason=reason)
