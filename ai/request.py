"""One attempt at a `Call`: bytes out, every failure a `ModelError`.

An attempt ends at its deadline even if the server is silent, and at once when it is cancelled. What the bytes mean:
`ai/provider.py`; retries: `ai/retry.py`.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Final, TypeAlias

from ai.error_mapping import retry_after_s
from ai.provider import BODY_LIMIT, Call
from core.cancellation import Cancel, watching
from core.errors import ModelAway, ModelCancelled, ModelError, NoAnswer
from core.http_client import HttpClient, Response
from core.redaction import Redactor

CONNECT_S: Final = 10.0
ANSWER_LIMIT: Final = 8 * 1024 * 1024  # bytes of one answer or of one line of a stream: more is no answer
LATE_S: Final = 0.5  # a socket's timeout isn't shortened for less than this: to set it is a system call
LATE_SHARE: Final = 0.02  # or than this share of it
END_S: Final = 0.1  # how long a stream's end is waited for when its last line is there
_ENCODE: Final = json.JSONEncoder(ensure_ascii=False).encode

ErrorReader: TypeAlias = Callable[[int, Mapping[str, str], str], ModelError]  # of a status, headers and a masked body


class RequestAttempt:
    """One attempt at one call. It watches its own connection, see `core.cancellation`."""

    def __init__(self, deadline: float, cancel: Cancel | None = None) -> None:
        self.deadline = deadline  # of time.monotonic()
        self.cancel = cancel
        self.sent = False  # bytes of the request may have left
        self.begun = False  # words of the answer have come
        self.authorization = ""
        self.request_id = ""
        self.retry_after_s: float | None = None
        self._socket: socket.socket | None = None
        self._silence_s = 0.0  # the socket's timeout

    def connected(self, sock: socket.socket) -> None:
        """Count the request as sent; from now on a cancellation shuts this socket."""
        self.sent = True
        self._socket = sock
        if self.cancel is not None:
            self.cancel.attach(sock)

    def left_s(self) -> float:
        """Return the seconds to the deadline. Raise ModelAway when none are left, ModelCancelled when cancelled."""
        self.check_cancelled()
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise ModelAway("no answer by the deadline", billed=self.sent)
        return left

    def check_cancelled(self) -> None:
        """Raise ModelCancelled after a cancellation, billed if the request was sent."""
        if self.cancel is not None and self.cancel.is_set:
            raise ModelCancelled("stopped on request", billed=self.sent)

    def send(self, http: HttpClient, call: Call) -> Response:
        """Send `call` and return its response, of any status. Raise ModelError."""
        self.sent = False
        self.authorization = call.authorization
        headers = dict(call.headers)
        body = call.body if isinstance(call.body, bytes) else None
        if call.body is not None and body is None:
            # "replace": half of a surrogate pair in a user's text can't be encoded.
            body = _ENCODE(call.body).encode("utf-8", "replace")
            headers["Content-Type"] = "application/json"
        left = self._silence_s = self.left_s()
        method = "GET" if body is None else "POST"
        with watching(self):
            try:
                response = http.send(method, call.url, headers, body, (min(CONNECT_S, left), left))
            except NoAnswer as error:
                raise self._translated(error) from error
        self.request_id = response.headers.get("x-request-id", "")
        self.retry_after_s = retry_after_s(response.headers)
        return response

    def read(self, response: Response) -> bytes:
        """Return what has come, as soon as anything has; empty at the end. Raise ModelError."""
        self._wait_at_most(self.left_s())
        try:
            data = response.read1()
        except NoAnswer as error:
            raise self._translated(error) from error
        self.check_cancelled()  # a socket that was shut reads as an end
        return data

    def whole(self, response: Response) -> bytes:
        """Return the whole body. Raise ModelError."""
        body = bytearray()
        while data := self.read(response):
            body += data
            if len(body) > ANSWER_LIMIT:
                raise ModelAway("the answer is too large", billed=self.sent)
        return bytes(body)

    def lines(self, response: Response) -> Iterator[bytes]:
        """Yield the body's lines, split at line feeds only: text may hold U+2028 and U+0085. Raise ModelError."""
        rest = b""
        while data := self.read(response):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                yield line.rstrip(b"\r")
            if len(rest) > ANSWER_LIMIT:
                raise ModelAway("a line of the answer is too long", billed=self.sent)
        if rest.strip():
            yield rest

    def finish(self, response: Response) -> None:
        """Read the end of the stream if it has come, so that its connection is used again."""
        ends_at = time.monotonic() + END_S
        self._wait_at_most(END_S)
        with suppress(NoAnswer):
            while response.read1() and time.monotonic() < ends_at:
                pass

    def _wait_at_most(self, seconds: float) -> None:
        """Give up a silent connection after so many seconds, give or take `LATE_S` or `LATE_SHARE`."""
        late_s = max(LATE_S, LATE_SHARE * seconds)
        if self._socket is not None and not 0 <= self._silence_s - seconds < late_s:
            self._silence_s = seconds
            with suppress(OSError):  # the answer has ended, and its connection with it
                self._socket.settimeout(seconds)

    def close(self, response: Response) -> None:
        """Read nothing more. A connection with unread bytes is closed, another is used again."""
        if self.cancel is not None:
            self.cancel.detach()
        response.close()

    def refused(self, error_reader: ErrorReader, response: Response) -> ModelError:
        """Return the error that a status other than 200 means."""
        try:
            body = self.whole(response).decode("utf-8", "replace")
        except ModelAway:
            body = ""
        return error_reader(response.status_code, response.headers, self.masked(body))

    def masked(self, body: str) -> str:
        """Return `body` without secrets: vendors repeat the key that they refuse."""
        return Redactor([self.authorization.rpartition(" ")[2]])(body)[:BODY_LIMIT]

    def _translated(self, error: NoAnswer) -> ModelError:
        """Return the ModelError for a failure of the network."""
        if self.cancel is not None and self.cancel.is_set:
            return ModelCancelled("stopped on request", billed=self.sent)
        what = "no connection"
        if self.sent:
            what = "no answer by the deadline" if error.timed_out else "the connection broke"
        return ModelAway(f"{what}: {self.masked(str(error))}", billed=self.sent)


def fetch(http: HttpClient, call: Call, error_reader: ErrorReader, timeout_s: float) -> bytes:
    """Return the body of a small call (a token, a list of models). One attempt. Raise ModelError."""
    attempt = RequestAttempt(time.monotonic() + timeout_s)
    response = attempt.send(http, call)
    try:
        if response.status_code != 200:
            raise attempt.refused(error_reader, response)
        return attempt.whole(response)
    finally:
        attempt.close(response)
