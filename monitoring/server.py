"""Serve `/health` and `/metrics` over HTTP, on an address of their own that is never the public one.

`/health` is 200 or 503, and its JSON says what is wrong with each part. `/metrics` is the WSGI application of
Prometheus' client. Waitress serves both, in the bot's process. Imported only where METRICS_PORT is set.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterable
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from waitress import create_server, wasyncore

from core.errors import ConfigError
from core.logs import event
from monitoring.health import Health

log = logging.getLogger(__name__)

THREADS: Final = 2
CONNECTIONS: Final = 50
SILENT_S: Final = 5  # a connection that sends nothing for so long is closed
STOP_S: Final = 0.5


class MonitoringServer:
    """Serves `health` and `metrics` at `host`:`port`; port 0: any free one. Raises `ConfigError` if it can't listen."""

    def __init__(
        self, host: str, port: int, health: Health, metrics: WSGIApplication, silent_s: int = SILENT_S
    ) -> None:
        self._channels: dict[int, Any] = {}
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # two requests at once are not worth a warning
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._socket = socket.create_server((host, port), family=family)
        except OSError as error:
            raise ConfigError([f"METRICS_PORT can't be listened at: {error.strerror or error}."]) from error
        self.port: int = self._socket.getsockname()[1]
        self._server = create_server(
            _application(health, metrics),
            map=self._channels,
            sockets=[self._socket],
            threads=THREADS,
            connection_limit=CONNECTIONS,
            channel_timeout=silent_s,
            cleanup_interval=silent_s,
            ident="coauthor",
            asyncore_use_poll=True,
        )
        self._thread = threading.Thread(target=self._server.run, name="monitoring", daemon=True)

    def start(self) -> None:
        """Serve from now on, in a thread of its own; return at once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, if it runs, and free the port; also without a `start`."""
        if self._thread.is_alive():
            self._server.trigger.pull_trigger(self._close)
            self._thread.join(STOP_S)
        else:
            self._close()
        self._server.task_dispatcher.shutdown(timeout=STOP_S)

    def _close(self) -> None:
        wasyncore.close_all(self._channels)  # the server's loop ends when it has no channel left


def _application(health: Health, metrics: WSGIApplication) -> WSGIApplication:
    """Return the WSGI application that has the two pages and answers 404 and 501 for the rest."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def respond(status: str, kind: str, text: str) -> Iterable[bytes]:
            body = text.encode()
            headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
            start_response(status, headers)
            return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

        def uncached(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
            return start_response(status, [*headers, ("Cache-Control", "no-store")], *failure)

        path, plain = environ["PATH_INFO"], "text/plain; charset=utf-8"
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return respond("501 Not Implemented", plain, "only GET and HEAD\n")
        try:
            if path == "/health":
                problems = health.problems()
                healthy = not any(problems.values())
                parts = {name: problem or "ok" for name, problem in problems.items()}
                text = json.dumps({"status": "ok" if healthy else "failing", "parts": parts}, ensure_ascii=False)
                return respond("200 OK" if healthy else "503 Service Unavailable", "application/json", text)
            if path == "/metrics":
                return metrics({**environ, "REQUEST_METHOD": "GET"}, uncached)
        except Exception:
            event(log, logging.ERROR, "watch_request_failed", path=path[:20], exc_info=True)
            return respond("500 Internal Server Error", plain, "see the log\n")
        return respond("404 Not Found", plain, "/health and /metrics are here\n")

    return answer
