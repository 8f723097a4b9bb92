"""What OpenAI-compatible servers do each in its own way: shapes of answers, thoughts, refused parameters. Pure.

A `Behaviour` (`model_faults.py`) orders it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from sandbox.model_faults import Behaviour
from sandbox.yandex_api import Refused


class ParameterRefusal(NamedTuple):
    """What a server says to a parameter that it doesn't take."""

    parameter: str
    message: str
    code: int = 3  # of gRPC: 3 is 400, 5 is 404


# By the name that `Behaviour.refuses` gives it. The sentences are those of well-known servers.
REFUSALS: Final[Mapping[str, ParameterRefusal]] = {
    "stream": ParameterRefusal("stream", "Your organization must be verified to stream this model."),
    "streaming": ParameterRefusal("stream", "Streaming is not supported by this model"),
    "system": ParameterRefusal("system", "System role not supported"),
    "alternate": ParameterRefusal(
        "system", "Conversation roles must alternate user/assistant/user/assistant/... in the prompt"
    ),
    "developer": ParameterRefusal("system", "Developer instruction is not enabled for models/gemma-3-27b-it"),
    "schema": ParameterRefusal(
        "response_format", "Invalid parameter: 'response_format' of type 'json_schema' is not supported"
    ),
    "grammar": ParameterRefusal("response_format", "failed to parse grammar"),
    "no_endpoints": ParameterRefusal(
        "response_format", "No endpoints found that can handle the requested parameters.", 5
    ),
    "stream_options": ParameterRefusal("stream_options", "Unrecognized request argument supplied: stream_options"),
    "max_tokens": ParameterRefusal(
        "max_tokens",
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    ),
    "max_completion_tokens": ParameterRefusal(
        "max_completion_tokens", "Unrecognized request argument supplied: max_completion_tokens"
    ),
    "temperature": ParameterRefusal(
        "temperature",
        "Unsupported value: 'temperature' does not support 0.6 with this model. Only the default (1) value is.",
    ),
    "penalty": ParameterRefusal(
        "frequency_penalty", "[{'loc': ('body', 'frequency_penalty'), 'msg': 'Extra inputs are not permitted'}]"
    ),
    "effort": ParameterRefusal(
        "reasoning_effort", "Unsupported value: 'reasoning_effort' does not support 'none' with this model."
    ),
    "thinking_switch": ParameterRefusal(
        "chat_template_kwargs", "Unrecognized request argument supplied: chat_template_kwargs"
    ),
}


def check(body: Mapping[str, Any], refuses: Iterable[str]) -> None:
    """Raise `Refused` for the first parameter of the body that the server doesn't take."""
    for name in refuses:
        refusal = REFUSALS[name]
        if _sends(body, refusal.parameter):
            raise Refused(refusal.code, refusal.message, "C")


def _sends(body: Mapping[str, Any], parameter: str) -> bool:
    if parameter == "system":
        return any(message.get("role") == "system" for message in body.get("messages", ()))
    return bool(body.get(parameter))


def thoughts(body: Mapping[str, Any], behaviour: Behaviour) -> str:
    """Return the ordered thoughts, unless the request switches them off and the server heeds that."""
    switch = body.get("chat_template_kwargs")
    off = isinstance(switch, dict) and switch.get("enable_thinking") is False
    off = off or body.get("reasoning_effort") == "none"
    return "" if off and behaviour.heeds_switch else behaviour.thoughts


def marked(text: str, thought: str, behaviour: Behaviour) -> str:
    """Return the text with its thoughts before it and the template's marks around it, where they are ordered."""
    if thought and behaviour.thoughts_in == "text":
        text = f"<think>\n{thought}\n</think>\n\n{text}"
    elif thought and behaviour.thoughts_in == "lone":
        text = f"{thought}\n</think>\n\n{text}"
    return f"{behaviour.before}{text}{behaviour.after}"


def whole(value: dict[str, Any], thought: str, behaviour: Behaviour) -> dict[str, Any]:
    """Return a whole answer in the ordered shape."""
    _change(value.get("usage", {}), behaviour)
    choice = value["choices"][0]
    choice["finish_reason"] = behaviour.reason or choice["finish_reason"]
    message = choice["message"]
    if behaviour.parts:
        message["content"] = _parts(message["content"], thought if behaviour.thoughts_in == "parts" else "")
    if thought and behaviour.thoughts_in.startswith("reasoning"):
        message[behaviour.thoughts_in] = thought
    if thought and behaviour.only_thoughts:
        message["content"], choice["finish_reason"] = None, "length"
    return value


def events(values: Iterator[dict[str, Any]], thought: str, behaviour: Behaviour) -> Iterator[dict[str, Any]]:
    """Yield the events of a stream in the ordered shape."""
    yield next(values)
    if thought and behaviour.thoughts_in.startswith("reasoning"):
        for place in range(0, len(thought), 20):
            yield _delta({"content": None, behaviour.thoughts_in: thought[place : place + 20]})
    if thought and behaviour.only_thoughts:
        yield _delta({}, "length")
        return
    for value in values:
        for choice in value["choices"]:
            choice["finish_reason"] = choice["finish_reason"] and (behaviour.reason or choice["finish_reason"])
            if behaviour.parts and choice["delta"].get("content"):
                choice["delta"]["content"] = _parts(choice["delta"]["content"], "")
        yield value


def lines(values: Iterator[dict[str, Any]], behaviour: Behaviour) -> Iterator[bytes]:
    """Yield the events as lines, with the ordered noise between them."""
    for value in values:
        if behaviour.noise:
            yield b": keep-alive\n\n"
            yield b"data:\n\n"
            yield b"event: message\nid: 1\nretry: 3000\n"
        if "usage" in value:
            _change(value["usage"], behaviour)
        if behaviour.no_end and not value["choices"]:
            continue
        yield b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"
    if not behaviour.no_end:
        yield b"data: [DONE]\n\n"


def _change(usage: dict[str, Any], behaviour: Behaviour) -> None:
    """Put the ordered figures into a usage."""
    if behaviour.prompt_tokens is not None:
        usage["prompt_tokens"] = behaviour.prompt_tokens
    if behaviour.cached_tokens is not None:
        usage["prompt_tokens_details"] = {"cached_tokens": behaviour.cached_tokens}


def _parts(text: str, thought: str) -> list[dict[str, Any]]:
    said = [{"type": "text", "text": text}]
    return [{"type": "thinking", "thinking": [{"type": "text", "text": thought}]}, *said] if thought else said


def _delta(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
