"""Updates: a durable inbox, one chat in order, many chats at once.

The polling thread keeps every update in the inbox before it asks Telegram for more, which is what tells
Telegram that the last ones were received; a webhook says so by its answer. Lanes take the kept updates chat by
chat and run their handlers, each in one transaction with all its effects. No lane ever waits for a model or for
Telegram: words that come while the chat's turn runs are held as data, and everything that needs no model is
handled at once, so a stop overtakes by itself.

Not covered: what an update means (`handlers`), and sending (`delivery`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import telebot

from core.errors import StorageError, TelegramRefused
from core.logs import event
from core.metrics import SILENT, Metrics
from core.schemas import Outgoing
from database import Database, InboxRow
from telegram.api_client import BotApi
from telegram.chat_queue import ChatLines
from telegram.polling import Polling
from telegram.sender import Delivery
from telegram.updates import Unreadable, body_of, chat_of, is_id, read
from telegram.webhook import Webhook

log = logging.getLogger(__name__)

LANES = 4
LANES_MAY_TAKE_S = 2.0  # of a stop; a handler cut off by its end is rolled back and runs again
HANDLER_HANGS_S = 60.0  # a handler waits for the database at most
MOST_DEATHS = 3  # of the process inside one update's handler, until it is set aside
STORAGE_PAUSE_S = 1.0  # between two tries while the database fails
STORAGE_WORD_EVERY_S = 60.0


@dataclass(slots=True)
class UpdateResult:
    """One update while its handler runs: what came, and what the handler decides.

    Nothing here acts at once: messages, the verdict and the calls of `after` count when the
    transaction has committed.
    """

    inbox_id: int
    chat_id: int
    queued: int  # the session that its words wait for, and its sender was told so; 0: they haven't waited
    behind: bool  # other updates of this chat wait for a turn before it
    blocked: bool = False  # and one of them is a voice message, whose words come first
    outgoing: list[Outgoing] = field(default_factory=list)
    after: list[Callable[[], None]] = field(default_factory=list)
    verdict: str = "done"  # done; turn: a turn ends it; hear: a turn makes words of it; queue: it waits for a turn
    blocks: bool = False  # while it waits, whatever comes after it does

    def send(self, message: Outgoing) -> None:
        """Adds a message to those that go out once what the update changes is stored."""
        self.outgoing.append(message)


class Intake:
    """The inbox's threads. `trouble(chat_id, kind)` gives the sentence for a chat when a handler fails.

    Updates come by polling, or to `webhook`: its address and secret.
    """

    def __init__(
        self,
        bot: telebot.TeleBot,
        api: BotApi,
        db: Database,
        delivery: Delivery,
        trouble: Callable[[int, str], str],
        on_fatal: Callable[[TelegramRefused], None],
        on_poison: Callable[[InboxRow, str], None],
        *,
        webhook: tuple[str, str] | None = None,
        meter: Metrics = SILENT,
    ) -> None:
        self._bot = bot
        self._db = db
        self._delivery = delivery
        self._trouble = trouble
        self._on_poison = on_poison
        self._meter = meter
        self._lines = ChatLines()
        self._earlier: set[int] = set()  # rows left by an earlier life, not run in this one yet
        self._trying = threading.Lock()  # one such row at a time, so that a death is counted for the right one
        self._local = threading.local()
        self._stopping = threading.Event()
        self._told_of_storage: dict[int, float] = {}
        self._lanes: list[threading.Thread] = []
        self._begun: dict[int, float] = {}  # the rows whose handlers run, and since when
        self.webhook: Webhook | None = None
        if webhook is not None:
            url, secret = webhook
            self.webhook = Webhook(api, self._keep, on_fatal, url=url, secret=secret)
        self.source = self.webhook or Polling(api, self._keep, on_fatal)

    @property
    def envelope(self) -> UpdateResult:
        """The update that this thread handles now."""
        envelope: UpdateResult = self._local.envelope
        return envelope

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Takes up what an earlier life left, then starts the lanes and the polling."""
        heard = self._db.inbox.in_transcription()
        left = self._db.inbox.unfinished()
        self._earlier = {row.id for row in left}
        known = {row.id for row in left}  # a turn may have ended just now
        for row in heard:
            if row.id not in known:
                self._lines.hold(row)
        self._lines.add(left)
        self._lanes = [
            threading.Thread(target=self._lane, name=f"lane-{number}", daemon=True) for number in range(LANES)
        ]
        for lane in self._lanes:
            lane.start()
        for row in heard:
            self._look_again(row.chat_id)
        self.source.start()

    def stop(self) -> None:
        """Takes no more updates and starts no more handlers; a handler that runs ends within `stop`.

        The request under way is broken off: what it would still bring isn't acknowledged, and comes again.
        """
        self._stopping.set()
        self.source.stop()
        self._lines.stop()
        ends_at = time.monotonic() + LANES_MAY_TAKE_S
        for lane in self._lanes:
            lane.join(max(0.0, ends_at - time.monotonic()))

    def trouble(self) -> str:
        """Why updates aren't handled, in a few words; empty while they are."""
        ended = sum(not lane.is_alive() for lane in self._lanes)
        if ended:
            return f"{ended} of {len(self._lanes)} lanes have ended"
        begun = list(self._begun.values())
        waits_s = time.monotonic() - min(begun) if begun else 0.0
        return f"a handler has run for {waits_s:.0f} s" if waits_s > HANDLER_HANGS_S else ""

    # ------------------------------------------------------------------ in

    def put(self, chat_id: int, body: str) -> None:
        """Takes in an update that doesn't come from Telegram's polling: JSON of the same shape."""
        with self._db.transaction(durable=True):
            rows = self._db.inbox.add([(None, chat_id, body)], int(time.time()))
        self._lines.add(rows)

    def ending(self, chat_id: int) -> AbstractContextManager[None]:
        """Meanwhile a turn of the chat ends: the chat's next update waits, so that it is answered after the turn."""
        return self._lines.ending(chat_id)

    def resume(self, chat_id: int) -> None:
        """The chat's turn has ended: what waited for it runs now, in order."""
        self._lines.resume(chat_id)

    def forget_queued(self, chat_id: int, inbox_id: int) -> None:
        """A waiting update was taken back by its sender; its row is done already."""
        self._lines.forget(chat_id, inbox_id)

    def _keep(self, batch: Any) -> int | None:
        """Keeps a batch; the offset that acknowledges it.

        None after an empty batch: all is acknowledged then, and after a quiet week Telegram may go on
        with smaller ids than the last ones.
        """
        updates = [update for update in batch if isinstance(update, dict) and is_id(update.get("update_id"))]
        if not updates:
            if batch:  # an error, and with it a pause: they can't be acknowledged and would come again at once
                raise ValueError("Telegram sent updates without a number")
            return None
        kept = [(update["update_id"], chat_of(update), body_of(update)) for update in updates]
        try:
            with self._db.transaction(durable=True):
                rows = self._db.inbox.add(kept, int(time.time()))
        except StorageError:
            for _, chat_id, _ in kept:
                self.tell_of_storage(chat_id)
            raise
        self._lines.add(rows)
        return 1 + max(int(update["update_id"]) for update in updates)

    # ------------------------------------------------------------------ lanes

    def _lane(self) -> None:
        while (taken := self._lines.take()) is not None:
            row, held, again = taken.row, None, False
            try:
                held = self._run(row, UpdateResult(row.id, row.chat_id, row.queued, taken.behind, taken.blocked))
            except StorageError as error:
                event(log, logging.ERROR, "storage_unavailable", part="handler", inbox=row.id, error=str(error))
                self.tell_of_storage(row.chat_id)
                again = not self._stopping.wait(STORAGE_PAUSE_S)
            except Exception:
                event(log, logging.ERROR, "update_worker_failed", exc_info=True)
            self._lines.put_down(taken, held=held, again=again)
            if held is not None:
                self._look_again(row.chat_id)

    def _look_again(self, chat_id: int) -> None:
        """The turn may have ended between the handler's look at it and the row's being held."""
        try:
            if self._db.turns.open_in(chat_id) is None:
                self.resume(chat_id)
        except StorageError:
            self.resume(chat_id)

    def _run(self, row: InboxRow, envelope: UpdateResult) -> InboxRow | None:
        """Runs one update's handler in its transaction; the row to hold, where it waits for a turn now."""
        if row.id not in self._earlier:
            return self._handle(row, envelope)
        with self._trying:
            return self._handle(row, envelope) if self._may_try(row) else None

    def _handle(self, row: InboxRow, envelope: UpdateResult) -> InboxRow | None:
        started = self._begun[row.id] = time.monotonic()
        try:
            return self._handled(row, envelope, started)
        finally:
            del self._begun[row.id]

    def _handled(self, row: InboxRow, envelope: UpdateResult, started: float) -> InboxRow | None:
        body, failed = row.body, False
        try:
            with self._db.transaction():
                if not body:  # a voice message: it is words by now, or came to nothing, or is still being heard
                    state, body = self._db.inbox.state_and_body(row.id)
                    if state != "new":
                        return row if state == "turn" else None
                elif row.queued and not self._db.inbox.is_new(row.id):
                    return None  # taken back while it waited: only what was told to wait can be
                update = read(body)
                if update is not None:
                    self._local.envelope = envelope
                    self._bot.process_new_updates([update])
                rows = self._close(row, envelope)
        except StorageError:
            raise
        except Unreadable as error:
            self._set_aside(row, str(error))
            return None
        except Exception:
            failed = True
            event(log, logging.ERROR, "handler_failed", inbox=row.id, chat=row.chat_id, exc_info=True)
            with self._db.transaction():
                sorry = Outgoing(
                    row.chat_id, "sendMessage", {"text": self._trouble(row.chat_id, "bug"), "parse_mode": "HTML"}
                )
                rows = self._db.outbox.add(row.id, [sorry])
                self._db.inbox.finish(row.id, int(time.time()))
            envelope.after, envelope.verdict = [], "done"
        self._delivery.wake(rows)
        for call in envelope.after:
            call()
        self._meter.update_handled("failed" if failed else envelope.verdict)
        event(
            log,
            logging.INFO,
            "update_handled",
            inbox=row.id,
            chat=row.chat_id,
            verdict=envelope.verdict,
            ms=round((time.monotonic() - started) * 1000, 1),
        )
        if envelope.verdict == "hear":
            return InboxRow(row.id, row.chat_id, "", 0, envelope.queued, blocks=True)
        if envelope.verdict == "queue":
            return InboxRow(row.id, row.chat_id, body, 0, envelope.queued, envelope.blocks)
        return None

    def _close(self, row: InboxRow, envelope: UpdateResult) -> list[Any]:
        """Writes what the handler decided, in its transaction."""
        if envelope.verdict in ("turn", "hear"):
            self._db.inbox.become_turn(row.id)
        elif envelope.verdict == "queue":
            self._db.inbox.queue(row.id, envelope.queued)
        else:
            self._db.inbox.finish(row.id, int(time.time()))
        return list(self._db.outbox.add(row.id, envelope.outgoing))

    def _may_try(self, row: InboxRow) -> bool:
        """Counts a try of a row that an earlier life left; False, and set aside, when it has had its tries.

        The life that it came in counts as its first, unless its handler had ended then: not every update's try is
        written down. Not durable: a process that dies takes no power away, and the shorter this takes the less
        likely is it that somebody else's kill is taken for this row's.
        """
        deaths = row.attempts + (0 if row.queued else 1)
        if deaths >= MOST_DEATHS:
            self._set_aside(row, f"the process died {deaths} times while handling it")
            return False
        with self._db.transaction():
            self._db.inbox.count_attempt(row.id)
        self._earlier.discard(row.id)  # tried again after an error of the database it isn't counted twice
        return True

    def _set_aside(self, row: InboxRow, reason: str) -> None:
        with self._db.transaction():
            self._db.inbox.make_dead_letter(row.id)
        self._earlier.discard(row.id)
        self._meter.update_handled("aside")
        event(log, logging.ERROR, "update_dead_lettered", inbox=row.id, chat=row.chat_id, reason=reason)
        self._on_poison(row, reason)

    def tell_of_storage(self, chat_id: int) -> None:
        """Tells a chat, at most once a minute, that nothing can be kept now: past the outbox, which fails too."""
        now = time.monotonic()
        told_at = self._told_of_storage.get(chat_id)
        if chat_id and (told_at is None or now - told_at >= STORAGE_WORD_EVERY_S):
            self._told_of_storage[chat_id] = now
            self._delivery.direct(chat_id, self._trouble(chat_id, "storage"))
