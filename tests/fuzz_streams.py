"""Streams of models in any order and any pieces, with garbage between: `python -m tests.fuzz_streams [number] [seed]`.

Whatever a server sends, a stream ends with an answer or with a `ModelError`; a sound one loses no word, however its
bytes are cut and whatever stands between its events. `tests/test_fuzz_streams.py` runs some hundreds within the suite.
"""

from __future__ import annotations

import json
import logging
import random
import sys
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ai.openai_text import OpenAIProvider
from ai.provider import ModelProvider, StaticCredential
from ai.retry import RetryPolicy
from core.errors import ModelError
from core.http_client import HttpClient, Response
from core.schemas import Chunk, Finish, Message, Request, Usage
from gpt import GPT
from yandex_gpt import YandexProvider

REQUEST = Request((Message("user", "Начни историю."),), max_tokens=800)

WORDS = (
    "Маяк",
    " погас",
    " в полночь.",
    "\n\n",
    "— Кто там?",
    " <b>",
    "a < b",
    "\u2028",
    "é",
    "🙂",
    " [1]",
    "\\",
    '"',
    "{",
    "data:",
)
REASONS = ("stop", "end", "length", "eos_token", "STOP", "xyz")
NOISE = (b": ping\n\n", b"data:\n\n", b"data: \n\n", b"\n", b"event: message\n", b"id: 7\n", b"retry: 10\n", b"\r\n")
GARBAGE = (
    b"\x00\xff",
    b"data: {",
    b"data: nonsense\n\n",
    b"<html>\n",
    b"[]\n",
    b"data: []\n\n",
    b"data: 1\n\n",
    b"}\n",
    b'{"a":1}\n',
)
ODD: tuple[Any, ...] = (
    {},
    {"choices": None},
    {"choices": []},
    {"choices": [None]},
    {"choices": [{}]},
    {"choices": [{"delta": None}]},
    {"choices": [{"delta": {"content": None}}]},
    {"choices": [{"delta": {"content": [1, None, {}]}}]},
    {"choices": [{"delta": {"content": {"text": {"a": 1}}}}]},
    {"usage": {"prompt_tokens": "x"}},
    {"usage": []},
    {"choices": [{"finish_reason": 5, "delta": {}}]},
    {"choices": [{"message": "x"}]},
    {"error": None},
    {"error": {"message": "boom", "code": 500}},
    {"error": "boom"},
    {"object": "error", "message": 1},
    {"choices": [{"delta": {"reasoning": {"a": 1}}}]},
    {"choices": [{"delta": {"content": "<think>"}}]},
    {"result": {"alternatives": []}},
    {"result": {"alternatives": [{"message": {"text": 1}}]}},
    {"result": None},
)


def openai_events(words: Sequence[str], reason: str, usage: Usage, rng: random.Random) -> list[bytes]:
    """Return a sound stream of the OpenAI way, in one of its usual forms."""
    field = rng.choice(("content", "parts"))
    values: list[dict[str, Any]] = [{"choices": [{"delta": {"role": "assistant", "content": rng.choice(("", None))}}]}]
    for word in words:
        if rng.random() < 0.2:
            thought = rng.choice(("reasoning", "reasoning_content"))
            values.append({"choices": [{"delta": {"content": None, thought: "Так, так."}}]})
        content: Any = word if field == "content" else [{"type": "text", "text": word}]
        values.append({"choices": [{"delta": {"content": content}, "finish_reason": None}]})
    figures = {"prompt_tokens": usage.input, "completion_tokens": usage.output}
    end: dict[str, Any] = {"choices": [{"delta": {}, "finish_reason": reason}]}
    if rng.random() < 0.5:
        values += [end | {"usage": figures}]
    else:
        values += [end, {"choices": [], "usage": figures}]
    events = [b"data: " + json.dumps(value, ensure_ascii=rng.random() < 0.5).encode() + b"\n\n" for value in values]
    return events + ([b"data: [DONE]\n\n"] if rng.random() < 0.8 else [])


def yandex_events(words: Sequence[str], usage: Usage) -> list[bytes]:
    """Return a sound stream of YandexGPT: the whole text so far on each line."""
    events, text = [], ""
    for place, word in enumerate(words):
        text += word
        status = "ALTERNATIVE_STATUS_FINAL" if place == len(words) - 1 else "ALTERNATIVE_STATUS_PARTIAL"
        figures = {"inputTextTokens": str(usage.input), "completionTokens": str(usage.output)}
        alternative = {"message": {"role": "assistant", "text": text}, "status": status}
        result = {"alternatives": [alternative], "usage": figures}
        events.append(json.dumps({"result": result}, ensure_ascii=False).encode() + b"\n")
    return events


def cut(data: bytes, rng: random.Random) -> list[bytes]:
    """Return the bytes in pieces of any size."""
    pieces, place = [], 0
    while place < len(data):
        size = rng.choice((1, 2, 3, 7, 50, 1000))
        pieces.append(data[place : place + size])
        place += size
    return pieces


class CannedResponse:
    """An answer that comes in given pieces."""

    status_code = 200
    headers: Mapping[str, str] = {}

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = iter(pieces)

    def read1(self) -> bytes:
        """Return the next piece; empty at the end."""
        return next(self._pieces, b"")

    def close(self) -> None:
        """Nothing is open."""


class CannedHttp(HttpClient):
    """A client whose every request is answered with the same pieces; it counts the requests."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        super().__init__()
        self.pieces = pieces
        self.requests = 0

    def send(self, *_request: Any) -> Response:
        """Return the answer."""
        self.requests += 1
        return cast(Response, CannedResponse(self.pieces))


def one(seed: int) -> None:
    """Read one random stream. Raise AssertionError for lost words, and whatever else should not be raised."""
    rng = random.Random(seed)
    yandex = rng.random() < 0.3
    words = [rng.choice(WORDS) for _ in range(rng.randrange(1, 30))] + ["Конец."]
    reason, usage = rng.choice(REASONS), Usage(rng.randrange(1, 500), rng.randrange(1, 500))
    events = yandex_events(words, usage) if yandex else openai_events(words, reason, usage, rng)
    sound = rng.random() < 0.5
    events = with_noise(events, (b"\n",) if yandex else NOISE, rng) if sound else spoiled(events, rng)
    http = CannedHttp(cut(b"".join(events), rng))
    provider: ModelProvider = (
        YandexProvider("b1g", StaticCredential(""), model="m", url="http://127.0.0.1")
        if yandex
        else OpenAIProvider("http://127.0.0.1/v1", http, model="m")
    )
    found: list[Chunk] = []
    try:
        for chunk in GPT(provider, http, policy=RetryPolicy(attempts=1)).stream(REQUEST):
            found.append(chunk)
    except ModelError as error:
        assert not sound, f"a sound stream was refused: {error}"
        assert not any(chunk.finish for chunk in found), "a failure after the end"
    else:
        ends = [chunk for chunk in found if chunk.finish is not None]
        assert ends == found[-1:], "not one end: it would be charged twice, or never"
        assert ends[0].usage is not None, "an end without figures"
    if sound:
        last = found[-1]
        assert http.requests == 1, "asked twice"
        assert last.text == "".join(words), f"words were lost: {last.text!r} of {words!r}"
        assert last.usage == usage, "figures were lost"
        assert last.finish is (Finish.LENGTH if reason == "length" and not yandex else Finish.STOP)


def with_noise(events: Sequence[bytes], noise: Sequence[bytes], rng: random.Random) -> list[bytes]:
    """Return the events with what says nothing between them."""
    mixed: list[bytes] = []
    for event in events:
        mixed += rng.choices(noise, k=rng.randrange(3))
        mixed.append(event)
    return mixed


def spoiled(events: Sequence[bytes], rng: random.Random) -> list[bytes]:
    """Return the events in another order, some twice, some gone, with odd ones and garbage between them."""
    mixed = list(events)
    for _ in range(rng.randrange(1, 6)):
        place = rng.randrange(len(mixed) + 1)
        odd = json.dumps(rng.choice(ODD)).encode()
        what = rng.choice((rng.choice(GARBAGE), b"data: " + odd + b"\n\n", odd + b"\n", rng.randbytes(9)))
        mixed.insert(place, what)
        if rng.random() < 0.3:
            mixed.pop(rng.randrange(len(mixed)))
        if rng.random() < 0.3:
            mixed.append(rng.choice(mixed or [b""]))
    if rng.random() < 0.3:
        rng.shuffle(mixed)
    return mixed


def main(number: int = 10_000, first: int = 0) -> None:
    """Read so many streams and say how it went."""
    logging.disable()  # each refused stream is a line
    for seed in range(first, first + number):
        try:
            one(seed)
        except Exception as error:
            raise SystemExit(f"seed {seed}: {type(error).__name__}: {error}") from error
    sys.stdout.write(f"{number} streams read: no exception, no lost word, no second end\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
