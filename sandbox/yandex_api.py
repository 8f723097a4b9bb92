"""Check requests of YandexGPT, and build its errors and the lines of an answer. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from core.schemas import Message
from sandbox.model_faults import Shape

CONTEXT_TOKENS: Final = 32_768
REASONING_MODES: Final = ("REASONING_MODE_UNSPECIFIED", "DISABLED", "ENABLED_HIDDEN")
STATUS_OF_CODE: Final = {3: 400, 4: 504, 5: 404, 7: 403, 8: 429, 12: 501, 13: 500, 14: 503, 16: 401}
CODE_OF_STATUS: Final = {status: code for code, status in STATUS_OF_CODE.items()} | {502: 14}
NAMES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_SPEECH_NAMES: Final = {400: "BAD_REQUEST", 401: "UNAUTHORIZED", 403: "UNAUTHORIZED", 429: "TOO_MANY_REQUESTS"}
MODELS: Final = frozenset(
    {"aliceai-llm", "yandexgpt-5.1", "yandexgpt-5-pro", "yandexgpt-5-lite", "yandexgpt", "yandexgpt-lite"}
)
# These have only OpenAI's API.
OPENAI_ONLY: Final = frozenset({"aliceai-llm-flash", "deepseek-v4-flash", "deepseek-v4.1-flash", "qwen3.6-35b-a3b"})
_FIELDS: Final = frozenset({"modelUri", "completionOptions", "messages", "jsonObject", "jsonSchema", "tools"})
_WORD: Final = re.compile(r"\w+|[^\w\s]")
_OPTIONS: Final = frozenset({"stream", "temperature", "maxTokens", "reasoningOptions"})


class Refused(Exception):
    """A refused request; `shape` is the vendor's shape of the answer."""

    def __init__(self, code: int, message: str, shape: Shape = "A") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.shape = shape


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked request for a completion."""

    messages: tuple[Message, ...]
    max_tokens: int
    stream: bool
    wants_json: bool
    include_usage: bool = True


def error_body(code: int, message: str, shape: Shape, status: int = 0) -> bytes:
    """Return an error in the vendor's shape A (completion), B (unary calls), C (OpenAI), D (SpeechKit), or as text."""
    status = status or STATUS_OF_CODE.get(code, 500)
    if shape == "text":
        return f"<html><body>{message or status}</body></html>".encode()
    value: Any = {"error": message, "code": code, "message": message, "details": []}
    if shape == "A":
        name = NAMES.get(status, "Error")
        fields = {"grpcCode": code, "httpCode": status, "message": message, "httpStatus": name, "details": []}
        value = {"error": fields}
    elif shape == "D":
        value = {"error_code": _SPEECH_NAMES.get(status, "INTERNAL_SERVER_ERROR"), "error_message": message}
    elif shape == "C":
        value = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
    return json.dumps(value, ensure_ascii=False).encode()


def check_completion(body: Any, folder_id: str) -> Asked:
    """Return the checked request. Raises `Refused` for what the real service refuses."""
    if not isinstance(body, dict):
        raise Refused(3, "invalid character looking for beginning of value", "B")
    _known(body, _FIELDS)
    check_model(body.get("modelUri"), folder_id, MODELS)
    options = body.get("completionOptions", {})
    if not isinstance(options, dict):
        raise Refused(3, "proto: syntax error: unexpected token", "B")
    _known(options, _OPTIONS)
    schema = body.get("jsonSchema")
    if schema is not None and not (isinstance(schema, dict) and isinstance(schema.get("schema"), dict)):
        raise Refused(3, "invalid json_schema", "B")
    temperature = options.get("temperature", 0.3)
    if not _number(temperature) or not 0 <= temperature <= 1:
        raise Refused(3, f"temperature must be in [0, 1], got {temperature}")
    stream = options.get("stream", False)
    if not isinstance(stream, bool):
        raise Refused(3, "proto: invalid value for bool field stream", "B")
    reasoning = options.get("reasoningOptions", {})
    if not isinstance(reasoning, dict) or reasoning.get("mode", "DISABLED") not in REASONING_MODES:
        raise Refused(3, "proto: invalid value for enum field reasoningOptions.mode", "B")
    messages = _check_messages(body.get("messages"))
    tokens = prompt_tokens(messages)
    if tokens > CONTEXT_TOKENS:
        raise Refused(3, f"number of input tokens must be no more than {CONTEXT_TOKENS}, got {tokens}")
    return Asked(messages, _max_tokens(options.get("maxTokens", "2000")), stream, schema is not None)


def _known(value: Mapping[str, Any], names: frozenset[str]) -> None:
    for name in value:
        if name not in names:
            raise Refused(3, f'proto: (line 1:2): unknown field "{name}"', "B")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _max_tokens(value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"-?\d+", str(value)) or isinstance(value, float):
        raise Refused(3, f"proto: invalid value for int64 field maxTokens: {value}", "B")
    if int(value) <= 0:
        raise Refused(3, f"max_tokens must be positive, got {value}")
    return int(value)


def check_model(uri: Any, folder_id: str, known: frozenset[str], shape: Shape = "A") -> None:
    """Raise `Refused` for an unknown model, or one of another folder."""
    found = (
        re.fullmatch(r"gpt://([^/]+)/([\w.-]+)(?:/(?:latest|rc|deprecated))?", uri) if isinstance(uri, str) else None
    )
    if found is None:
        raise Refused(3, "Failed to parse model URI" if uri else "invalid model_uri", shape)
    if found[1] != folder_id:
        told = f"Specified folder ID '{found[1]}' does not match with service account folder ID '{folder_id}'"
        raise Refused(3, told, shape)
    if found[2] not in known:
        raise Refused(5, f"model {uri} not found", shape)


def _check_messages(value: Any) -> tuple[Message, ...]:
    if not isinstance(value, list) or not value:
        raise Refused(3, "messages must not be empty")
    return tuple(_check_message(message, place) for place, message in enumerate(value))


def _check_message(value: Any, place: int) -> Message:
    if not isinstance(value, dict):
        raise Refused(3, "proto: syntax error: unexpected token", "B")
    _known(value, frozenset({"role", "text"}))
    role, text = value.get("role"), value.get("text")
    if role not in ("system", "user", "assistant"):
        raise Refused(3, f"messages[{place}]: unknown role {role!r}")
    if not isinstance(text, str) or not 0 < len(text) <= 100_000:
        size = len(text) if isinstance(text, str) else 0
        raise Refused(3, f"text length is {size}, which is outside the range (0, 100000]")
    return Message(role, text)


def tokens(text: str) -> list[str]:
    """Return text as tokens of up to four characters: about what the real tokenizer does with Russian."""
    return [piece for word in _WORD.findall(text) for piece in _pieces(word)]


@lru_cache(maxsize=10_000)
def _pieces(word: str) -> tuple[str, ...]:
    size = math.ceil(len(word) / math.ceil(len(word) / 4))
    return tuple(word[start : start + size] for start in range(0, len(word), size))


def prompt_tokens(messages: Sequence[Message]) -> int:
    """Return the tokens of a whole prompt with its pictures, three for each message's role and marks."""
    pictures = sum(picture.tokens for message in messages for picture in message.pictures)
    return pictures + sum(len(tokens(message.text)) + 3 for message in messages)


def result(text: str, status: str, input_tokens: int, *, usage: bool = True) -> dict[str, Any]:
    """Return an answer, or a state of one."""
    output = len(tokens(text))
    value: dict[str, Any] = {
        "alternatives": [
            {"message": {"role": "assistant", "text": text}, "status": f"ALTERNATIVE_STATUS_{status}"},
        ],
        "modelVersion": "09.02.2025",
    }
    if usage:
        value["usage"] = {
            "inputTextTokens": str(input_tokens),
            "completionTokens": str(output),
            "totalTokens": str(input_tokens + output),
        }
    return {"result": value}


def tokenized(text: str) -> dict[str, Any]:
    """Return the tokenizer's answer, which has no `result`."""
    found = [{"id": str(place + 1), "text": token, "special": False} for place, token in enumerate(tokens(text))]
    return {"tokens": found, "modelVersion": "09.02.2025"}
