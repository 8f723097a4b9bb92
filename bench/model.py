"""YandexGPT for measurements: answers streamed as the service streams them, or whole at the same moment."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from bench.standins import ANSWERS, PLACE, Witness, send, serve

CHUNK_S: Final = 0.1
FIRST_SHARE: Final = 0.25  # of the model's time, until its first chunk


class Model:
    """YandexGPT's completion: a first chunk after a quarter of `model_s`, then ten a second.

    A request without `stream` gets the whole answer when a stream would have ended.
    """

    def __init__(self, witness: Witness, model_s: float) -> None:
        self._witness = witness
        self._loop = asyncio.get_running_loop()
        self._model_s, self._first_s = model_s, model_s * FIRST_SHARE
        number = max(4, round(model_s * (1 - FIRST_SHARE) / CHUNK_S) + 1)
        self._chunk_s = model_s * (1 - FIRST_SHARE) / (number - 1)
        self._streams = [_stream(answer, number) for answer in ANSWERS]
        self._asked_by: Counter[int] = Counter()

    async def open(self) -> str:
        """Start serving on a free port; return the address."""
        self._server, url = await serve(self._on_call)
        return url

    def close(self) -> None:
        """Accept no more connections; open ones stay."""
        self._server.close()

    def _on_call(self, path: str, body: bytes, transport: asyncio.Transport) -> None:
        asked_at = time.monotonic()
        place = body.rfind(PLACE) + len(PLACE)
        chat_id = int(body[place : body.index(b".", place)])
        number = self._asked_by[chat_id] % len(ANSWERS)
        self._asked_by[chat_id] += 1
        if json.loads(body)["completionOptions"]["stream"]:
            first_at = asked_at + self._first_s
            self._loop.call_at(first_at, self._write, transport, self._streams[number], chat_id, asked_at, 0)
        else:
            self._loop.call_at(asked_at + self._model_s, self._write_whole, transport, number, chat_id, asked_at)

    def _write_whole(self, transport: asyncio.Transport, number: int, chat_id: int, asked_at: float) -> None:
        self._witness.first_chunk(chat_id, time.monotonic())
        send(transport, _line(ANSWERS[number], last=True))
        self._witness.wrote(chat_id, asked_at, time.monotonic())

    def _write(
        self, transport: asyncio.Transport, chunks: Sequence[bytes], chat_id: int, asked_at: float, number: int
    ) -> None:
        if transport.is_closing():
            return
        if number == 0:
            transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
                b"x-request-id: bench\r\n\r\n"
            )
            self._witness.first_chunk(chat_id, time.monotonic())
        transport.write(chunks[number])
        if number + 1 < len(chunks):
            due = asked_at + self._first_s + (number + 1) * self._chunk_s
            self._loop.call_at(due, self._write, transport, chunks, chat_id, asked_at, number + 1)
        else:
            self._witness.wrote(chat_id, asked_at, time.monotonic())


def _stream(answer: str, number: int) -> list[bytes]:
    """Return an answer as so many chunks, each with the whole text so far."""
    pieces = answer.split(" ")
    states = [" ".join(pieces[: len(pieces) * (step + 1) // number]) for step in range(number)]
    return [_chunk(text, last=text is states[-1]) for text in states]


def _chunk(text: str, *, last: bool) -> bytes:
    line = _line(text, last=last)
    return b"%x\r\n%b\r\n" % (len(line), line) + (b"0\r\n\r\n" if last else b"")


def _line(text: str, *, last: bool) -> bytes:
    status = "ALTERNATIVE_STATUS_FINAL" if last else "ALTERNATIVE_STATUS_PARTIAL"
    usage = {
        "inputTextTokens": "500",
        "completionTokens": str(len(text) // 4),
        "totalTokens": str(500 + len(text) // 4),
    }
    message = {"role": "assistant", "text": text}
    result = {"alternatives": [{"message": message, "status": status}], "usage": usage, "modelVersion": "bench"}
    return json.dumps({"result": result}, ensure_ascii=False).encode() + b"\n"
