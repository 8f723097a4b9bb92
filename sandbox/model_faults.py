"""Order how the local models behave: latency, refusals, broken streams, odd answers.

A test queues `Behaviour`s, each for one request, or sets a rule; without either `default` holds.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Shape = Literal["A", "B", "C", "D", "text"]
Kind = Literal["completion", "tokenizer", "iam", "metadata", "models", "properties", "image", "picture", "stt", "tts"]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How one request is answered. `…_after` counts the chunks that are sent before it happens."""

    first_chunk_s: float = 0.0
    chunk_s: float = 0.0
    chunks: int = 6

    status: int = 200  # another one: an error with this status, in the shape of `shape`
    shape: Shape = "A"
    code: int | None = None  # the gRPC code, where the status doesn't tell
    message: str = ""
    retry_after: str = ""

    hang: bool = False  # no headers, ever
    drop: bool = False  # the connection breaks before the headers
    hang_after: int | None = None
    cut_after: int | None = None
    error_after: int | None = None  # an error object under HTTP 200, with `code` and `message`
    garbage_after: int | None = None
    empty_alternatives: bool = False

    text: str | None = None  # the answer instead of the storyteller's; of other kinds than completion, the whole body
    streams: int = 1  # of Ogg, one after the other, in SpeechKit v3's answer
    heard: str | None = None  # what is recognised in a recording, whatever it says
    by_address: bool = False  # a picture comes as the address of it
    end: Literal["final", "truncated", "filter", "silent_filter"] = "final"  # "filter" refuses a picture too
    preface: bool = False
    markdown: bool = False
    rewrites: bool = False  # chunks take back what the one before said
    usage: bool = True
    unknown_parameters: tuple[str, ...] = ()  # refused with a 400 that names them

    # What OpenAI-compatible servers do each in its own way, see `openai_quirks.py`.
    refuses: tuple[str, ...] = ()  # parameters, by the names of its `REFUSALS`
    reason: str = ""  # to end, in place of the usual one
    other_form: bool = False  # JSON where a stream was asked for, and the reverse
    parts: bool = False  # content is a list of parts
    noise: bool = False  # comments, keep-alives and empty data between the events
    no_end: bool = False  # neither figures nor `[DONE]` follow the reason to end
    thoughts: str = ""
    thoughts_in: Literal["text", "lone", "reasoning_content", "reasoning", "parts"] = "text"
    heeds_switch: bool = False  # `enable_thinking` false and `reasoning_effort` none bring no thoughts
    only_thoughts: bool = False  # they take the whole answer
    prompt_tokens: int | None = None  # in the figures, whatever the prompt has
    cached_tokens: int | None = None  # of the prompt, in the figures
    before: str = ""  # a template's marks around the text
    after: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """A received request."""

    kind: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: Any  # parsed JSON; None where there was none
    at: float  # time.monotonic()
    query: str = ""


Rule = Callable[[Received], "Behaviour | None"]


@dataclass
class Faults:
    """The ordered behaviours; thread-safe."""

    default: Behaviour = field(default_factory=Behaviour)
    rule: Rule | None = None  # asked when nothing is queued; None: the default
    _queues: dict[str, deque[Behaviour]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def order(self, *behaviours: Behaviour, kind: Kind = "completion") -> None:
        """Apply these behaviours to the next requests, one each."""
        with self._lock:
            self._queues.setdefault(kind, deque()).extend(behaviours)

    def take(self, received: Received) -> Behaviour:
        """Return the behaviour for a request."""
        with self._lock:
            queue = self._queues.get(received.kind)
            if queue:
                return queue.popleft()
        ordered = self.rule(received) if self.rule is not None else None
        if ordered is not None:
            return ordered
        return self.default if received.kind == "completion" else Behaviour()
