"""What a connection of urllib3 does besides: it tries all addresses, shows its socket, and isn't used after a pause."""

from __future__ import annotations

import time
from typing import Any

from core.addresses import Addresses
from core.cancellation import show


class WatchedConnection:
    """Mixed into urllib3's classes: hands its socket to the watchers of each request, before the request is sent.

    It counts as dropped `idle_s` after its last request.
    """

    idle_s = used_at = 0.0
    addresses: Addresses | None = None  # None: urllib3 connects by itself, as to SOCKS proxies
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

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        """Send the head of a request, and its body if that is given."""
        if self.sock is None:
            self.connect()
        self.used_at = time.monotonic()
        show(self.sock)
        super().endheaders(*args, **kwargs)  # type: ignore[misc]
