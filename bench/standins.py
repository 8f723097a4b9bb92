"""Telegram and YandexGPT for measurements: one event loop, no threads, no checks.

The sandbox checks every call against the contract, with a thread a connection; that takes processor time from the bot.
These two answer only the calls of a turn, and note when. `Telegram` may pass the bot's calls on to another Bot API
server; `Sandbox` is the project's own.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

import requests

from sandbox.telegram import TOKEN, TelegramServer

CHUNK_S: Final = 0.1
FIRST_SHARE: Final = 0.25  # of the model's time, until its first chunk
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
_PLACE: Final = b"place-"  # the users' words carry their chat's number behind this


class Witness(Protocol):
    """Receives what happened, with times of `time.monotonic()`."""

    def called(self, method: str, chat_id: int, text: str, at: float) -> None:
        """Note that the bot called a Bot API method for this chat."""

    def wrote(self, chat_id: int, asked_at: float, first_at: float, ended_at: float) -> None:
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
        method = path.partition("?")[0].rpartition("/")[2]
        if method == "getUpdates":
            self._poll(json.loads(body), transport)
            return
        params = json.loads(body) if body[:1] == b"{" else {}
        chat_id = params.get("chat_id", 0)
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

    def _poll(self, params: dict[str, Any], transport: asyncio.Transport) -> None:
        self.polled_at = self.polled_at or time.monotonic()
        while self._updates and self._updates[0]["update_id"] < params.get("offset", 0):
            self._updates.popleft()
        self._poller = transport
        self._ending = self._loop.call_later(params.get("timeout", 0), self._nothing, transport)
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


class Model:
    """YandexGPT's streamed completion: a first chunk after a quarter of `model_s`, then ten a second."""

    def __init__(self, witness: Witness, model_s: float) -> None:
        self._witness = witness
        self._loop = asyncio.get_running_loop()
        self._first_s = model_s * FIRST_SHARE
        number = max(4, round(model_s * (1 - FIRST_SHARE) / CHUNK_S) + 1)
        self._chunk_s = model_s * (1 - FIRST_SHARE) / (number - 1)
        self._streams = [_stream(answer, number) for answer in ANSWERS]
        self._asked_by: Counter[int] = Counter()
        self.asked = 0

    async def open(self) -> str:
        """Start serving on a free port; return the address."""
        self._server, url = await serve(self._on_call)
        return url

    def close(self) -> None:
        """Accept no more connections; open ones stay."""
        self._server.close()

    def _on_call(self, path: str, body: bytes, transport: asyncio.Transport) -> None:
        asked_at = time.monotonic()
        self.asked += 1
        place = body.rfind(_PLACE) + len(_PLACE)
        chat_id = int(body[place : body.index(b".", place)])
        chunks = self._streams[self._asked_by[chat_id] % len(ANSWERS)]
        self._asked_by[chat_id] += 1
        self._loop.call_at(asked_at + self._first_s, self._write, transport, chunks, chat_id, asked_at, 0, 0.0)

    def _write(
        self,
        transport: asyncio.Transport,
        chunks: Sequence[bytes],
        chat_id: int,
        asked_at: float,
        number: int,
        first_at: float,
    ) -> None:
        if transport.is_closing():
            return
        if number == 0:
            transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
                b"x-request-id: bench\r\n\r\n"
            )
            first_at = time.monotonic()
            self._witness.first_chunk(chat_id, first_at)
        transport.write(chunks[number])
        if number + 1 < len(chunks):
            due = asked_at + self._first_s + (number + 1) * self._chunk_s
            self._loop.call_at(due, self._write, transport, chunks, chat_id, asked_at, number + 1, first_at)
        else:
            self._witness.wrote(chat_id, asked_at, first_at, time.monotonic())


def _stream(answer: str, number: int) -> list[bytes]:
    """Return an answer as so many chunks, each with the whole text so far."""
    pieces = answer.split(" ")
    states = [" ".join(pieces[: len(pieces) * (step + 1) // number]) for step in range(number)]
    return [_chunk(text, last=text is states[-1]) for text in states]


def _chunk(text: str, *, last: bool) -> bytes:
    status = "ALTERNATIVE_STATUS_FINAL" if last else "ALTERNATIVE_STATUS_PARTIAL"
    usage = {
        "inputTextTokens": "500",
        "completionTokens": str(len(text) // 4),
        "totalTokens": str(500 + len(text) // 4),
    }
    message = {"role": "assistant", "text": text}
    result = {"alternatives": [{"message": message, "status": status}], "usage": usage, "modelVersion": "bench"}
    line = json.dumps({"result": result}, ensure_ascii=False).encode() + b"\n"
    return b"%x\r\n%b\r\n" % (len(line), line) + (b"0\r\n\r\n" if last else b"")
