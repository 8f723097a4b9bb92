"""One HTTP request over a connection that is kept: what a turn's calls need of HTTP/1.1, and nothing else.

Covers: a request made of bytes, sent in one piece; the body of the answer, handed out as it comes; what may be used
again; one error, `NoAnswer`, for whatever the network does; and `watching`, which hands a request's socket to
whoever may have to end it. The connections themselves (the way out, TLS, tunnels, what is dropped) are urllib3's,
see `core/http_client.py`; an answer's bytes are read by `httptools`. Doesn't cover: redirects, cookies, retries, HEAD,
upgrades.

Why not `requests` or `urllib3` here: they take most of a call's processor time for what no call of this bot uses,
and a turn makes four calls.
"""

from __future__ import annotations

import socket
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, RemoteDisconnected
from typing import Any, Final, Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from urllib3 import HTTPHeaderDict
from urllib3.exceptions import HTTPError

# All that opening, sending and reading may raise. requests' own errors, of a wrong address or proxy, are OSErrors.
_NETWORK: Final = (HTTPError, HTTPException, HttpParserError, HttpParserUpgrade, OSError, ValueError, zlib.error)
_TOGETHER: Final = 65536  # up to this size head and body leave in one piece
_PIECE: Final = 4096  # bytes to ask the socket for: a thread that waits holds so much memory
_LARGE_PIECE: Final = 65536  # after a piece that was full
_LONGEST_HEAD: Final = 65536  # and trailer, and whatever else isn't the body
_LATE_S: Final = 0.5  # to set a socket's timeout is a system call: it isn't shortened for less than this


class NoAnswer(Exception):
    """Nobody answered, or not to the end. `sent`: the request may have arrived."""

    def __init__(self, error: Exception, *, sent: bool) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.sent = sent
        self.timed_out = isinstance(error, TimeoutError)


class Watcher(Protocol):
    """Whoever wants to know a request's socket."""

    def connected(self, sock: socket.socket) -> None:
        """Called in the requesting thread when the connection stands, before the first byte is sent."""


_watching = threading.local()


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Meanwhile `watcher`, beside those of enclosing blocks, is told the socket of every request of this thread.

    `sock.shutdown()` ends a blocked read at once, before the headers too; to close the response from another
    thread would wait for the read's timeout.
    """
    before: tuple[Watcher, ...] = watchers()
    _watching.watchers = (*before, watcher)
    try:
        yield
    finally:
        _watching.watchers = before


def watchers() -> tuple[Watcher, ...]:
    """Those who are told the sockets of this thread's requests."""
    found: tuple[Watcher, ...] = getattr(_watching, "watchers", ())
    return found


def request_head(start: bytes, headers: Mapping[str, str], length: int | None) -> bytes:
    """The head of a request that begins with the line and headers `start`. Raises `ValueError`."""
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    if length is not None:
        lines.append(f"Content-Length: {length}\r\n")
    head = "".join(lines)
    if head.count("\n") != len(lines) or head.count("\r") != len(lines):
        raise ValueError("a header's value has more than one line")
    return b"%b%b\r\n" % (start, head.encode("latin-1"))


def send(
    pool: Any, tunnel: bool, start: bytes, headers: Mapping[str, str], body: bytes | None, timeout: tuple[float, float]
) -> Response:
    """The response to a request over one of `pool`'s connections, with its head read. Close it.

    `tunnel`: a new connection asks the proxy for a way through first. `timeout`: to connect, and for silence
    afterwards. Raises `NoAnswer`, and what a watcher raises.
    """
    connection, sent, kept = None, False, False
    try:
        head = request_head(start, headers, None if body is None else len(body))
        connection = pool._get_conn()  # one that is dead or was silent for too long has been closed
        if connection.sock is None:
            connection.timeout = timeout[0]
            pool._prepare_proxy(connection) if tunnel else connection.connect()
        sock = connection.sock
        for watcher in watchers():
            watcher.connected(sock)
        sent = True
        response = Response(pool, connection, timeout[1])
        try:
            if body and len(body) > _TOGETHER:
                sock.sendall(head)
                sock.sendall(body)
            else:
                sock.sendall(head + body if body else head)
        except BrokenPipeError:
            pass  # the server has heard enough, and may have said why
        response.read_head()
        kept = True
        return response
    except _NETWORK as error:
        raise NoAnswer(error, sent=sent) from error
    finally:
        if connection is not None and not kept:
            connection.close()
            pool._put_conn(None)


class Response:
    """An answer that is being read. For one thread."""

    status_code = 0
    reason = ""
    headers: HTTPHeaderDict

    def __init__(self, pool: Any, connection: Any, timeout_s: float) -> None:
        self._pool = pool
        self._connection = connection
        self._sock = connection.sock
        self._timeout_s = timeout_s
        self._sock.settimeout(timeout_s)
        self._parser: Any = HttpResponseParser(self)
        self._came: list[bytes] = []  # of the body, and isn't handed out yet
        self._asks = _PIECE
        self._beside = 0  # bytes since the last ones of the body
        self._until_end = False  # of the connection: only that ends the answer
        self._ended = False
        self._keeps = False  # the connection may be used again
        self._unpack: Any = None

    def read_head(self) -> None:
        """Reads until the status and headers are there. Raises HTTPException for an unknown coding."""
        while not self.status_code:
            self._fill()
        coding = self.headers.get("transfer-encoding", "").lower()
        if coding not in ("", "identity", "chunked"):
            raise HTTPException(f"an answer in an unknown coding: {coding[:60]}")
        self._until_end = coding != "chunked" and "content-length" not in self.headers
        if self.headers.get("content-encoding", "").lower() in ("gzip", "x-gzip", "deflate"):
            self._unpack = zlib.decompressobj(47)  # wasn't asked for: a gateway's doing

    def read1(self, timeout_s: float | None = None) -> bytes:
        """What has come, as soon as anything has; empty at the end. Waits `timeout_s` at most, give or take 0.5 s.

        Raises `NoAnswer` for silence, and for an end before the end.
        """
        try:
            if timeout_s is not None and not self._ended and not 0 <= self._timeout_s - timeout_s < _LATE_S:
                self._timeout_s = timeout_s
                self._sock.settimeout(timeout_s)
            data = b""
            while not data and (self._came or not self._ended):
                if not self._came:
                    self._fill()
                data = b"".join(self._came)
                self._came.clear()
                if self._unpack is not None:
                    data = self._unpack.decompress(data)
            if self._ended:
                self.close()
            return data
        except _NETWORK as error:
            raise NoAnswer(error, sent=True) from error

    def read(self) -> bytes:
        """The whole body, or the rest of it."""
        return b"".join(iter(self.read1, b""))

    def close(self) -> None:
        """Nothing more is read. A connection whose answer was read to its end serves again, another is closed.

        The end of the answer does it by itself.
        """
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._parser = None  # it holds this response: the two would wait for the garbage collector
        if self._ended and self._keeps:
            connection.used_at = time.monotonic()
            self._pool._put_conn(connection)
        else:
            connection.close()
            self._pool._put_conn(None)

    def _fill(self) -> None:
        """Reads once from the socket and has it parsed."""
        data = self._sock.recv(self._asks)
        self._asks = _LARGE_PIECE if len(data) == self._asks else _PIECE
        if not data:
            if not self._until_end:
                raise RemoteDisconnected("the other side closed the connection before the end of its answer")
            self._ended = True
            return
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            if not self._ended:
                raise
            self._keeps = False  # more came than was asked for
        self._beside = 0 if self._came else self._beside + len(data)
        if self._beside > _LONGEST_HEAD and not self._ended:
            raise HTTPException("an answer whose head, chunk's size or trailer has no end")

    # What the parser calls. `status_code` stays 0 until the head has been read of an answer that isn't 1xx.

    def on_message_begin(self) -> None:
        """The parser sees an answer begin. Raises HTTPException if one has ended already."""
        if self._ended:
            raise HTTPException("a second answer")  # `_fill` hears of it
        self.reason, self.headers = "", HTTPHeaderDict()

    def on_status(self, piece: bytes) -> None:
        """The parser has a piece of the reason phrase: it is added to `reason`."""
        self.reason += piece.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser has a header: kept under its lower-case name; trailers are ignored."""
        if not self.status_code:  # a trailer is nothing for us
            self.headers.add(name.decode("latin-1").lower(), value.decode("latin-1").strip())

    def on_headers_complete(self) -> None:
        """The head is whole: sets `status_code`, which an interim answer (1xx) leaves 0."""
        status = self._parser.get_status_code()
        self.status_code = status if status >= 200 else 0

    def on_body(self, piece: bytes) -> None:
        """The parser has a piece of the body: it waits to be read."""
        if self.status_code:
            self._came.append(piece)

    def on_message_complete(self) -> None:
        """The answer has ended: notes whether the connection can be used again; not for 1xx."""
        if self.status_code:
            self._ended = True
            self._keeps = self._parser.should_keep_alive()
