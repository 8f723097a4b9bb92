"""Make one call of the queue and read Telegram's response.

| Telegram says | a message | a notice, draft, growing message or typing |
|---|---|---|
| ok | the store marks it sent; if that fails, it is marked later and never sent again | |
| 429 | the chat waits `retry_after` (all chats, if many are refused within a second), then again | draft dropped |
| 5xx, nothing | again, after 0.5 s doubling to 30 s | dropped |
| can't parse | once more as plain text | dropped |
| the topic of a private chat is gone | once more to the chat itself, which `topic_gone` is told | dropped |
| the group has another id now | once more to that id | dropped |
| not modified | counts as sent | counts as shown |
| the growing message is gone | the answer is sent as a new message | sent anew |
| 401 | again after 30 s: the token is wrong, not the message | dropped |
| 403, other 4xx | ends it; 403 calls `on_blocked` | dropped |

`send_queue` decides when a call is made, `send_best_effort` makes those of the last column, `api_client` makes the HTTP
request.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from core.errors import TelegramRefused, TelegramUnreachable, is_disk_failure
from core.logs import event
from core.metrics import SILENT, Metrics
from core.schemas import DeferredAttachment, Json, OutboxRow, RenderedAttachment
from core.text import plain_text
from telegram.api_client import BotApi
from telegram.rate_limits import SendLimits, backoff_s
from telegram.send_best_effort import BestEffortCaller
from telegram.send_growing import GROWING, OF_A_NEW_MESSAGE
from telegram.send_items import Chat, Job, QueuedMessage
from telegram.send_outcome import (
    HARMLESS,
    NOT_MODIFIED,
    Outcome,
    count_failure,
    inline_id_of,
    is_gone,
    is_topic_gone,
    message_id_of,
    wait_of,
)

log = logging.getLogger(__name__)


class OutboxStore(Protocol):
    """Stores the outbox's rows. Its methods may raise `StorageError`."""

    def pending(self) -> Iterable[OutboxRow]:
        """Return the rows that Telegram does not have, in order."""

    def sent(
        self, row_id: int, chat_id: int, message_id: int | None, prompt_id: int | None, inline_id: str = ""
    ) -> None:
        """Delete a row that Telegram has; record which prompt its message shows, or the answer to a guest query."""

    def dropped(self, row_id: int, reason: str) -> None:
        """Delete a row that Telegram refused for good."""

    def topic_gone(self, chat_id: int, topic_id: int) -> None:
        """Note that the user has deleted a topic of their private chat."""


class ApiCaller:
    """Makes calls in a sender's thread. `on_blocked` gets the chat id of a message that ended with 403."""

    def __init__(
        self,
        api: BotApi,
        store: OutboxStore,
        limits: SendLimits,
        on_blocked: Callable[[int], None] | None,
        before_save: Callable[[int], None],
        render: Callable[[DeferredAttachment], RenderedAttachment | None],
        metrics: Metrics = SILENT,
    ) -> None:
        self._api = api
        self._store = store
        self._limits = limits
        self._on_blocked = on_blocked
        self._before_save = before_save
        self._render = render
        self._metrics = metrics
        self._best_effort = BestEffortCaller(api, limits, metrics)

    def run(self, job: Job) -> Outcome:
        """Make the call and return how it ended. Blocks; raises only on a bug."""
        return self._deliver(job, job.item) if isinstance(job.item, QueuedMessage) else self._best_effort.run(job)

    def _deliver(self, job: Job, message: QueuedMessage) -> Outcome:
        if message.ended is None:
            started = time.monotonic()
            try:
                message_id = self._send(message)
            except TelegramRefused as error:
                if outcome := self._refused(job.chat, message, error):
                    return outcome
            except TelegramUnreachable as error:
                return self._unreachable(job.chat, message, error)
            else:
                message.message_id = message_id
                message.ended = ""
                taken_ms = (time.monotonic() - started) * 1000
                event(
                    log,
                    logging.DEBUG,
                    "message_sent",
                    method=job.method,
                    chat=message.row.chat_id,
                    ms=round(taken_ms, 1),
                    attempts=message.attempts,
                )
        return self._save(job.chat, message)

    def _send(self, message: QueuedMessage) -> int | None:
        """Send a message and return its id; None if the call makes no message."""
        row = self._rendered(message)
        if row is None:
            return None
        try:
            return self._call(message, row) or message.edits
        except TelegramRefused as error:
            if message.edits is None or not is_gone(error):
                raise
            event(log, logging.INFO, "growing_message_gone", chat=row.chat_id, error=str(error))
        message.edits = None
        return self._call(message, message.row)

    def _rendered(self, message: QueuedMessage) -> OutboxRow | None:
        """Return the row with its attachment; None if what it is to delete was never sent."""
        row = message.row
        if row.deferred is None:
            return row
        try:
            rendered = self._render(row.deferred)
        except Exception as error:
            if is_disk_failure(error):
                raise
            event(log, logging.ERROR, "attachment_failed", method=row.method, chat=row.chat_id, exc_info=True)
            rendered = None  # a bug would fail again, and hold back all that the chat is sent after it
        if rendered is None:
            if row.method == "deleteMessage":
                return None
            if row.deferred.kind == GROWING:
                return row
            raise TelegramRefused(row.method, 404, "the content of its attachment is gone")
        params = {**row.params, **rendered.params}
        if row.deferred.kind != GROWING or row.method == "deleteMessage":
            return replace(row, params=params, files=rendered.files)
        edits = params["message_id"]
        message.edits = edits if isinstance(edits, int) else None
        params = {name: value for name, value in params.items() if name not in OF_A_NEW_MESSAGE}
        return replace(row, method="editMessageText", params=params)

    def _call(self, message: QueuedMessage, row: OutboxRow) -> int | None:
        """Make the call and return the message's id.

        Once more as plain text if Telegram can't parse the markup, and once more without its topic if that is deleted.
        """
        params, files = _params(row, message), row.files
        timeout_s = self._limits.file_timeout_s if files else self._limits.timeout_s
        try:
            result = self._api.call(row.method, params, files, timeout_s=timeout_s)
            message.inline_id = inline_id_of(result)
            return message_id_of(result)
        except TelegramRefused as error:
            if self._left_topic(message, row, error):
                return self._call(message, row)
            if message.plain or not _refused_formatting(params, error.description.lower()):
                raise
            event(log, logging.WARNING, "markup_refused", method=row.method, chat=row.chat_id, error=str(error))
        message.plain = True
        return self._call(message, row)

    def _left_topic(self, message: QueuedMessage, row: OutboxRow, error: TelegramRefused) -> bool:
        """Return whether a message goes to its private chat itself from now on: its topic is deleted."""
        topic_id = row.params.get("message_thread_id")
        gone = is_topic_gone(error) and isinstance(topic_id, int) and row.chat_id > 0
        if not gone or message.in_main or not row.method.startswith("send"):
            return False
        event(log, logging.INFO, "topic_gone", chat=row.chat_id, topic=topic_id)
        message.in_main = True
        try:
            self._store.topic_gone(row.chat_id, int(str(topic_id)))
        except Exception:
            event(log, logging.ERROR, "callback_failed", callback="topic_gone", chat=row.chat_id, exc_info=True)
        return True

    def _refused(self, chat: Chat, message: QueuedMessage, error: TelegramRefused) -> Outcome | None:
        """Return what happens to a refused message; None if it has ended and the store must be told."""
        row = message.row
        count_failure(self._metrics, error)
        description = error.description.lower()
        if error.code == 429:
            wait_s = wait_of(error)
            event(
                log, logging.WARNING, "send_rate_limited", method=row.method, chat=row.chat_id, wait_s=round(wait_s, 1)
            )
            return Outcome(again=True, wait_s=wait_s, flood=True)
        if error.code == 401 and message.stored:
            event(log, logging.ERROR, "token_refused", method=row.method, chat=row.chat_id)
            return Outcome(again=True, wait_s=self._limits.retry_most_s)
        if error.moved_to is not None and error.moved_to != row.chat_id and message.stored:
            event(log, logging.INFO, "group_moved", chat=row.chat_id, to=error.moved_to)
            message.row = replace(row, chat_id=error.moved_to)
            return Outcome(again=True)
        if NOT_MODIFIED in description:
            known = message.edits or row.params.get("message_id")
            message.message_id = known if isinstance(known, int) else None
            message.ended = ""
            return None
        message.ended = str(error)
        harmless = any(words in description for words in HARMLESS)
        event(
            log, logging.DEBUG if harmless else logging.WARNING, "message_dropped", chat=row.chat_id, error=str(error)
        )
        if error.code == 403 and self._on_blocked:
            try:
                self._on_blocked(row.chat_id)
            except Exception:
                event(log, logging.ERROR, "callback_failed", callback="on_blocked", chat=row.chat_id, exc_info=True)
        return None

    def _unreachable(self, chat: Chat, message: QueuedMessage, error: TelegramUnreachable) -> Outcome:
        count_failure(self._metrics, error)
        if not message.stored:
            event(log, logging.WARNING, "message_lost", chat=chat.chat_id, error=str(error))
            return Outcome()
        chat.failures += 1
        wait_s = backoff_s(chat.failures, self._limits)
        event(
            log,
            logging.WARNING,
            "send_failed",
            wait_s=round(wait_s, 1),
            chat=chat.chat_id,
            attempts=message.attempts,
            error=str(error),
        )
        return Outcome(again=True, wait_s=wait_s)

    def _save(self, chat: Chat, message: QueuedMessage) -> Outcome:
        """Tell the store how the row ended.

        The chat's next message waits for this, so that at most one message is ever shown twice.
        """
        row = message.row
        if message.stored:
            self._before_save(row.id)
            try:
                if message.ended:
                    self._store.dropped(row.id, message.ended)
                else:
                    self._store.sent(row.id, row.chat_id, message.message_id, row.prompt_id, message.inline_id)
            except Exception as error:  # whatever it is, the message is sent and must not be sent again
                chat.failures += 1
                wait_s = backoff_s(chat.failures, self._limits)
                event(
                    log,
                    logging.ERROR,
                    "delivery_save_failed",
                    row=row.id,
                    chat=row.chat_id,
                    wait_s=round(wait_s, 1),
                    error=str(error),
                )
                return Outcome(again=True, wait_s=wait_s)
        chat.failures = 0
        return Outcome(done=True)


def _params(row: OutboxRow, message: QueuedMessage) -> Mapping[str, Json]:
    params, plain = dict(row.params), message.plain
    if message.in_main:
        params.pop("message_thread_id", None)
    if not row.method.startswith("answer") and "inline_message_id" not in params:
        params.setdefault("chat_id", row.chat_id)
    reply = params.get("reply_parameters")
    if isinstance(reply, dict):  # the quoted message may be deleted by now
        params["reply_parameters"] = {"allow_sending_without_reply": True, **reply}
    if plain:
        mode = params.pop("parse_mode", None)
        params.pop("entities", None)
        for name in ("text", "caption"):
            text = params.get(name)
            if isinstance(text, str) and mode == "HTML":
                params[name] = plain_text(text)
    return params


def _refused_formatting(params: Mapping[str, Json], description: str) -> bool:
    if "parse_mode" in params:
        return "can't parse" in description
    return "entities" in params and "entit" in description
