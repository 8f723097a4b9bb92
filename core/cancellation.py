"""Ending a call from another thread, at once: `watching` hands out its socket, `Cancel` shuts that socket down.

Shutting a socket wakes the thread that reads it, before the first byte of the answer as well as in the middle of a
stream; closing the response instead would block until the read timeout. A connection that isn't open yet can't be
woken; its own timeout (10 s at most) ends it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol


class Watcher(Protocol):
    """Receives the socket of a request."""

    def connected(self, sock: socket.socket) -> None:
        """Run in the requesting thread before the request's first byte is sent. May raise: nothing is sent then."""


_thread = threading.local()


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Hand `watcher`, after those of outer blocks, the socket of each request that this thread sends."""
    outer = watchers()
    _thread.watchers = (*outer, watcher)
    try:
        yield
    finally:
        _thread.watchers = outer


def watchers() -> tuple[Watcher, ...]:
    """Return this thread's watchers, the innermost last."""
    found: tuple[Watcher, ...] = getattr(_thread, "watchers", ())
    return found


def show(sock: socket.socket) -> None:
    """Hand a request's socket to this thread's watchers; of TLS inside a proxy's TLS, the socket that it wraps."""
    for watcher in watchers():
        watcher.connected(getattr(sock, "socket", sock))


class Cancel:
    """One call's cancellation. Thread-safe; `set()` may come before the call, during it or after it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._socket: socket.socket | None = None

    @property
    def is_set(self) -> bool:
        """True from the first `set` on."""
        return self._event.is_set()

    def set(self) -> None:
        """Cancel the call and wake the thread that reads its socket. Don't block."""
        with self._lock:
            self._event.set()
            self._shut()

    def wait(self, timeout_s: float) -> bool:
        """Sleep up to `timeout_s`; return True as soon as the call is cancelled."""
        return self._event.wait(timeout_s)

    def attach(self, sock: socket.socket) -> None:
        """Remember the socket that the call waits on from now on; shut it if the call is cancelled already."""
        with self._lock:
            self._socket = sock
            if self._event.is_set():
                self._shut()

    def detach(self) -> None:
        """Forget the socket: the call is over, and another one may use the connection."""
        with self._lock:
            self._socket = None

    def _shut(self) -> None:
        if self._socket is not None:
            with suppress(OSError, ValueError):  # closed already: nobody waits on it
                self._socket.shutdown(socket.SHUT_RD)
