"""A server over real sockets that answers what a script says, and requests to it, for the tests of the HTTP client."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from core.http_client import HttpClient, Response

SECRET = "AQVNsecretkey"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

Script = Callable[[socket.socket, bytes], None]


class Server:
    """Accepts connections for good; the script answers each request, noted with its connection's number."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[tuple[int, bytes]] = []
        self._script = script
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):  # closed already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        for number in range(100):
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection, number), daemon=True).start()

    def _talk(self, connection: socket.socket, number: int) -> None:
        with connection, suppress(OSError):
            wrapped = self._context.wrap_socket(connection, server_side=True) if self._context else connection
            with wrapped as sock:
                while (request := whole(sock)) and wrapped.fileno() >= 0:
                    self.requests.append((number, request))
                    self._script(sock, request)

    @property
    def connections(self) -> list[int]:
        return [number for number, _ in self.requests]


def whole(sock: socket.socket, data: bytes = b"") -> bytes:
    """Return a request, which begins with `data`, with its body; empty at the connection's end."""
    while b"\r\n\r\n" not in data:
        if not (piece := sock.recv(65536)):
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
    while len(body) < int(length or 0):
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


def carry(one: socket.socket, other: socket.socket) -> None:
    """Hand on what comes from one socket to the other, until either ends."""
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)


@pytest.fixture
def serving() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def make(script: Script, context: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(script, context))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def says(*pieces: bytes, close: bool = False) -> Script:
    """Return a script that answers with these pieces, each in a packet of its own."""

    def script(sock: socket.socket, request: bytes) -> None:
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(0.005)
            sock.sendall(piece)
        if close:
            sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    return script


def ask(http: HttpClient, url: str, body: bytes | None = b"{}", timeout_s: float = 30.0) -> tuple[Response, bytes]:
    response = http.send("GET" if body is None else "POST", url, {"X-Mark": "да".encode().hex()}, body, (30, timeout_s))
    try:
        return response, response.read()
    finally:
        response.close()
