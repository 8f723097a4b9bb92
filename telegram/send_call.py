"""One call of the queue: made, and Telegram's answer read.

| Telegram says | a row | the rest |
|---|---|---|
| yes | the store marks it sent; if the store can't, marked later and never sent again | |
| 429 | the chat waits `retry_after` (all chats, if many are refused within a second), then again | draft dropped |
| 5xx, nothing | again, after 0.5 s doubling to 30 s | dropped |
| can't parse | once more as plain text | dropped |
| the group has another id now | once more there | dropped |
| not modified | counts as sent | counts as shown |
| 401 | again after 30 s: the token is at fault, not the message | dropped |
| 403, other 4xx | ends it; 403 tells `on_blocked` | dropped |

Doesn't cover: when a call is made (`schedule.py`), the HTTP of it (`telegram/api_client.py`).
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
from telegram.rate_limits import Pace, backoff_s
from telegram.send_items import Answer, Chat, Draft, Job, Notice, Outcome

log = logging.getLogger(__name__)

_DEFAULT_WAIT_S: Final = 5.0  # a 429 that names no time
_HARMLESS: Final = ("query is too old", "query id is invalid", "message to delete not found", "can't be deleted")


class OutboxStore(Protocol):
    """Where the rows are kept. Its methods may raise `StorageError`."""

    def pending(self) -> Iterable[OutboxRow]:
        """All that Telegram hasn't got, in order."""

    def sent(self, row_id: int, chat_id: int, message_id: int | None, prompt_id: int | None) -> None:
        """Telegram has it: the row goes, and its message stands for its prompt."""

    def dropped(self, row_id: int, reason: str) -> None:
        """Telegram refused it for good: the row goes."""


class Calls:
    """Makes calls, in the sender's thread. `on_blocked` is told the chat of a row that ended with 403."""

    def __init__(
        self,
        api: BotApi,
        store: OutboxStore,
        pace: Pace,
        on_blocked: Callable[[int], None] | None,
        before_mark: Callable[[int], None],
        make: Callable[[DeferredAttachment], RenderedAttachment | None],
        meter: Metrics = SILENT,
    ) -> None:
        self._api = api
        self._store = store
        self._pace = pace
        self._on_blocked = on_blocked
        self._before_mark = before_mark
        self._make = make
        self._meter = meter

    def make(self, job: Job) -> Outcome:
        """How the call ended. Blocks until then; raises only what is a bug."""
        return self._answer(job, job.item) if isinstance(job.item, Answer) else self._try(job)

    def _answer(self, job: Job, answer: Answer) -> Outcome:
        if answer.ended is None:
            started = time.monotonic()
            try:
                message_id = self._send(answer)
            except TelegramRefused as error:
                if outcome := self._refused(job.chat, answer, error):
                    return outcome
            except TelegramUnreachable as error:
                return self._unreachable(job.chat, answer, error)
            else:
                answer.message_id = message_id
                answer.ended = ""
                taken_ms = (time.monotonic() - started) * 1000
                event(
                    log,
                    logging.DEBUG,
                    "message_sent",
                    method=job.method,
                    chat=answer.row.chat_id,
                    ms=round(taken_ms, 1),
                    attempts=answer.attempts,
                )
        return self._mark(job.chat, answer)

    def _send(self, answer: Answer) -> int | None:
        """The id of the message that Telegram made of it."""
        row = answer.row
        if row.recipe:
            made = self._make(row.recipe)
            if made is None:
                raise TelegramRefused(row.method, 404, "what it was to show is gone")
            row = replace(row, params={**row.params, **made.params}, files=made.files)
        params, files = _params(row, answer.plain), row.files
        timeout_s = self._pace.file_timeout_s if files else self._pace.timeout_s
        try:
            return _message_id(self._api.call(row.method, params, files, timeout_s=timeout_s))
        except TelegramRefused as error:
            if answer.plain or not _refused_formatting(params, error.description.lower()):
                raise
            event(log, logging.WARNING, "markup_refused", method=row.method, chat=row.chat_id, error=str(error))
        answer.plain = True
        return _message_id(self._api.call(row.method, _params(row, plain=True), files, timeout_s=timeout_s))

    def _refused(self, chat: Chat, answer: Answer, error: TelegramRefused) -> Outcome | None:
        """What becomes of a refused message; None: it has ended, and the store is to know."""
        row = answer.row
        self._measure(error)
        description = error.description.lower()
        if error.code == 429:
            wait_s = _DEFAULT_WAIT_S if error.retry_after_s is None else error.retry_after_s
            event(
                log, logging.WARNING, "send_rate_limited", method=row.method, chat=row.chat_id, wait_s=round(wait_s, 1)
            )
            return Outcome(again=True, wait_s=wait_s, flood=True)
        if error.code == 401 and answer.kept:
            event(log, logging.ERROR, "token_refused", method=row.method, chat=row.chat_id)
            return Outcome(again=True, wait_s=self._pace.retry_most_s)
        if error.moved_to is not None and error.moved_to != row.chat_id and answer.kept:
            event(log, logging.INFO, "group_moved", chat=row.chat_id, to=error.moved_to)
            answer.row = replace(row, chat_id=error.moved_to)
            return Outcome(again=True)
        if "message is not modified" in description:
            known = row.params.get("message_id")
            answer.message_id = known if isinstance(known, int) else None
            answer.ended = ""
            return None
        answer.ended = str(error)
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
            self._meter.sending_failed(error.method, "unreachable")
        elif not any(words in error.description.lower() for words in (*_HARMLESS, "message is not modified")):
            self._meter.sending_failed(error.method, str(error.code))

    def _unreachable(self, chat: Chat, answer: Answer, error: TelegramUnreachable) -> Outcome:
        self._measure(error)
        if not answer.kept:
            event(log, logging.WARNING, "message_lost", chat=chat.chat_id, error=str(error))
            return Outcome()
        chat.failures += 1
        wait_s = backoff_s(chat.failures, self._pace)
        event(
            log,
            logging.WARNING,
            "send_failed",
            wait_s=round(wait_s, 1),
            chat=chat.chat_id,
            attempts=answer.attempts,
            error=str(error),
        )
        return Outcome(again=True, wait_s=wait_s)

    def _mark(self, chat: Chat, answer: Answer) -> Outcome:
        """Tells the store how the row ended. The chat's next waits for that: at most one is ever shown twice."""
        row = answer.row
        if answer.kept:
            self._before_mark(row.id)
            try:
                if answer.ended:
                    self._store.dropped(row.id, answer.ended)
                else:
                    self._store.sent(row.id, row.chat_id, answer.message_id, row.prompt_id)
            except Exception as error:  # whatever it is, the message is out and must not go again
                chat.failures += 1
                wait_s = backoff_s(chat.failures, self._pace)
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

    def _try(self, job: Job) -> Outcome:
        notice = job.item if isinstance(job.item, Notice) else None
        params = job.params
        if isinstance(job.item, Draft):  # its text is made here, outside the queue's lock
            text = job.item.text
            params = {**params, "text": tail(text if isinstance(text, str) else text())}
        try:
            result = self._api.call(job.method, params, timeout_s=self._pace.best_effort_timeout_s)
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
    if isinstance(reply, dict):  # the message replied to may be gone by now
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
