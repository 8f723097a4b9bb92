"""Calls of services beside the language model (images, speech), repeated by the rules of `ai/retry.py`.

What a call and its answer look like: `ai/images.py`, `ai/speech.py`.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final, TypedDict, TypeVar

from ai.error_mapping import read_error
from ai.provider import Call, CallFailure, Credential
from ai.request import ErrorReader, RequestAttempt
from ai.retry import DEFAULT_POLICY, CallContext, Retry, RetryPolicy, ignore_failure
from core.cancellation import Cancel
from core.errors import ModelError
from core.http_client import HttpClient

TIMEOUT_S: Final = 120.0
_Answer = TypeVar("_Answer")


class ServiceOptions(TypedDict, total=False):
    """What every client of a service may be given beside its address and its credential."""

    timeout_s: float
    on_failure: Callable[[CallFailure], None]
    policy: RetryPolicy


class ServiceClient:
    """Calls one service. Thread-safe; `ask` blocks its own thread only."""

    def __init__(
        self,
        http: HttpClient,
        credential: Credential,
        *,
        timeout_s: float = TIMEOUT_S,
        on_failure: Callable[[CallFailure], None] = ignore_failure,
        policy: RetryPolicy = DEFAULT_POLICY,
    ) -> None:
        self._http = http
        self._credential = credential
        self._timeout_s = timeout_s
        self._on_failure = on_failure
        self._policy = policy

    def ask(
        self,
        context: CallContext,
        call: Callable[[str], Call],
        read: Callable[[bytes], _Answer],
        *,
        error_reader: ErrorReader = read_error,
        peer_seen: Callable[[str], None] | None = None,
    ) -> _Answer:
        """Return what `read` makes of the answer's body. Costs money. Raise ModelError.

        `call` gets the `Authorization` header. `peer_seen` gets the IP address of each connection before anything is
        sent, and may raise ModelError.
        """
        retry = Retry(
            context,
            timeout_s=self._timeout_s,
            policy=self._policy,
            renew=self._credential.drop,
            on_failure=self._on_failure,
        )
        while True:
            attempt = _PeerTellingAttempt(retry.deadline, context.cancel, peer_seen)
            try:
                authorization = self._credential.header(attempt.left_s())
                answer = self._once(attempt, call(authorization), read, error_reader)
            except ModelError as error:
                if not retry.may_repeat(error, attempt):
                    raise
            else:
                retry.succeeded()
                return answer

    def _once(
        self, attempt: _PeerTellingAttempt, call: Call, read: Callable[[bytes], _Answer], error_reader: ErrorReader
    ) -> _Answer:
        response = attempt.send(self._http, call)
        try:
            if response.status_code != 200:
                raise attempt.refused(error_reader, response)
            return read(attempt.whole(response))
        except ModelError as error:
            error.billed = error.billed or not error.status
            error.request_id = error.request_id or attempt.request_id
            raise
        finally:
            attempt.close(response)


class _PeerTellingAttempt(RequestAttempt):
    """An attempt that reports the IP address of its connection before anything is sent."""

    def __init__(self, deadline: float, cancel: Cancel | None, peer_seen: Callable[[str], None] | None) -> None:
        super().__init__(deadline, cancel)
        self._peer_seen = peer_seen

    def connected(self, sock: socket.socket) -> None:
        if self._peer_seen is not None:
            self._peer_seen(str(sock.getpeername()[0]))
        super().connected(sock)
