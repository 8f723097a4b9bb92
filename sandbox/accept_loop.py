"""A server whose thread waits for connections without a timeout, and which ends as soon as it is told to."""

from __future__ import annotations

import socket
from contextlib import suppress
from socketserver import TCPServer
from typing import Any


class AcceptLoop(TCPServer):
    """Mix into a server of `socketserver`. Its own `serve_forever` looks only now and then whether it is to end."""

    _ending = False

    def accept_all(self) -> None:
        """Serve connections until `end_accepting()`."""
        while not self._ending:
            self.handle_request()

    def end_accepting(self) -> None:
        """Have `accept_all()` return: a connection that is dropped at once wakes it."""
        self._ending = True
        with suppress(OSError), socket.create_connection(self.server_address[:2], timeout=1):  # type: ignore[arg-type]
            pass

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return not self._ending
