"""A small threaded HTTP/1.1 server: keep-alive, one thread a connection, one `send` a response.

Covers what the stand-ins need: bodies with a length or chunked, urlencoded and multipart forms, streamed responses,
and a response that is a broken connection. Doesn't cover TLS, pipelining, `Expect` or ranges. It is written by hand
because it also serves as the target of load measurements, where the standard library's header parser is most of the
cost.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message as HeaderParser
from http import HTTPStatus
from io import BufferedIOBase
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote

MAX_HEAD_LINE = 65_536
MAX_BODY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a multipart form."""

    name: str
    data: bytes
    mime: str


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it came in; `path` is without the query and not yet unquoted."""

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
        """The parameters of query and body, and the files; raises ValueError on a body that can't be read."""
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
    """What goes back. `stream`, when given, is sent piece by piece until it ends and closes the connection."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    stream: Iterator[bytes] | None = None


class Dropped(Exception):
    """Raised by an application to break the connection off without a word."""


Application = Callable[[HttpRequest], HttpResponse]


def json_response(value: object, status: int = 200) -> HttpResponse:
    """A JSON body, Cyrillic as it is."""
    return HttpResponse(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def read_multipart(content_type: str, body: bytes, values: dict[str, Any], files: dict[str, Upload]) -> None:
    """Sorts the parts of a form into plain values and files; raises ValueError when there is no boundary."""
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
    """`form-data; name="x"; filename*=utf-8''y` → `{"name": "x", "filename": "y"}`."""
    parser = HeaderParser()
    parser["content-disposition"] = value
    found: dict[str, str] = {}
    for name, parameter in (parser.get_params(header="content-disposition") or [])[1:]:
        found[name.removesuffix("*").lower()] = parameter[2] if isinstance(parameter, tuple) else unquote(parameter)
    return found


class _Connection(socketserver.StreamRequestHandler):
    """One keep-alive connection: reads a request, asks the application, writes the answer, and again."""

    server: HttpServer
    disable_nagle_algorithm = True
    rbufsize = 65_536

    def handle(self) -> None:
        """Answers one request after another until either side ends the connection."""
        while (request := self._next()) is not None:
            try:
                response = self.server.application(request)
            except Dropped:
                return self._reset()
            try:
                if not self._answer(request, response):
                    return None
            except OSError:
                return None  # the other side went away
        return None

    def _next(self) -> HttpRequest | None:
        try:
            return read_request(self.rfile)
        except (OSError, ValueError):
            return None  # the other side went away, or sent what is not HTTP

    def _answer(self, request: HttpRequest, response: HttpResponse) -> bool:
        """True when the connection stays open."""
        keep = response.stream is None and request.headers.get("connection", "").lower() != "close"
        lines = [f"HTTP/1.1 {response.status} {_reason(response.status)}", f"Content-Type: {response.content_type}"]
        lines += [f"{name}: {value}" for name, value in response.headers]
        if response.stream is None:
            lines.append(f"Content-Length: {len(response.body)}")
        lines.append(f"Connection: {'keep-alive' if keep else 'close'}")
        body = b"" if request.method == "HEAD" else response.body
        self.connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        for piece in response.stream or ():
            self.connection.sendall(piece)
        return keep

    def _reset(self) -> None:
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def read_request(stream: BufferedIOBase) -> HttpRequest | None:
    """The next request of a connection; None when it was closed. Raises ValueError on what is not HTTP."""
    line = stream.readline(MAX_HEAD_LINE)
    if not line.strip():
        return None
    method, target, _version = line.decode("latin-1").split()
    headers: dict[str, str] = {}
    while (header := stream.readline(MAX_HEAD_LINE)) not in (b"\r\n", b"\n", b""):
        name, _, value = header.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    path, _, query = target.partition("?")
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = b"".join(_chunks(stream))
    else:
        length = int(headers.get("content-length") or 0)
        if length > MAX_BODY:
            raise ValueError("the body is too long")
        body = stream.read(length) if length else b""
        if len(body) < length:
            return None
    return HttpRequest(method, path, query, headers, body)


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    while size := int(stream.readline(MAX_HEAD_LINE).split(b";")[0], 16):
        yield stream.read(size)
        stream.readline(MAX_HEAD_LINE)
    stream.readline(MAX_HEAD_LINE)


@dataclass
class _Open:
    sockets: set[socket.socket] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


class HttpServer(socketserver.ThreadingTCPServer):
    """Serves `application` in background threads between `start()` and `close()`."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, application: Application, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((host, port), _Connection)
        self.application = application
        self._open = _Open()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="http", daemon=True)

    @property
    def url(self) -> str:
        """The server's address without a slash at the end, with the port it really got."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def port(self) -> int:
        """The port it listens at, also when the system chose it."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Begins to answer, in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Stops listening and breaks off what is open."""
        if self._thread.is_alive():
            self.shutdown()
        self.server_close()
        with self._open.lock:
            sockets = list(self._open.sockets)
        for connection in sockets:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remembers the connection while it is open, and serves it."""
        with self._open.lock:
            self._open.sockets.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forgets the connection and closes it."""
        with self._open.lock:
            self._open.sockets.discard(request)
        super().shutdown_request(request)

    def __enter__(self) -> HttpServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
