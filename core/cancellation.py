"""Ending a call of a model from another thread, at once.

A call blocks in reading a socket, often for many seconds before the first word. `Cancel.set()` shuts that
socket down, which wakes the reader: before the headers have come as well as in the middle of a stream.
Only a connection that isn't open yet can't be woken; its own timeout (10 s at most) ends it.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Cancel:
    """One call's cancellation. Thread-safe; `set()` may come before the call, during it or after it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._socket: socket.socket | None = None

    @property
    def is_set(self) -> bool:
        """Whether `set` was called; it is never taken back."""
        return self._event.is_set()

    def set(self) -> None:
        """Mark cancelled and wake the reader. Doesn't block."""
        with self._lock:
            self._event.set()
            self._shut()

    def wait(self, timeout_s: float) -> bool:
        """Sleep up to `timeout_s`; True as soon as it is cancelled."""
        return self._event.wait(timeout_s)

    def attach(self, sock: socket.socket) -> None:
        """The socket that the call waits on from now on."""
        with self._lock:
            self._socket = sock
            if self._event.is_set():
                self._shut()

    def detach(self) -> None:
        """The call is over: its socket may serve another one now, and is left alone."""
        with self._lock:
            self._socket = None

    def _shut(self) -> None:
        if self._socket is not None:
            with suppress(OSError, ValueError):  # closed meanwhile: then nobody waits on it
                self._socket.shutdown(socket.SHUT_RD)
