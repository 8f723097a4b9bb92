"""Reads answers of OpenAI-compatible servers: a stream of events, or one JSON object, whichever was asked for.

Servers differ. Content is a string or a list of parts; thoughts come in fields of their own or as parts; a reason to
end has many names; a usage comes with the last chunk, after it, or with every one. A body of another form than was
asked for is read all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

from ai.error_mapping import read_object
from core.errors import ModelAway, ModelCancelled, ModelError
from core.schemas import Chunk, Finish, Usage

# Reasons to end, in lower case. Every other one means that the model had written all it wanted.
_CUT: Final = frozenset({"length", "max_tokens", "max_output_tokens", "max_new_tokens", "model_length", "token_limit"})
_FILTERED: Final = frozenset(
    {"content_filter", "content_filtered", "safety", "refusal", "recitation", "prohibited_content", "blocklist"}
    | {"sensitive", "guardrail_intervened"}
)
_BROKEN: Final = frozenset(
    {"tool_calls", "tool_use", "function_call", "error", "abort", "aborted", "cancelled", "canceled", "timeout"}
    | {"insufficient_system_resource", "network_error", "malformed_function_call"}
)
_THOUGHT_FIELDS: Final = ("reasoning_content", "reasoning", "thinking", "thoughts")
_THOUGHT_PARTS: Final = frozenset({"thinking", "reasoning", "redacted_thinking", "thought", "summary_text"})
_USAGE_FIELDS: Final = (("prompt_tokens", "completion_tokens"), ("input_tokens", "output_tokens"))
_CACHED_FIELDS: Final = ("prompt_tokens_details", "input_tokens_details")
_NOT_DATA: Final = (b":", b"event:", b"id:", b"retry:")


def chunks(lines: Iterator[bytes]) -> Iterator[Chunk]:
    """Yield the whole text so far at each step, the last one with `finish`. Raise ModelError."""
    state = _State()
    try:
        for event in _events(lines):
            if event is None:
                state.end()
                break
            chunk = state.after(event)
            if chunk is not None:
                yield chunk
            if state.complete:
                break
    except ModelError as error:
        if state.finish is None or isinstance(error, ModelCancelled):
            raise  # else only the figures are missing
    last = state.last()
    if last is not None:
        yield last


def answer(body: bytes) -> Chunk:
    """Read a whole answer, its first choice. Raise ModelAway if it has none, or another ModelError."""
    start = body.lstrip()
    if start.startswith((b"data:", *_NOT_DATA)):
        found = [chunk for chunk in chunks(line.rstrip(b"\r") for line in body.split(b"\n")) if chunk.finish]
        if not found:
            raise ModelAway("a stream without an end")
        return found[-1]
    value = read_object(body)
    choice = _choice(value)
    if not choice:
        raise ModelAway("an answer without choices")
    text, thoughts, refused = _said(choice)
    finish = _finish(choice.get("finish_reason")) or Finish.STOP
    return Chunk(text, _usage(value), Finish.REFUSED if refused else finish, thoughts)


class _State:
    """The parts of a streamed answer that have been received."""

    def __init__(self) -> None:
        self.text = self.thoughts = ""
        self.usage: Usage | None = None
        self.finish: Finish | None = None
        self.complete = False  # end and figures have come: nothing else is of use
        self._closed = False  # the chunk with the figures alone, or the mark of the end, has come

    def after(self, event: Mapping[str, Any]) -> Chunk | None:
        """Add an event; return the state of a text that still grows. Raise ModelError."""
        usage = _usage(event)
        self.usage = usage or self.usage
        choice = _choice(event)
        said, thought, refused = _said(choice)
        finish = _finish(choice.get("finish_reason"))
        if refused:
            finish = Finish.REFUSED
        self.finish = finish or self.finish
        # Some servers end with a whole message after its increments.
        whole = bool(self.text) and not choice.get("delta") and said.startswith(self.text)
        # On a content filter the piece is the whole text that stands in for the answer.
        replaces = whole or (self.finish is Finish.REFUSED and said)
        self.text = said if replaces else self.text + said
        self.thoughts += thought
        self._closed = self._closed or (usage is not None and not choice)
        self.complete = self.finish is not None and usage is not None
        return Chunk(self.text, self.usage, None, self.thoughts) if (said or thought) and self.finish is None else None

    def last(self) -> Chunk | None:
        """Return the finished answer; None if the stream broke off."""
        finish = self.finish
        if finish is None and self._closed and (self.text or self.thoughts):
            finish = Finish.STOP
        return Chunk(self.text, self.usage, finish, self.thoughts) if finish is not None else None

    def end(self) -> None:
        """Note the mark of the end."""
        self._closed = True


def _events(lines: Iterator[bytes]) -> Iterator[dict[str, Any] | None]:
    """Yield a stream's events; None for the mark of its end. Comments and empty data are left out."""
    held = b""  # data of one event on several lines
    for line in lines:
        if line.startswith(b"data:"):
            data = line[5:].strip()
            if data == b"[DONE]":
                yield None
            elif data:
                value, held = _parsed(held + data)
                if value is not None:
                    yield value
        elif not line.strip():
            if held:
                read_object(held)  # raises
        elif not line.startswith(_NOT_DATA):
            # No event: the whole answer, an error's body, a gateway's page, or an object a line.
            yield from _objects(chain([line], lines))
            return
    if held:
        read_object(held)


def _objects(lines: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a body without marks of events, each on one line or more."""
    held = b""
    for line in lines:
        if line.strip():
            value, held = _parsed(held + line.strip())
            if value is not None:
                yield value
    if held:
        read_object(held)


def _parsed(data: bytes) -> tuple[dict[str, Any] | None, bytes]:
    """Return the object in `data`, or what is to be completed by the next line. Raise ModelError."""
    try:
        return read_object(data), b""
    except ModelError as error:
        if not isinstance(error.__cause__, json.JSONDecodeError) or not data.startswith(b"{"):
            raise
        return None, data + b"\n"


def _choice(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first choice; empty if there is none, as in the chunk with the usage."""
    choices = value.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _said(choice: Mapping[str, Any]) -> tuple[str, str, bool]:
    """Return a choice's words, its thoughts, and whether they are a refusal."""
    message = choice.get("delta")
    if not isinstance(message, dict) or not message:
        message = choice.get("message")
    if not isinstance(message, dict):
        text = choice.get("text")  # of the older API of completions
        return (text, "", False) if isinstance(text, str) else ("", "", False)
    text, thoughts = _parts(message.get("content"))
    for field in _THOUGHT_FIELDS:
        if isinstance(value := message.get(field), str) and value:
            thoughts += value
            break  # some servers send the same thought under two names
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal and not text:
        return refusal, thoughts, True
    return text, thoughts, False


def _parts(content: Any) -> tuple[str, str]:
    """Return the words and the thoughts of a content: a string, a part, or a list of parts."""
    if isinstance(content, str):
        return content, ""
    if isinstance(content, dict):
        content = [content]
    text = thoughts = ""
    for part in content if isinstance(content, list) else ():
        if isinstance(part, str):
            text += part
        elif isinstance(part, dict):
            words = _words(part)
            if part.get("type") in _THOUGHT_PARTS:
                thoughts += words
            else:
                text += words
    return text, thoughts


def _words(part: Mapping[str, Any]) -> str:
    for field in ("text", "content", "thinking", "reasoning", "value"):
        value = part.get(field)
        if isinstance(value, str):
            return value
        if isinstance(value, list | dict):
            return "".join(_parts(value))
    return ""


def _finish(reason: Any) -> Finish | None:
    """Return why the model ended; None if it has not. Raise ModelAway for an answer that isn't one."""
    if not reason:
        return None
    name = reason.casefold() if isinstance(reason, str) else ""
    if name in _BROKEN:
        raise ModelAway(f"an answer that ended with {name}")
    if name in _CUT:
        return Finish.LENGTH
    return Finish.REFUSED if name in _FILTERED else Finish.STOP


def _usage(value: Mapping[str, Any]) -> Usage | None:
    """Return the figures of an event or an answer; None if it has none."""
    groq = value.get("x_groq")
    figures = value.get("usage") or (groq.get("usage") if isinstance(groq, dict) else None)
    if not isinstance(figures, dict):
        return None
    for given, written in _USAGE_FIELDS:
        try:
            prompt, answer = max(0, int(figures[given])), max(0, int(figures.get(written) or 0))
            return Usage(prompt, answer, cached=min(_cached(figures), prompt))
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return None


def _cached(figures: Mapping[str, Any]) -> int:
    """Return how much of the prompt was in the vendor's cache; 0 if it doesn't say."""
    told = figures.get("prompt_cache_hit_tokens")  # DeepSeek's own name
    for field in _CACHED_FIELDS:
        if isinstance(details := figures.get(field), dict):
            told = details.get("cached_tokens", told)
    return max(0, told) if isinstance(told, int) else 0
