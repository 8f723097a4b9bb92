"""Make one call of the queue and read Telegram's response.

| Telegram says | a message | a notice, draft or typing |
|---|---|---|
| ok | the store marks it sent; if that fails, it is marked later and never sent again | |
| 429 | the chat waits `retry_after` (all chats, if many are refused within a second), then again | draft dropped |
| 5xx, nothing | again, after 0.5 s doubling to 30 s | dropped |
| can't parse | once more as plain text | dropped |
| the group has another id now | once more to that id | dropped |
| not modified | counts as sent | counts as shown |
| 401 | again after 30 s: the token is wrong, not the message | dropped |
| 403, other 4xx | ends it; 403 calls `on_blocked` | dropped |

`send_queue` decides when a call is made; `api_client` makes the HTTP request.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final, Protocol

from core.errors import TelegramRefused, TelegramUnreachable
from core.logs import event
from core.metrics import SILENT, Metrics
from core.schemas import DeferredAttachment, Json, OutboxRow, RenderedAttachment
from core.text import plain_text, tail
from telegram.api_client import BotApi
from telegram.rate_limits import SendLimits, backoff_s
from telegram.send_items import Chat, Job, MessageDraft, Notice, Outcome, QueuedMessage

log = logging.getLogger(__name__)

_DEFAULT_WAIT_S: Final = 5.0  # for a 429 without `retry_after`
_HARMLESS: Final = ("query is too old", "query id is invalid", "message to delete not found", "can't be deleted")


class OutboxStore(Protocol):
    """Stores the outbox's rows. Its methods may raise `StorageError`."""

    def pending(self) -> Iterable[OutboxRow]:
        """Return the rows that Telegram does not have, in order."""

    def sent(self, row_id: int, chat_id: int, message_id: int | None, prompt_id: int | None) -> None:
        """Delete a row that Telegram has and record which prompt its message shows."""

    def dropped(self, row_id: int, reason: str) -> None:
        """Delete a row that Telegram refused for good."""


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

    def run(self, job: Job) -> Outcome:
        """Make the call and return how it ended. Blocks; raises only on a bug."""
        return self._deliver(job, job.item) if isinstance(job.item, QueuedMessage) else self._send_best_effort(job)

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
        """Send a message and return its id."""
        row = message.row
        if row.deferred:
            rendered = self._render(row.deferred)
            if rendered is None:
                raise TelegramRefused(row.method, 404, "the content of its attachment is gone")
            row = replace(row, params={**row.params, **rendered.params}, files=rendered.files)
        params, files = _params(row, message.plain), row.files
        timeout_s = self._limits.file_timeout_s if files else self._limits.timeout_s
        try:
            return _message_id(self._api.call(row.method, params, files, timeout_s=timeout_s))
        except TelegramRefused as error:
            if message.plain or not _refused_formatting(params, error.description.lower()):
                raise
            event(log, logging.WARNING, "markup_refused", method=row.method, chat=row.chat_id, error=str(error))
        message.plain = True
        return _message_id(self._api.call(row.method, _params(row, plain=True), files, timeout_s=timeout_s))

    def _refused(self, chat: Chat, message: QueuedMessage, error: TelegramRefused) -> Outcome | None:
        """Return what happens to a refused message; None if it has ended and the store must be told."""
        row = message.row
        self._measure(error)
        description = error.description.lower()
        if error.code == 429:
            wait_s = _DEFAULT_WAIT_S if error.retry_after_s is None else error.retry_after_s
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
        if "message is not modified" in description:
            known = row.params.get("message_id")
            message.message_id = known if isinstance(known, int) else None
            message.ended = ""
            return None
        message.ended = str(error)
        harmless = any(words in description for words in _HARMLESS)
        event(
            log, logging.DEBUG if harmless else logging.WARNING, "message_dropped", chat=row.chat_id, error=str(error)
        )
        if error.code == 403 and self._on_blocked:
            try:
                self._on_blocked(row.chat_id)
            except Exception:
                event(log, logging.ERROR, "callback_failed", callback="on_blocked", chat=row.chat_id, exc_info=True)
        return None

    def _measure(self, error: TelegramRefused | TelegramUnreachable) -> None:
        if isinstance(error, TelegramUnreachable):
            self._metrics.sending_failed(error.method, "unreachable")
        elif not any(words in error.description.lower() for words in (*_HARMLESS, "message is not modified")):
            self._metrics.sending_failed(error.method, str(error.code))

    def _unreachable(self, chat: Chat, message: QueuedMessage, error: TelegramUnreachable) -> Outcome:
        self._measure(error)
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
                    self._store.sent(row.id, row.chat_id, message.message_id, row.prompt_id)
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

    def _send_best_effort(self, job: Job) -> Outcome:
        notice = job.item if isinstance(job.item, Notice) else None
        params = job.params
        if isinstance(job.item, MessageDraft):  # called here, outside the queue's lock
            text = job.item.text
            params = {**params, "text": tail(text if isinstance(text, str) else text())}
        try:
            result = self._api.call(job.method, params, timeout_s=self._limits.best_effort_timeout_s)
        except TelegramRefused as error:
            self._measure(error)
            if error.code == 429:
                wait_s = _DEFAULT_WAIT_S if error.retry_after_s is None else error.retry_after_s
                event(
                    log,
                    logging.WARNING,
                    "send_rate_limited",
                    method=job.method,
                    chat=job.chat.chat_id,
                    wait_s=round(wait_s, 1),
                )
                return Outcome(again=notice is not None, wait_s=wait_s, flood=True)
            event(log, logging.DEBUG, "notice_refused", chat=job.chat.chat_id, error=str(error))
            return Outcome(done="message is not modified" in error.description.lower(), unsure=True)
        except TelegramUnreachable as error:
            self._measure(error)
            event(log, logging.INFO, "notice_lost", chat=job.chat.chat_id, error=str(error))
            return Outcome(again=job.method == "deleteMessage", unsure=error.sent)
        message_id = _message_id(result)
        if notice and (message_id or job.method == "deleteMessage") and job.method != "editMessageText":
            try:
                notice.on_sent(message_id)
            except Exception:
                event(log, logging.ERROR, "callback_failed", callback="on_sent", chat=job.chat.chat_id, exc_info=True)
        return Outcome(done=True, message_id=message_id)


def _params(row: OutboxRow, plain: bool) -> Mapping[str, Json]:
    params = dict(row.params)
    if not row.method.startswith("answer"):
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


def _message_id(result: Json) -> int | None:
    if isinstance(result, list) and result:  # an album
        result = result[0]
    message_id = result.get("message_id") if isinstance(result, dict) else None
    return message_id if isinstance(message_id, int) else None
