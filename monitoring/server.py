"""`/health` and `/metrics` over HTTP, on an address of their own that is never the public one.

`/health` is 200 or 503 and says in JSON what is wrong with which part; `/metrics` is Prometheus' text. The standard
library's server does: it is asked a few times a minute, by programs that the operator runs.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Final

from core.errors import ConfigError
from monitoring.health import Health

log = logging.getLogger(__name__)

SILENT_S: Final = 5.0  # after which a connection is closed
JSON_TYPE: Final = "application/json"

Page = tuple[int, str, bytes]  # status, type, body


class WatchServer:
    """The server at `host`:`port`. Raises `ConfigError` where it can't listen; `port` is where it does."""

    def __init__(self, host: str, port: int, health: Health, metrics: Callable[[], tuple[str, bytes]]) -> None:
        self._health = health
        self._metrics = metrics
        try:
            self._http = _Server((host, port), self.page)
        except OSError as error:
            sentence = f"METRICS_PORT: {host}:{port} can't be listened at ({error.strerror or error})."
            raise ConfigError([sentence]) from error
        self.port: int = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, name="watch", daemon=True)

    def start(self) -> None:
        """Answers from now on, in a thread of its own; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread's loop, if it runs, and frees the port; also without a `start`."""
        if self._thread.is_alive():
            self._http.shutdown()
        self._http.server_close()

    def page(self, path: str) -> Page:
        """What is at a path."""
        if path == "/health":
            troubles = self._health.look()
            well = not any(troubles.values())
            parts = {name: trouble or "ok" for name, trouble in troubles.items()}
            body = json.dumps({"status": "ok" if well else "failing", "parts": parts}, ensure_ascii=False)
            return 200 if well else 503, JSON_TYPE, body.encode()
        if path == "/metrics":
            kind, text = self._metrics()
            return 200, kind, text
        return 404, "text/plain; charset=utf-8", b"/health and /metrics are here\n"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], page: Callable[[str], Page]) -> None:
        self.page = page
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Without asking the domain name system who this machine is, which may take long and isn't needed."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        log.debug("a request for health or metrics failed: %s", sys.exc_info()[1])


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = SILENT_S
    server_version = "coauthor"
    sys_version = ""

    def do_GET(self) -> None:
        try:
            status, kind, body = self.server.page(self.path.partition("?")[0])
        except Exception:
            log.exception("%s failed", self.path.partition("?")[0][:20])
            status, kind, body = 500, "text/plain; charset=utf-8", b"see the log\n"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: a line each few seconds would drown the rest."""
