"""Which failed requests are repeated, and the report of failures; for models (`gpt.py`) and services alike.

Repeated after a pause: no connection, 429, 502, 503, 504. Repeated at once: a request that changes, for example with a
renewed credential. Never repeated: a timeout or a broken connection after the request left, since the vendor may have
done the work and billed it.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ai.provider import CallFailure
from ai.request import RequestAttempt
from core.cancellation import Cancel
from core.errors import ModelAway, ModelBusy, ModelCancelled, ModelError
from core.logs import event

log = logging.getLogger(__name__)

LONGEST_PAUSE_S: Final = 30.0  # a vendor that asks for more is busy, not hiccuping: the user is told
SAFE_STATUSES: Final = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class CallContext:
    """The names of a request in the log and the debug mode, and its cancellation."""

    purpose: str
    model: str
    user_id: int = 0
    turn_id: int = 0
    cancel: Cancel | None = None


def ignore_failure(failure: CallFailure) -> None:
    """Do nothing: the default `on_failure`."""


def report(failure: CallFailure, on_failure: Callable[[CallFailure], None]) -> None:
    """Log a failure and pass it to `on_failure`, whose own errors are logged."""
    error = failure.error
    event(
        log,
        logging.WARNING,
        "call_failed",
        purpose=failure.purpose,
        user=failure.user_id,
        turn=failure.turn_id,
        model=failure.model,
        attempt=failure.attempt,
        healed=failure.healed,
        status=error.status,
        request=error.request_id,
        error=f"{type(error).__name__}: {error}",
    )
    try:
        on_failure(failure)
    except Exception:
        event(log, logging.ERROR, "callback_failed", callback="on_failure", exc_info=True)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is sent at most, and the first pause between two attempts; each next one is twice as long."""

    attempts: int = 3
    backoff_s: float = 0.5


DEFAULT_POLICY: Final = RetryPolicy()


class Retry:
    """The attempts at one request: within `timeout_s` in all, as often as `policy` says.

    `renew` gets the header that a vendor answered 401 to, `adapt` every other error. They return True if the next
    attempt differs.
    """

    def __init__(
        self,
        context: CallContext,
        *,
        timeout_s: float,
        policy: RetryPolicy,
        renew: Callable[[str], bool],
        on_failure: Callable[[CallFailure], None],
        adapt: Callable[[ModelError], bool] = lambda error: False,
    ) -> None:
        self.deadline = time.monotonic() + timeout_s
        self._context = context
        self._policy = policy
        self._renew = renew
        self._adapt = adapt
        self._on_failure = on_failure
        self._failures: list[tuple[float, ModelError]] = []
        self._pauses = 0
        self._renewed = False

    def succeeded(self) -> None:
        """Report the failures before this success as healed."""
        self._report(healed=True)

    def may_repeat(self, error: ModelError, attempt: RequestAttempt, *, shown: bool = False) -> bool:
        """Return True if the request may be sent again, after the pause that is due. Raise ModelCancelled in the pause.

        `shown`: a word of the answer has come, so nothing is repeated.
        """
        if isinstance(error, ModelCancelled):
            self._report(healed=False)
            return False
        self._failures.append((time.time(), error))
        repeat = not shown and (self._changed(error, attempt) or self._paused(error, attempt))
        if not repeat:
            self._report(healed=False)
        return repeat

    def _changed(self, error: ModelError, attempt: RequestAttempt) -> bool:
        """Return True if the next attempt differs and needs no pause."""
        if error.status == 401 and not self._renewed:
            self._renewed = True
            return self._renew(attempt.authorization)
        return self._adapt(error)

    def _paused(self, error: ModelError, attempt: RequestAttempt) -> bool:
        safe = isinstance(error, ModelBusy) or (
            isinstance(error, ModelAway) and (not attempt.sent or error.status in SAFE_STATUSES)
        )
        if not safe or self._pauses + 1 >= self._policy.attempts:
            return False
        pause_s = self._policy.backoff_s * 2**self._pauses * random.uniform(0.5, 1.5) + (attempt.retry_after_s or 0.0)
        if pause_s > min(LONGEST_PAUSE_S, self.deadline - time.monotonic()):
            return False
        self._pauses += 1
        cancel = self._context.cancel
        if cancel is None:
            time.sleep(pause_s)
        elif cancel.wait(pause_s):
            self._report(healed=False)
            raise ModelCancelled("stopped on request")
        return True

    def _report(self, *, healed: bool) -> None:
        about = self._context
        failures, self._failures = self._failures, []
        for attempt, (at, error) in enumerate(failures, 1):
            failure = CallFailure(at, about.purpose, about.user_id, about.turn_id, attempt, healed, about.model, error)
            report(failure, self._on_failure)
