"""Serve the stand-ins over HTTP/1.1: werkzeug's threaded server, with connections that stay open.

Covers bodies with a length or chunked, urlencoded and multipart forms, streamed responses, and a connection that breaks
instead of a response. Doesn't cover TLS, pipelining and ranges.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message as HeaderParser
from email.utils import collapse_rfc2231_value
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote

from werkzeug.exceptions import ClientDisconnected, NotFound
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wsgi import get_input_stream

from sandbox.accept_loop import AcceptLoop


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a multipart form."""

    name: str
    data: bytes
    mime: str


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request; `path` is without the query and not yet unquoted."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type in lower case, without charset or boundary; empty if none was sent."""
        return self.headers.get("content-type", "").split(";", 1)[0].strip().lower()

    def parameters(self) -> tuple[dict[str, Any], dict[str, Upload]]:
        """Return the parameters of query and body, and the files. Raises `ValueError`."""
        values: dict[str, Any] = dict(parse_qsl(self.query, keep_blank_values=True))
        files: dict[str, Upload] = {}
        if self.body and self.content_type == "application/json":
            sent = json.loads(self.body)
            if not isinstance(sent, dict):
                raise ValueError("the body is not an object")
            values.update(sent)
        elif self.body and self.content_type == "multipart/form-data":
            read_multipart(self.headers["content-type"], self.body, values, files)
        elif self.body:
            values.update(parse_qsl(self.body.decode(), keep_blank_values=True))
        return values, files


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response. `stream`, when given, is sent piece by piece until it ends and closes the connection."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    stream: Iterator[bytes] | None = None


class Dropped(Exception):
    """Raised by an application to close the connection without an answer."""


Application = Callable[[HttpRequest], HttpResponse]


def json_response(value: object, status: int = 200) -> HttpResponse:
    """Return a response with a JSON body."""
    return HttpResponse(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def read_multipart(content_type: str, body: bytes, values: dict[str, Any], files: dict[str, Upload]) -> None:
    """Add the parts of a form to `values` and `files`. Raises `ValueError` without a boundary.

    Werkzeug's parser takes no unquoted file name in UTF-8, which pyTelegramBotAPI sends and Telegram accepts.
    """
    boundary = header_parameters(content_type).get("boundary")
    if not boundary:
        raise ValueError("a multipart body without a boundary")
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:-1]:
        head, _, data = part.lstrip(b" \t").removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.decode().split("\r\n"))
        }
        about = header_parameters(headers.get("content-disposition", ""))
        if "filename" in about:
            mime = headers.get("content-type", "application/octet-stream")
            files[about.get("name", "")] = Upload(about["filename"], data, mime)
        else:
            values[about.get("name", "")] = data.decode()


def header_parameters(value: str) -> dict[str, str]:
    """Return `{"name": "x", "filename": "y"}` for `form-data; name="x"; filename*=utf-8''y`."""
    parser = HeaderParser()
    parser["content-disposition"] = value
    found: dict[str, str] = {}
    for name, parameter in (parser.get_params(header="content-disposition") or [])[1:]:
        text = collapse_rfc2231_value(parameter) if isinstance(parameter, tuple) else unquote(parameter)
        found[name.removesuffix("*").lower()] = text
    return found


class _Handler(WSGIRequestHandler):
    """Answers the requests of a connection. Werkzeug's own `run_wsgi` closes the connection after each response."""

    server: HttpServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65_536  # head and body of a response leave in one piece

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return a time as the header Date has it, by default the server's."""
        return super().date_time_string(self.server.clock() if timestamp is None else timestamp)

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        path, _, query = str(environ["REQUEST_URI"]).partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = get_input_stream(environ).read()
        request = HttpRequest(self.command, path, query, headers, body)
        try:
            response = self.server.application(request)
        except Dropped:
            self.close_connection = True
            return
        self.send_response(response.status)
        for name, value in (("Content-Type", response.content_type), *response.headers):
            self.send_header(name, value)
        if response.stream is None:
            self.send_header("Content-Length", str(len(response.body)))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        for piece in response.stream or ([response.body] if self.command != "HEAD" else []):
            self.wfile.write(piece)
            self.wfile.flush()

    def finish(self) -> None:
        """Close the files of the connection, also if the client has gone."""
        with suppress(OSError):
            super().finish()
        self.rfile.close()

    def log(self, type: str, message: str, *args: Any) -> None:
        """Log nothing."""


class HttpServer(AcceptLoop, ThreadedWSGIServer):
    """Serves `application` in background threads between `start()` and `close()`.

    `_Handler` calls it; the WSGI application that werkzeug asks for is never called.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        application: Application,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.application = application
        self.clock = clock
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        with socket.create_server((host, port), backlog=512) as listening:
            super().__init__(host, port, NotFound(), _Handler, fd=listening.fileno())
        self._thread = threading.Thread(target=self.accept_all, name="http", daemon=True)

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop listening and break the open connections."""
        if self._thread.is_alive():
            self.end_accepting()
            self._thread.join()
        self.server_close()
        with self._lock:
            sockets = list(self._sockets)
        for connection in sockets:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print a traceback of anything but a client that has gone."""
        if not isinstance(sys.exc_info()[1], (OSError, ClientDisconnected)):
            super().handle_error(request, client_address)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._sockets.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._sockets.discard(request)
        super().shutdown_request(request)

    def __enter__(self) -> HttpServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
