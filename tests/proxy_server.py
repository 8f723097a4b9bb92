"""A proxy on this machine that speaks SOCKS5 and HTTP and notes what it is asked for. Every host name leads here."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.http_server import carry, whole

CREDENTIALS = "me:pa ss"  # as the client has to send them
WRITTEN = "me:pa%20ss"  # as they stand in an address


class _Listener(ABC):
    """Accepts connections in threads of their own until its block ends."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, EOFError):
            self._talk(connection)

    @abstractmethod
    def _talk(self, connection: socket.socket) -> None:
        """Serve a connection until it ends."""


class TlsFront(_Listener):
    """Stands before a server without TLS on this machine, as nginx does."""

    def __init__(self, context: ssl.SSLContext, port: int) -> None:
        self._context, self._behind = context, port
        super().__init__()

    def _talk(self, connection: socket.socket) -> None:
        with (
            self._context.wrap_socket(connection, server_side=True) as client,
            socket.create_connection(("127.0.0.1", self._behind)) as server,
        ):
            threading.Thread(target=carry, args=(server, client), daemon=True).start()
            carry(client, server)


class ProxyServer(_Listener):
    """Listens until its block ends. `targets` grows by `host:port` for each connection that it opens.

    `own_tls`: the proxy itself is reached by TLS.
    """

    def __init__(self, *, credentials: str = "", own_tls: ssl.SSLContext | None = None) -> None:
        self.targets: list[str] = []
        self.refused = 0  # wrong name or password
        self._credentials = credentials
        self._own_tls = own_tls
        super().__init__()

    def url(self, scheme: str) -> str:
        """Return the proxy's address, as a setting has it."""
        return f"{scheme}://{f'{WRITTEN}@' if self._credentials else ''}127.0.0.1:{self.port}"

    def _talk(self, connection: socket.socket) -> None:
        with self._own_tls.wrap_socket(connection, server_side=True) if self._own_tls else connection as client:
            first = exactly(client, 1)
            if first == b"\x05":
                self._socks(client)
            else:
                self._http(client, first)

    def _socks(self, client: socket.socket) -> None:
        exactly(client, exactly(client, 1)[0])  # the ways of authentication that the client knows
        if self._credentials:
            client.sendall(b"\x05\x02")
            exactly(client, 1)
            name, password = (exactly(client, exactly(client, 1)[0]).decode() for _ in range(2))
            if f"{name}:{password}" != self._credentials:
                self.refused += 1
                client.sendall(b"\x01\x01")
                return
            client.sendall(b"\x01\x00")
        else:
            client.sendall(b"\x05\x00")
        kind = exactly(client, 4)[3]
        if kind == 3:
            host = exactly(client, exactly(client, 1)[0]).decode()
        else:
            host = socket.inet_ntop(
                *((socket.AF_INET, exactly(client, 4)) if kind == 1 else (socket.AF_INET6, exactly(client, 16)))
            )
        port = int.from_bytes(exactly(client, 2), "big")
        self._tunnel(client, f"{host}:{port}", b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")

    def _http(self, client: socket.socket, first: bytes) -> None:
        opened: dict[bytes, socket.socket] = {}
        try:
            self._requests(client, first, opened)
        finally:
            for beyond in opened.values():
                beyond.close()

    def _requests(self, client: socket.socket, first: bytes, opened: dict[bytes, socket.socket]) -> None:
        while request := whole(client, first):
            first = b""
            method, target, _ = request.split(b" ", 2)
            given = base64.b64encode(self._credentials.encode())
            if self._credentials and b"Proxy-Authorization: Basic " + given + b"\r\n" not in request:
                self.refused += 1
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            if method == b"CONNECT":
                self._tunnel(client, target.decode(), b"HTTP/1.1 200 Connection established\r\n\r\n")
                return
            host, _, path = target.removeprefix(b"http://").partition(b"/")
            if host not in opened:
                opened[host] = self._opened(host.decode())
                threading.Thread(target=carry, args=(opened[host], client), daemon=True).start()
            opened[host].sendall(request.replace(target, b"/" + path, 1))

    def _tunnel(self, client: socket.socket, target: str, agreed: bytes) -> None:
        with self._opened(target) as beyond:
            client.sendall(agreed)
            threading.Thread(target=carry, args=(beyond, client), daemon=True).start()
            carry(client, beyond)

    def _opened(self, target: str) -> socket.socket:
        self.targets.append(target)
        return socket.create_connection(("127.0.0.1", int(target.rpartition(":")[2])))


def exactly(sock: socket.socket, count: int) -> bytes:
    """Return so many bytes, however they arrive. Raise EOFError."""
    data = b""
    while len(data) < count:
        if not (piece := sock.recv(count - len(data))):
            raise EOFError
        data += piece
    return data
