"""Connecting to a server by whichever of its addresses answers (RFC 8305, "happy eyeballs").

A host may have an address that never answers, such as an IPv6 one behind a router without IPv6. A host's addresses are
tried in order, each 0.25 s after the one before it, which goes on meanwhile. The first that answers is used; from then
on it is tried first.
"""

from __future__ import annotations

import errno
import logging
import os
import selectors
import socket
import ssl
import time
from collections import deque
from itertools import zip_longest
from typing import Any, Final, TypeAlias

from core.logs import event

NEXT_AFTER_S: Final = 0.25
FAMILIES: Final = {"any": socket.AF_UNSPEC, "4": socket.AF_INET, "6": socket.AF_INET6}
_MOST_HOSTS: Final = 256  # that are remembered; an image may come from any host

Address: TypeAlias = tuple[socket.AddressFamily, tuple[Any, ...]]  # the tuple is what `socket.connect` takes

log = logging.getLogger(__name__)


class Silent(ConnectionError):
    """No address answers. Not a TimeoutError: urllib3 takes these for a silence after the request."""


class Addresses:
    """Connects to hosts, and remembers which of a host's addresses answered. Thread-safe.

    `family`: of the addresses that are tried first, `4` or `6`; `any`: in DNS's order.
    """

    def __init__(self, family: str = "any", *, next_after_s: float = NEXT_AFTER_S) -> None:
        self._family, self._next_after_s = FAMILIES[family], next_after_s
        self._answered: dict[tuple[str, int], Address] = {}

    def connect(self, host: str, port: int, timeout_s: float, tls: ssl.SSLContext | None = None) -> socket.socket:
        """Return a connected socket, with TLS to `host` if a context is given. Raise OSError, ValueError for no host.

        Block for `timeout_s` at most to connect; DNS and TLS come on top. The socket keeps this timeout.
        """
        found = self._found(host.strip("[]"), port)
        last = self._answered.get((host, port))
        if last in found:
            found.sort(key=lambda address: address != last)
        sock, address = _race(found, timeout_s, self._next_after_s)
        if address != found[0]:
            if len(self._answered) >= _MOST_HOSTS:
                self._answered.clear()
            self._answered[host, port] = address
            event(log, logging.INFO, "address_skipped", host=host, skipped=found[0][1][0], used=address[1][0])
        sock.settimeout(timeout_s)
        return tls.wrap_socket(sock, server_hostname=host.strip("[]")) if tls is not None else sock

    def _found(self, host: str, port: int) -> list[Address]:
        """Return the addresses that DNS knows, in the order in which they are tried. Raise OSError."""
        try:
            known = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise socket.gaierror(error.errno, f"DNS finds no address of {host} ({error.strerror})") from None
        addresses: list[Address] = list(dict.fromkeys((family, sockaddr) for family, _, _, _, sockaddr in known))
        first = self._family or addresses[0][0]
        preferred = [address for address in addresses if address[0] == first]
        others = [address for address in addresses if address[0] != first]
        if self._family:
            return preferred + others
        return [address for pair in zip_longest(preferred, others) for address in pair if address is not None]


def _race(addresses: list[Address], timeout_s: float, next_after_s: float) -> tuple[socket.socket, Address]:
    """Return a socket connected to the first address that answers, and this address. Raise OSError."""
    waiting, error = deque(addresses), 0
    now = time.monotonic()
    ends_at, next_at = now + timeout_s, now
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or selector.get_map():
                if waiting and (now >= next_at or not selector.get_map()):
                    next_at = now + next_after_s
                    error = _begin(selector, waiting.popleft()) or error
                for key, _ in selector.select(max(0.0, (min(next_at, ends_at) if waiting else ends_at) - now)):
                    sock: socket.socket = key.fileobj  # type: ignore[assignment]
                    selector.unregister(sock)
                    if not (failed := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
                        return sock, key.data
                    sock.close()
                    error, next_at = failed, now
                now = time.monotonic()
                if now >= ends_at:
                    raise Silent(f"no answer within {timeout_s:g} s from {_shown(addresses)}")
        finally:
            for key in list(selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]
    raise OSError(error, f"{os.strerror(error)} ({_shown(addresses)})")


def _begin(selector: selectors.BaseSelector, address: Address) -> int:
    """Begin to connect; return the system's error number, 0 while it is under way."""
    family, place = address
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # a machine without IPv6
        return error.errno or errno.EAFNOSUPPORT
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    failed = sock.connect_ex(place)
    if failed not in (0, errno.EINPROGRESS):
        sock.close()
        return failed
    selector.register(sock, selectors.EVENT_WRITE, address)
    return 0


def _shown(addresses: list[Address]) -> str:
    return ", ".join(str(place[0]) for _, place in addresses)
