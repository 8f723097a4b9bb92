"""One HTTP attempt with a deadline: a `Call` in, bytes out, every failure a `ModelError`.

Covers: sending a `Call`, reading its answer whole or line by line as bytes, ending at the deadline even when
the other side goes silent, ending at once when cancelled, and the one seam where what the
network does becomes our errors. Doesn't cover: what bytes mean (`ModelProvider`), retries (`gpt.py`).
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
END_S: Final = 0.1  # how long a stream's end is waited for when its last line is there
_ENCODE: Final = json.JSONEncoder(ensure_ascii=False).encode

ErrorReader: TypeAlias = Callable[[int, Mapping[str, str], str], ModelError]  # of a status, headers and a masked body


class RequestAttempt:
    """One attempt at one call; its own watcher, see `connections.watching`."""

    def __init__(self, deadline: float, cancel: Cancel | None = None) -> None:
        self.deadline = deadline  # of time.monotonic()
        self.cancel = cancel
        self.sent = False  # bytes of the request may have left
        self.authorization = ""
        self.request_id = ""
        self.retry_after_s: float | None = None
        self._socket: socket.socket | None = None
        self._silence_s = 0.0  # the socket's timeout

    def connected(self, sock: socket.socket) -> None:
        """From now on the request counts as sent, and a cancellation shuts this socket."""
        self.sent = True
        self._socket = sock
        if self.cancel is not None:
            self.cancel.attach(sock)

    def left_s(self) -> float:
        """Seconds to the deadline. Raises when it is over, or when the call was cancelled."""
        self.check_cancelled()
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise ModelAway("no answer by the deadline", billed=self.sent)
        return left

    def check_cancelled(self) -> None:
        """Raises ModelCancelled after a cancellation, billed if the request was sent; else nothing."""
        if self.cancel is not None and self.cancel.is_set:
            raise ModelCancelled("stopped on request", billed=self.sent)

    def send(self, http: HttpClient, call: Call) -> Response:
        """The response with its headers read, of any status."""
        self.sent = False
        self.authorization = call.authorization
        headers = dict(call.headers)
        body = call.body if isinstance(call.body, bytes) else None
        if call.body is not None and body is None:
            # "replace": half of a surrogate pair in a person's text is no reason to fail.
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
        """What has come, as soon as anything has; empty at the end."""
        self._wait_at_most(self.left_s())
        try:
            data = response.read1()
        except NoAnswer as error:
            raise self._translated(error) from error
        self.check_cancelled()  # a socket that was shut reads as an end
        return data

    def whole(self, response: Response) -> bytes:
        """The whole body."""
        body = bytearray()
        while data := self.read(response):
            body += data
            if len(body) > ANSWER_LIMIT:
                raise ModelAway("the answer is too large", billed=self.sent)
        return bytes(body)

    def lines(self, response: Response) -> Iterator[bytes]:
        """The body's lines as bytes, cut at line feeds only: text may hold U+2028 and U+0085."""
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
        """Read the end of the stream if it is there already, so that its connection serves again."""
        ends_at = time.monotonic() + END_S
        self._wait_at_most(END_S)
        with suppress(NoAnswer):
            while response.read1() and time.monotonic() < ends_at:
                pass

    def _wait_at_most(self, seconds: float) -> None:
        """Give up a silent connection after so many seconds, give or take `LATE_S`."""
        if self._socket is not None and not 0 <= self._silence_s - seconds < LATE_S:
            self._silence_s = seconds
            with suppress(OSError):  # the answer has ended, and its connection with it
                self._socket.settimeout(seconds)

    def close(self, response: Response) -> None:
        """Nothing more is read. A connection that has unread bytes is closed, another goes back for reuse."""
        if self.cancel is not None:
            self.cancel.detach()
        response.close()

    def refused(self, error_reader: ErrorReader, response: Response) -> ModelError:
        """What a status other than 200 means."""
        try:
            body = self.whole(response).decode("utf-8", "replace")
        except ModelAway:
            body = ""
        return error_reader(response.status_code, response.headers, self.masked(body))

    def masked(self, body: str) -> str:
        """`body` without secrets: vendors repeat the key that they refuse."""
        return Redactor([self.authorization.rpartition(" ")[2]])(body)[:BODY_LIMIT]

    def _translated(self, error: NoAnswer) -> ModelError:
        """The one seam: what the network does, as an error of ours."""
        if self.cancel is not None and self.cancel.is_set:
            return ModelCancelled("stopped on request", billed=self.sent)
        what = "no connection"
        if self.sent:
            what = "no answer by the deadline" if error.timed_out else "the connection broke"
        return ModelAway(f"{what}: {self.masked(str(error))}", billed=self.sent)


def fetch(http: HttpClient, call: Call, error_reader: ErrorReader, timeout_s: float) -> bytes:
    """The body of a small call beside the main one (a token, a list of models). Raises ModelError."""
    attempt = RequestAttempt(time.monotonic() + timeout_s)
    response = attempt.send(http, call)
    try:
        if response.status_code != 200:
            raise attempt.refused(error_reader, response)
        return attempt.whole(response)
    finally:
        attempt.close(response)
