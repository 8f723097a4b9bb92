"""One HTTP request over a connection that is kept: what a turn's calls need of HTTP/1.1, and nothing else.

Covers: a request made of bytes, sent in one piece; the answer's head; a body with a length, in chunks or until
the end, handed out as it comes; what may be used again; one error, `NoAnswer`, for whatever the network does; and
`watching`, which hands a request's socket to whoever may have to end it. The connections themselves (the way out,
TLS, tunnels, what is dropped) are urllib3's, see `connections.py`. Doesn't cover: redirects, cookies, retries,
HEAD, upgrades.

Why not `requests` or `urllib3` here: they take most of a call's processor time for what no call of this bot uses,
and a turn makes four calls.
"""

from __future__ import annotations

import re
import socket
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, RemoteDisconnected
from typing import Any, Final, Protocol

from urllib3.exceptions import HTTPError

# All that opening, sending and reading may raise. requests' own errors, of a wrong address or proxy, are OSErrors.
_NETWORK: Final = (HTTPError, HTTPException, OSError, ValueError, zlib.error)
_TOGETHER: Final = 65536  # up to this size head and body leave in one piece
_PIECE: Final = 4096  # bytes to ask the socket for: a thread that waits holds so much memory
_LARGE_PIECE: Final = 65536  # in a long body
_LONGEST_HEAD: Final = 65536  # and trailer
_LONGEST_LINE: Final = 4096  # with a chunk's size
_LATE_S: Final = 0.5  # to set a socket's timeout is a system call: it isn't shortened for less than this

_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
_STATUS: Final = re.compile(r"HTTP/1\.(\d) (\d{3})(?: (.*))?")
_SIZE: Final = re.compile(rb"[0-9a-fA-F]{1,15}")


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


class Headers(Mapping[str, str]):
    """An answer's headers; their names match whatever their case."""

    def __init__(self, lines: list[str]) -> None:
        self.fields: dict[str, str] = {}  # by names in lower case
        name = ""
        for line in lines:
            if line[:1] in (" ", "\t"):  # the old way to go on with a long value
                if not name:
                    raise HTTPException("a header that begins nowhere")
                self.fields[name] += f" {line.strip()}"
                continue
            name, colon, value = line.partition(":")
            if not colon:
                raise HTTPException("a header without a colon")
            name, value = name.strip().lower(), value.strip()
            known = self.fields.get(name)
            self.fields[name] = value if known is None else f"{known}, {value}"

    def __getitem__(self, name: str) -> str:
        return self.fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)


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
    headers: Headers

    def __init__(self, pool: Any, connection: Any, timeout_s: float) -> None:
        self._pool = pool
        self._connection = connection
        self._sock = connection.sock
        self._timeout_s = timeout_s
        self._sock.settimeout(timeout_s)
        self._rest = b""  # came, and isn't handed out yet
        self._left: int | None = 0  # bytes of the body, or of this chunk, to come; None: until the end
        self._chunked = False
        self._keeps = False  # the connection may be used again
        self._ended = False
        self._unpack: Any = None

    def read1(self, timeout_s: float | None = None) -> bytes:
        """What has come, as soon as anything has; empty at the end. Waits `timeout_s` at most, give or take 0.5 s.

        Raises `NoAnswer` for silence, and for an end before the end.
        """
        try:
            if timeout_s is not None and not self._ended and not 0 <= self._timeout_s - timeout_s < _LATE_S:
                self._timeout_s = timeout_s
                self._sock.settimeout(timeout_s)
            while not self._ended:
                data = self._chunks() if self._chunked else self._piece()
                if data and self._unpack is not None:
                    data = self._unpack.decompress(data)
                if self._ended:
                    self.close()
                if data:
                    return data
                if not self._ended:
                    self._fill()
            self.close()
            return b""
        except _NETWORK as error:
            raise NoAnswer(error, sent=True) from error

    def read(self) -> bytes:
        """The whole body, or the rest of it."""
        data = self.read1()
        if self._ended:
            return data
        pieces = [data]
        while data := self.read1():
            pieces.append(data)
        return b"".join(pieces)

    def close(self) -> None:
        """Nothing more is read. A connection whose answer was read to its end serves again, another is closed.

        The end of the answer does it by itself.
        """
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._ended and self._keeps and not self._rest:
            connection.used_at = time.monotonic()
            self._pool._put_conn(connection)
        else:
            connection.close()
            self._pool._put_conn(None)

    def read_head(self) -> None:
        while True:
            while (end := _BLANK_LINE.search(self._rest)) is None:
                if len(self._rest) > _LONGEST_HEAD:
                    raise HTTPException("an answer whose head has no end")
                self._fill()
            lines = self._rest[: end.start()].decode("latin-1").split("\n")
            self._rest = self._rest[end.end() :]
            status = _STATUS.fullmatch(lines[0].rstrip("\r"))
            if status is None:
                raise HTTPException(f"no HTTP answer: {lines[0][:60]!r}")
            self.status_code = int(status[2])
            if self.status_code >= 200:
                break
            if self.status_code == 101:
                raise HTTPException("the server talks another protocol")
        self.reason = status[3] or ""
        self.headers = Headers(lines[1:])
        self._read_framing(newer=status[1] != "0")

    def _read_framing(self, *, newer: bool) -> None:
        fields = self.headers.fields
        connection = fields.get("connection", "").lower()
        self._keeps = "close" not in connection and (newer or "keep-alive" in connection)
        coding = fields.get("transfer-encoding", "").lower()
        length = fields.get("content-length")
        if fields.get("content-encoding", "").lower() in ("gzip", "x-gzip", "deflate"):
            self._unpack = zlib.decompressobj(47)  # wasn't asked for: a gateway's doing
        if self.status_code in (204, 304):
            self._ended = True
        elif coding and coding != "identity":
            if coding != "chunked":
                raise HTTPException(f"an answer in an unknown coding: {coding[:60]}")
            self._chunked = True
            self._keeps = self._keeps and length is None  # both: somebody on the way disagrees on where it ends
        elif length is not None:
            lengths = {part.strip() for part in length.split(",")}
            text = lengths.pop()
            if lengths or not (text.isascii() and text.isdigit()):
                raise HTTPException(f"an answer of no length: {length[:60]}")
            self._left = int(text)
            self._ended = self._left == 0
        else:
            self._left = None
            self._keeps = False

    def _fill(self) -> None:
        data = self._sock.recv(_PIECE if (self._left or 0) < _LARGE_PIECE else _LARGE_PIECE)
        if data:
            self._rest = self._rest + data if self._rest else data
        elif self._left is None and not self._chunked:
            self._ended = True
        else:
            raise RemoteDisconnected("the other side closed the connection before the end of its answer")

    def _piece(self) -> bytes:
        """What has come of a body without chunks."""
        data = self._rest
        if self._left is None:
            self._rest = b""
            return data
        data, self._rest = data[: self._left], data[self._left :]
        self._left -= len(data)
        self._ended = not self._left
        return data

    def _chunks(self) -> bytes:
        """What has come of a body in chunks. `_left` counts the line's end behind a chunk, too: its last two bytes."""
        rest, pieces, at = self._rest, [], 0
        if not rest:
            return b""
        left = self._left or 0
        while True:
            if left > 2:
                piece = rest[at : at + left - 2]
                if not piece:
                    break
                pieces.append(piece)
                at += len(piece)
                left -= len(piece)
            elif left:
                if len(rest) - at < 2:
                    break
                if rest[at : at + 2] != b"\r\n":
                    raise HTTPException("a chunk that is longer than it says")
                at, left = at + 2, 0
            else:
                line_end = rest.find(b"\n", at)
                if line_end < 0:
                    if len(rest) - at > _LONGEST_LINE:
                        raise HTTPException("a chunk without a size")
                    break
                size = rest[at:line_end].partition(b";")[0].strip()
                if not _SIZE.fullmatch(size):
                    raise HTTPException("a chunk without a size")
                length = int(size, 16)
                if not length:
                    if self._trailed(rest, line_end + 1):
                        return b"".join(pieces)
                    break
                at = line_end + 1
                end = at + length
                if rest[end : end + 2] == b"\r\n":  # all of it is there, as nearly always
                    pieces.append(rest[at:end])
                    at = end + 2
                else:
                    left = length + 2
        self._rest, self._left = rest[at:], left
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _trailed(self, rest: bytes, at: int) -> bool:
        """True when the lines behind the last chunk, up to the blank one, are there."""
        if len(rest) - at > _LONGEST_HEAD:
            raise HTTPException("a trailer without an end")
        while (line_end := rest.find(b"\n", at)) >= 0:
            blank = not rest[at:line_end].strip()
            at = line_end + 1
            if blank:
                self._ended, self._rest = True, rest[at:]
                return True
        return False
