"""A proxy on this machine that speaks SOCKS5 and HTTP and notes what it is asked for. Every host name leads here."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType

from tests.http_server import carry, whole

CREDENTIALS = "me:pa ss"  # as the client has to send them
WRITTEN = "me:pa%20ss"  # as they stand in an address


class ProxyServer:
    """Listens until its block ends. `targets` grows by `host:port` for each connection that it opens.

    `own_tls`: the proxy itself is reached by TLS. `beyond_tls`: it ends the tunnel's TLS, as servers without TLS need.
    """

    def __init__(
        self,
        *,
        credentials: str = "",
        own_tls: ssl.SSLContext | None = None,
        beyond_tls: ssl.SSLContext | None = None,
    ) -> None:
        self.targets: list[str] = []
        self.refused = 0  # wrong name or password
        self._credentials = credentials
        self._own_tls, self._beyond_tls = own_tls, beyond_tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> ProxyServer:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def url(self, scheme: str) -> str:
        """Return the proxy's address, as a setting has it."""
        return f"{scheme}://{f'{WRITTEN}@' if self._credentials else ''}127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, EOFError):
            client = self._own_tls.wrap_socket(connection, server_side=True) if self._own_tls else connection
            with client:
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
        beyond: socket.socket | None = None
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
            if beyond is None:
                beyond = self._opened(host.decode())
                threading.Thread(target=carry, args=(beyond, client), daemon=True).start()
            beyond.sendall(request.replace(target, b"/" + path, 1))

    def _tunnel(self, client: socket.socket, target: str, agreed: bytes) -> None:
        with self._opened(target) as beyond:
            client.sendall(agreed)
            inner = self._beyond_tls.wrap_socket(client, server_side=True) if self._beyond_tls else client
            with inner:
                threading.Thread(target=carry, args=(beyond, inner), daemon=True).start()
                carry(inner, beyond)

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
