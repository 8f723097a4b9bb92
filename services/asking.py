"""One question to a service beside the language model (pictures, speech): asked, and again where that is safe.

Covers bodies that aren't JSON, the deadline, cancelling, one new try with a renewed credential, bounded retries and
the reports of faults, by the same rules as `gpt.py`: what never left and 429, 502, 503, 504 are repeated; never a
timeout or a broken connection after the request left, since the vendor may have done the work, and billed it.
Doesn't cover streams, and what a question or an answer looks like (`images.py`, `speech.py`).
"""

from __future__ import annotations

import logging
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from connections import Sessions
from errors import ModelAway, ModelBusy, ModelCancelled, ModelError
from gpt import LONGEST_PAUSE_S, SAFE_STATUSES
from wires.cancelling import Cancel
from wires.exchanges import Exchange, Meaning
from wires.model_errors import read_error
from wires.wire import Call, Credential, Fault

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 120.0
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Errand:
    """What a question is called in the log and the debug mode, and how to stop it."""

    purpose: str
    model: str
    user_id: int = 0
    turn_id: int = 0
    cancel: Cancel | None = None


def _unheard(fault: Fault) -> None:
    """Where nobody asked for faults they are in the log all the same."""


class Asker:
    """Asks one service. Thread-safe; `ask` blocks its own thread only."""

    def __init__(
        self,
        sessions: Sessions,
        credential: Credential,
        *,
        timeout_s: float = TIMEOUT_S,
        on_fault: Callable[[Fault], None] = _unheard,
        attempts: int = 3,
        backoff_s: float = 0.5,
    ) -> None:
        self._sessions = sessions
        self._credential = credential
        self._timeout_s = timeout_s
        self._on_fault = on_fault
        self._attempts = attempts
        self._backoff_s = backoff_s

    def ask(
        self,
        errand: Errand,
        call: Callable[[str], Call],
        read: Callable[[bytes], _Answer],
        *,
        meaning: Meaning = read_error,
        peer_seen: Callable[[str], None] | None = None,
    ) -> _Answer:
        """What `read` makes of the answer's body. Raises ModelError. Costs money.

        `call` gets the `Authorization` header. `peer_seen` is told the address that a connection leads to before
        anything is sent, and may raise ModelError.
        """
        deadline = time.monotonic() + self._timeout_s
        failures: list[tuple[float, ModelError]] = []
        pauses, renewed = 0, False
        while True:
            exchange = _Exchange(deadline, errand.cancel, peer_seen)
            authorization = ""
            try:
                authorization = self._credential.header(exchange.left_s())
                answer = self._once(exchange, call(authorization), read, meaning)
            except ModelError as error:
                if not isinstance(error, ModelCancelled):
                    failures.append((time.time(), error))
                    if error.status == 401 and not renewed:
                        renewed = True
                        if self._credential.drop(authorization):
                            continue
                    elif pauses + 1 < self._attempts and self._paused(error, exchange, pauses):
                        pauses += 1
                        continue
                self._report(errand, failures, healed=False)
                raise
            self._report(errand, failures, healed=True)
            return answer

    def _once(self, exchange: _Exchange, call: Call, read: Callable[[bytes], _Answer], meaning: Meaning) -> _Answer:
        response = exchange.send(self._sessions, call)
        try:
            if response.status_code != 200:
                raise exchange.refused(meaning, response)
            return read(exchange.whole(response))
        except ModelError as error:
            error.billed = error.billed or not error.status
            error.request_id = error.request_id or exchange.request_id
            raise
        finally:
            exchange.close(response)

    def _paused(self, error: ModelError, exchange: Exchange, pauses: int) -> bool:
        """True when the question may be asked again, after the pause that is due."""
        safe = isinstance(error, ModelBusy) or (
            isinstance(error, ModelAway) and (not exchange.sent or error.status in SAFE_STATUSES)
        )
        pause_s = self._backoff_s * 2**pauses * random.uniform(0.5, 1.5) + (exchange.retry_after_s or 0.0)
        if not safe or pause_s > min(LONGEST_PAUSE_S, exchange.deadline - time.monotonic()):
            return False
        if exchange.cancel is None:
            time.sleep(pause_s)
            return True
        exchange.cancel.wait(pause_s)
        return True  # where it was cancelled the next try says so before anything is sent

    def _report(self, errand: Errand, failures: list[tuple[float, ModelError]], *, healed: bool) -> None:
        for attempt, (at, error) in enumerate(failures, 1):
            who = (errand.purpose, errand.user_id, errand.turn_id)
            log.warning(
                "service call failed: purpose=%s user=%s turn=%s model=%s attempt=%s healed=%s status=%s request=%s "
                "%s: %s",
                *(*who, errand.model, attempt, healed, error.status, error.request_id, type(error).__name__, error),
            )
            try:
                self._on_fault(Fault(at, *who, attempt, healed, errand.model, error))
            except Exception:
                log.exception("the listener for faults failed")


class _Exchange(Exchange):
    """An exchange that tells where its connection leads, before anything is sent."""

    def __init__(self, deadline: float, cancel: Cancel | None, peer_seen: Callable[[str], None] | None) -> None:
        super().__init__(deadline, cancel)
        self._peer_seen = peer_seen

    def connected(self, sock: socket.socket) -> None:
        if self._peer_seen is not None:
            self._peer_seen(str(sock.getpeername()[0]))
        super().connected(sock)
