"""What a connection of urllib3 does besides: it tries all addresses, shows its socket, and isn't used after a pause.

It sends requests whose body is bytes, with the headers that it is given. What urllib3 finds out for each call is known
here: the framing of the body, and that no header is to be left out.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from core.addresses import Addresses
from core.cancellation import show

COPIED: Final = 65_536  # bytes of a body that are sent in one piece with the head
_STANDARD: Final[Any] = http.client.HTTPConnection  # whose methods urllib3 wraps in checks of its own


class WatchedConnection:
    """Mixed into urllib3's classes: hands its socket to the watchers of each request, before the request is sent.

    It counts as dropped `idle_s` after its last request.
    """

    idle_s = used_at = 0.0
    _head: bytes | None = None  # of the request that is being written
    addresses: Addresses | None = None  # None: urllib3 connects by itself, as to SOCKS proxies
    answer: Callable[[http.client.HTTPResponse], Any]  # makes urllib3's of the standard library's
    sock: Any  # these are urllib3's
    host: str
    port: int
    timeout: float | None
    proxy: object
    is_verified: bool

    @property
    def is_connected(self) -> bool:
        """True while the connection may be used again."""
        return time.monotonic() - self.used_at <= self.idle_s and super().is_connected  # type: ignore[misc]

    def connect(self) -> None:
        """Connect to the first address that answers. Raise OSError."""
        if self.addresses is None or self.proxy is not None:
            super().connect()  # type: ignore[misc]
            return
        tls = getattr(self, "ssl_context", None)
        self.sock = self.addresses.connect(self.host, self.port, self.timeout or 0.0, tls)
        self.is_verified = tls is not None

    def request(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], **options: object) -> None:
        """Send a request whose headers say how long `body` is."""
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")
        _STANDARD.putrequest(self, method, url, skip_accept_encoding=True)
        if self.sock is None:
            self.connect()
        self.used_at = time.monotonic()
        show(self.sock)
        self._head = b""
        _STANDARD.endheaders(self)
        head, self._head = self._head.removesuffix(b"\r\n") + fields + b"\r\n", None
        if body is not None and len(body) <= COPIED:
            self.send(head + body)
        else:
            self.send(head)
            if body is not None:
                self.send(body)

    def send(self, data: Any) -> None:
        """Send bytes. The head of a request is kept, to go with its body: each send wakes the server."""
        if self._head is None:
            super().send(data)  # type: ignore[misc]
        else:
            self._head += data

    def getresponse(self) -> Any:
        """Return the answer once its head has come, its body unread."""
        self._set_timeout()
        return self.answer(_STANDARD.getresponse(self))

    def _set_timeout(self) -> None:
        """Let the socket wait as long as this request may; to set it is a system call."""
        if self.sock is not None and self.sock.gettimeout() != self.timeout:
            self.sock.settimeout(self.timeout)
