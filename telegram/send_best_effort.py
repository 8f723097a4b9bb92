"""Make the calls that may fail: drafts, notices, growing messages and typing."""

from __future__ import annotations

import logging
from collections.abc import Callable

from core.errors import TelegramRefused, TelegramUnreachable
from core.logs import event
from core.metrics import Metrics
from core.text import tail
from telegram.api_client import BotApi
from telegram.rate_limits import SendLimits
from telegram.send_growing import OF_A_NEW_MESSAGE, GrowingMessage
from telegram.send_items import Job, MessageDraft, Notice
from telegram.send_outcome import NOT_MODIFIED, Outcome, count_failure, is_gone, message_id_of, wait_of

log = logging.getLogger(__name__)


class BestEffortCaller:
    """Makes calls in a sender's thread."""

    def __init__(self, api: BotApi, limits: SendLimits, metrics: Metrics) -> None:
        self._api = api
        self._limits = limits
        self._metrics = metrics

    def run(self, job: Job) -> Outcome:
        """Make the call and return how it ended. Blocks; raises only on a bug."""
        if isinstance(job.item, GrowingMessage):
            return self._grow(job, job.item)
        notice = job.item if isinstance(job.item, Notice) else None
        params = job.params
        if isinstance(job.item, MessageDraft):  # called here, outside the queue's lock
            text = job.item.text
            params = {**params, "text": tail(text if isinstance(text, str) else text())}
        try:
            result = self._api.call(job.method, params, timeout_s=self._limits.best_effort_timeout_s)
        except TelegramRefused as error:
            if error.code == 429:
                return self._flooded(job, error, again=notice is not None)
            self._refused(job, error)
            return Outcome(done=NOT_MODIFIED in error.description.lower(), unsure=True)
        except TelegramUnreachable as error:
            self._lost(job, error)
            return Outcome(again=job.method == "deleteMessage", unsure=error.sent)
        message_id = message_id_of(result)
        if notice and (message_id or job.method == "deleteMessage") and job.method != "editMessageText":
            _tell(notice.on_sent, message_id, job.chat.chat_id)
        return Outcome(done=True, message_id=message_id)

    def _grow(self, job: Job, growing: GrowingMessage) -> Outcome:
        """Show the answer so far, unless that is shown already."""
        content = growing.content()
        growing.closed = content is None
        if not content or content == growing.shown:
            return Outcome(done=True)
        params = {"chat_id": job.chat.chat_id, **content}
        if growing.message_id is not None:
            params = {name: value for name, value in params.items() if name not in OF_A_NEW_MESSAGE}
            params["message_id"] = growing.message_id
        try:
            result = self._api.call(job.method, params, timeout_s=self._limits.best_effort_timeout_s)
        except TelegramRefused as error:
            if error.code == 429:
                return self._flooded(job, error, again=True)
            self._refused(job, error)
            if growing.message_id is not None and is_gone(error):
                growing.message_id = growing.shown = None
                _tell(growing.on_sent, None, job.chat.chat_id)
                return Outcome(again=True)
            growing.shown = content  # a refused text is not tried again
            growing.closed = error.code == 403
            return Outcome(done=True)
        except TelegramUnreachable as error:
            self._lost(job, error)
            growing.closed = growing.message_id is None and error.sent
            return Outcome(again=True)
        growing.shown = content
        if growing.message_id is None:
            growing.message_id = message_id_of(result)
            _tell(growing.on_sent, growing.message_id, job.chat.chat_id)
        return Outcome(done=True)

    def _flooded(self, job: Job, error: TelegramRefused, *, again: bool) -> Outcome:
        count_failure(self._metrics, error)
        wait_s, chat_id = wait_of(error), job.chat.chat_id
        event(log, logging.WARNING, "send_rate_limited", method=job.method, chat=chat_id, wait_s=round(wait_s, 1))
        return Outcome(again=again, wait_s=wait_s, flood=True)

    def _refused(self, job: Job, error: TelegramRefused) -> None:
        count_failure(self._metrics, error)
        event(log, logging.DEBUG, "notice_refused", chat=job.chat.chat_id, error=str(error))

    def _lost(self, job: Job, error: TelegramUnreachable) -> None:
        count_failure(self._metrics, error)
        event(log, logging.INFO, "notice_lost", chat=job.chat.chat_id, error=str(error))


def _tell(on_sent: Callable[[int | None], None], message_id: int | None, chat_id: int) -> None:
    try:
        on_sent(message_id)
    except Exception:
        event(log, logging.ERROR, "callback_failed", callback="on_sent", chat=chat_id, exc_info=True)
