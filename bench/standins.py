"""Telegram for measurements: one event loop, no threads, no checks.

The sandbox checks every call against the contract, with a thread a connection; that takes processor time from the bot.
`Telegram` answers only the calls of a turn, and notes when. It may pass the bot's calls on to another Bot API server;
`Sandbox` is the project's own. The model beside it is `bench.model`.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

import requests

from sandbox.telegram import TOKEN, TelegramServer

_SENTENCES: Final = (
    "Тропа в сорок шагов привела героя к старому маяку, где ещё горел огонь и ждали ответа.",
    "Дверь была не заперта, и на лестнице пахло керосином, солью и чем-то сладким.",
    "Наверху, у большой лампы, стояла девочка с мокрыми косами и держала в руках корабельный журнал.",
    "«Вы опоздали на двадцать лет», — сказала она и протянула ему перо.",
    "Он посмотрел на последнюю запись: чернила не высохли, а под ними было его собственное имя.",
    "Снаружи трижды прогудел корабль, которого никто не видел с прошлой осени.",
    "Герой поднял фонарь, и тень на стене повернула голову раньше, чем он сам.",
    "Внизу кто-то закрыл дверь на засов и стал медленно подниматься по ступеням.",
    "Девочка задула лампу, взяла его за рукав и шёпотом спросила, умеет ли он плавать.",
)
# Of a chat in turn: the bot asks again for a part that opens like the one before, and ends prose that repeats itself.
ANSWERS: Final = (" ".join(_SENTENCES), " ".join(reversed(_SENTENCES)))
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
PLACE: Final = b"place-"  # the users' words carry their chat's number behind this


class Witness(Protocol):
    """Receives what happened, with times of `time.monotonic()`."""

    def called(self, method: str, chat_id: int, text: str, at: float) -> None:
        """Note that the bot called a Bot API method for this chat."""

    def wrote(self, chat_id: int, asked_at: float, ended_at: float) -> None:
        """Note that the model has written its whole answer for this chat."""

    def first_chunk(self, chat_id: int, at: float) -> None:
        """Note that the model has sent the first chunk of an answer for this chat."""


def words(chat_id: int) -> str:
    """Return what a user writes: a line of the story with the chat's number, which the model finds."""
    return f"Герой поднимает фонарь и идёт дальше, к отметке place-{chat_id}."


class Http(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as far as `requests` needs it; `answer` is called with path, body and transport."""

    def __init__(self, answer: Callable[[str, bytes, asyncio.Transport], None]) -> None:
        self._answer = answer
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the answers."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Pass each complete request to `answer`; keep the rest until more bytes come."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            found = _LENGTH.search(head)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            self._answer(head.split(b" ", 2)[1].decode(), body, self._transport)


async def serve(answer: Callable[[str, bytes, asyncio.Transport], None]) -> tuple[asyncio.Server, str]:
    """Start a server on a free port; return it with its address."""
    server = await asyncio.get_running_loop().create_server(lambda: Http(answer), "127.0.0.1", 0, backlog=1024)
    host, port = server.sockets[0].getsockname()
    return server, f"http://{host}:{port}"


def reply(transport: asyncio.Transport, result: Any) -> None:
    """Send `result` as the Bot API does: `{"ok": true, "result": …}`."""
    send(transport, json.dumps({"ok": True, "result": result}, ensure_ascii=False).encode())


def send(transport: asyncio.Transport, body: bytes, status: int = 200) -> None:
    """Send a JSON answer, unless the connection is closing."""
    if not transport.is_closing():
        head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        transport.write(head.encode() + body)


class Telegram:
    """The Bot API. `say` is how a user writes."""

    token = TOKEN

    def __init__(self, witness: Witness, upstream: str = "", token: str = TOKEN) -> None:
        self._witness = witness
        self._upstream = upstream and f"{upstream.rstrip('/')}/bot{token}/"
        self.token = token
        self._pool = ThreadPoolExecutor(64) if upstream else None
        self._sessions = requests.Session()
        self._sessions.mount("http", requests.adapters.HTTPAdapter(pool_maxsize=64))
        self._ids = 0
        self._updates: deque[dict[str, Any]] = deque()
        self._poller: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._ending: asyncio.TimerHandle | None = None
        self.polled_at = 0.0  # the first getUpdates
        self.last_call_at = 0.0

    async def open(self) -> str:
        """Start serving on a free port; return the address."""
        self._server, url = await serve(self._on_call)
        return url

    def close(self) -> None:
        """Accept no more connections; open ones stay."""
        self._server.close()

    def say(self, chat_id: int, text: str) -> None:
        """Queue a private message as an update, and deliver it if the bot is polling."""
        self._ids += 1
        person = {"id": chat_id, "is_bot": False, "first_name": "Анна", "language_code": "ru"}
        chat = {"id": chat_id, "type": "private", "first_name": "Анна"}
        message = {"message_id": self._ids, "from": person, "chat": chat, "date": int(time.time()), "text": text}
        self._updates.append({"update_id": self._ids, "message": message})
        self._hand_over()

    def _hand_over(self) -> None:
        if self._poller is not None and self._updates:
            transport, self._poller = self._poller, None
            if self._ending:
                self._ending.cancel()
            reply(transport, list(self._updates)[:100])

    def _on_call(self, path: str, body: bytes, transport: asyncio.Transport) -> None:
        at = time.monotonic()
        address, _, query = path.partition("?")
        method = address.rpartition("/")[2]
        params = json.loads(body) if body[:1] == b"{" else dict(parse_qsl(query))
        if method == "getUpdates":
            self._poll(int(params.get("offset", 0)), int(params.get("timeout", 0)), transport)
            return
        chat_id = int(params.get("chat_id", 0))
        self.last_call_at = at
        if chat_id:
            self._witness.called(method, chat_id, params.get("text", ""), at)
        if self._pool is not None and chat_id:  # the profile of a real bot is left alone
            self._pool.submit(self._pass_on, method, body, transport)
        elif method == "sendMessage":
            self._ids += 1
            chat = {"id": chat_id, "type": "private"}
            reply(transport, {"message_id": self._ids, "date": int(at), "chat": chat, "text": params["text"]})
        elif method == "getMe":
            reply(transport, {"id": 7000000001, "is_bot": True, "first_name": "Соавтор", "username": "bench_bot"})
        elif method == "getMyCommands":
            reply(transport, [])
        elif method.startswith("getMy"):
            reply(transport, {"name": "", "description": "", "short_description": ""})
        else:
            reply(transport, True)

    def _poll(self, offset: int, timeout_s: int, transport: asyncio.Transport) -> None:
        self.polled_at = self.polled_at or time.monotonic()
        while self._updates and self._updates[0]["update_id"] < offset:
            self._updates.popleft()
        self._poller = transport
        self._ending = self._loop.call_later(timeout_s, self._nothing, transport)
        self._hand_over()

    def _nothing(self, transport: asyncio.Transport) -> None:
        if self._poller is transport:
            self._poller = None
            reply(transport, [])

    def _pass_on(self, method: str, body: bytes, transport: asyncio.Transport) -> None:
        try:
            answer = self._sessions.post(
                self._upstream + method, data=body, headers={"Content-Type": "application/json"}, timeout=30
            )
            status, content = answer.status_code, answer.content
        except requests.RequestException:
            status, content = 502, b"{}"
        self._loop.call_soon_threadsafe(send, transport, content, status)


class Sandbox:
    """The sandbox's Telegram, used in place of `Telegram`."""

    token = TOKEN

    def __init__(self, witness: Witness) -> None:
        self.polled_at = self.last_call_at = 0.0
        loop = asyncio.get_running_loop()

        class Watched(TelegramServer):
            def _call(server, method: str, request: Any) -> Any:
                at = time.monotonic()
                if method == "getUpdates":
                    self.polled_at = self.polled_at or at
                else:
                    params = json.loads(request.body) if request.body[:1] == b"{" else {}
                    self.last_call_at = at
                    if chat_id := params.get("chat_id", 0):
                        loop.call_soon_threadsafe(witness.called, method, chat_id, params.get("text", ""), at)
                return super()._call(method, request)

        self._server = Watched()

    async def open(self) -> str:
        """Start the sandbox's server; return its address."""
        self._server.__enter__()
        return self._server.url

    def close(self) -> None:
        """Close the sandbox's server."""
        self._server.close()

    def say(self, chat_id: int, text: str) -> None:
        """Send a message from the sandbox's user of that id."""
        self._server.user(chat_id).send(text)
