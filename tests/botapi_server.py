"""A server that takes Bot API calls, notes them, and answers as a test ordered. It keeps no state and no contract."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

TOKEN = "1:test-secret-of-the-bot"


@dataclass(frozen=True)
class Call:
    """One request as it came, with the moment of its arrival."""

    method: str
    params: dict[str, Any]
    at: float
    path: str
    content_type: str
    body: bytes

    @property
    def chat_id(self) -> Any:
        return self.params.get("chat_id")


@dataclass
class Order:
    """What one coming call gets instead of a yes."""

    status: int = 200
    body: bytes = b""
    before: Callable[[], object] = field(default=lambda: None)
    drop: bool = False  # read the request, then close without an answer


def refusal(code: int, description: str, retry_after: float | None = None, moved_to: int | None = None) -> Order:
    answer: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    if retry_after is not None:
        answer["parameters"] = {"retry_after": retry_after}
    if moved_to is not None:
        answer["parameters"] = {"migrate_to_chat_id": moved_to}
    return Order(code, json.dumps(answer).encode())


class BotApiServer:
    """`with BotApiServer() as server:`; `order(method, …)` is consumed first come first served."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.files: dict[str, bytes] = {}
        self._orders: defaultdict[tuple[str, Any], deque[Order]] = defaultdict(deque)
        self._changed = threading.Condition()
        self._message_id = 100
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                server._post(self)

            def do_GET(self) -> None:
                content = server.files.get(self.path)
                server._answer(self, 404 if content is None else 200, content or b"")

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: object, client_address: object) -> None:
                pass

        self._http = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def order(self, method: str, *orders: Order, chat_id: Any = None) -> None:
        """Return the next calls of `method` (in `chat_id`, if given) get these, one each."""
        with self._changed:
            self._orders[method, chat_id].extend(orders)

    def of(self, *methods: str, chat_id: Any = None) -> list[Call]:
        with self._changed:
            return [
                call
                for call in self.calls
                if (not methods or call.method in methods) and (chat_id is None or call.chat_id == chat_id)
            ]

    def wait(self, count: int, *methods: str, chat_id: Any = None, timeout_s: float = 10.0) -> list[Call]:
        """Return the calls of `methods`, as soon as there are `count`."""
        ends_at = time.monotonic() + timeout_s
        with self._changed:
            while len(found := self.of(*methods, chat_id=chat_id)) < count:
                assert self._changed.wait(ends_at - time.monotonic()), f"{methods}: {len(found)} of {count}"
            return found

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, traceback: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _post(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        content_type = handler.headers["Content-Type"]
        params = json.loads(body) if content_type == "application/json" else {}
        method = handler.path.rsplit("/", 1)[-1]
        call = Call(method, params, time.monotonic(), handler.path, content_type, body)
        with self._changed:
            self.calls.append(call)
            self._message_id += 1
            message_id = self._message_id
            orders = self._orders[method, call.chat_id] or self._orders[method, None]
            order = orders.popleft() if orders else Order()
            self._changed.notify_all()
        order.before()
        if order.drop:
            handler.close_connection = True
            return
        result: Any = {"message_id": message_id, "chat": {"id": call.chat_id}} if method.startswith("send") else True
        if method in ("sendChatAction", "sendMessageDraft"):
            result = True
        self._answer(handler, order.status, order.body or json.dumps({"ok": True, "result": result}).encode())

    def _answer(self, handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        handler.wfile.flush()
