"""Bytes of the models' stand-in: whole answers, chunks, pauses that end with the server, and broken connections."""

from __future__ import annotations

import json
import secrets
import socket
import threading
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any


class WireHandler(BaseHTTPRequestHandler, ABC):
    """Sends answers. A subclass says when the server is `closing`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    @abstractmethod
    def closing(self) -> threading.Event:
        """Set when the server stops: no pause goes on."""

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: `ModelServers.requests` has all requests."""

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self.closing.wait(seconds)

    def _break(self, after_s: float = 0.0) -> None:
        """Close the connection without an answer, after `after_s` or when the client closes it."""
        deadline = time.monotonic() + after_s
        self.connection.settimeout(0.05)
        while time.monotonic() < deadline and not self.closing.is_set():
            with suppress(TimeoutError):
                if not self.connection.recv(1):
                    break
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _send_json(self, value: Any) -> None:
        self._send(200, json.dumps(value, ensure_ascii=False).encode())

    def _send(
        self,
        status: int,
        body: bytes,
        *,
        retry_after: str = "",
        length: int | None = None,
        content_type: str = "application/json",
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self._identify()
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(body)

    def _identify(self) -> None:
        self.send_header("x-request-id", f"sandbox-{secrets.token_hex(6)}")
