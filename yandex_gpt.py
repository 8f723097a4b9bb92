"""YandexGPT's native API as a `Wire`, and the prompt's messages, which are the same for every vendor.

The API is the official `yandex.cloud.ai.foundation_models.v1`, as JSON over HTTP: one JSON object a line in
a stream, each with the **whole** text so far (it may rewrite what came before), numbers as strings, errors
under HTTP 200. Covers text generation and its tokenizer; credentials are in `yandex_iam.py`. Doesn't cover
tools, asynchronous generation, images, speech, and the models that speak the OpenAI way only (`native`).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from errors import ModelAway, ModelError
from messages import Chunk, Finish, Json, Message, Request, Usage
from wires.model_errors import error_from, read_error
from wires.wire import Call, Credential

LLM_URL: Final = "https://llm.api.cloud.yandex.net"
DEFAULT_MODEL: Final = "yandexgpt-lite"

_OPENAI_ONLY: Final = ("aliceai-llm-flash", "deepseek-", "qwen")

_FINISHES: Final[Mapping[str, Finish]] = {
    "ALTERNATIVE_STATUS_FINAL": Finish.STOP,
    "ALTERNATIVE_STATUS_TRUNCATED_FINAL": Finish.LENGTH,
    "ALTERNATIVE_STATUS_CONTENT_FILTER": Finish.REFUSED,
}
_GROWING: Final = frozenset({"ALTERNATIVE_STATUS_PARTIAL", "ALTERNATIVE_STATUS_UNSPECIFIED", ""})


def model_uri(folder_id: str, model: str) -> str:
    """`gpt://<folder>/<model>`; a whole URI (of a tuned model, of another folder) is left as it is."""
    return model if "://" in model else f"gpt://{folder_id}/{model}"


def native(model: str) -> bool:
    """False for a model that Yandex offers the OpenAI way only, going by its name; the catalogue knows better."""
    name = model.split("://", 1)[-1].split("/", 1)[-1] if "://" in model else model
    return not name.startswith(_OPENAI_ONLY)


class YandexWire:
    """YandexGPT of one folder."""

    def __init__(
        self, folder_id: str, credential: Credential, *, model: str = DEFAULT_MODEL, url: str = LLM_URL
    ) -> None:
        self._folder_id = folder_id
        self._credential = credential
        self._model = model
        self._url = f"{url.rstrip('/')}/foundationModels/v1"
        self._no_schema: frozenset[str] = frozenset()  # the models that have refused one

    def model_name(self, model: str) -> str:
        """`model`, or the configured one for an empty name. No network."""
        return model or self._model

    def completion(self, request: Request, *, stream: bool, timeout_s: float) -> Call:
        """The call that asks `request`, its temperature brought within 0 to 1. Raises ModelError."""
        body = self._body(request.messages, request.model)
        body["completionOptions"] = {
            "stream": stream,
            "temperature": min(max(request.temperature, 0.0), 1.0),
            "maxTokens": str(request.max_tokens),  # an int64: a string in JSON
        }
        if request.json_schema is not None and request.model not in self._no_schema:
            body["jsonSchema"] = {"schema": dict(request.json_schema)}
        return Call(f"{self._url}/completion", self._headers(timeout_s), body)

    def counting(self, messages: Sequence[Message], model: str, timeout_s: float) -> Call | None:
        """The call that has the vendor count the messages' tokens. Raises ModelError."""
        return Call(f"{self._url}/tokenizeCompletion", self._headers(timeout_s), self._body(messages, model))

    def chunks(self, lines: Iterator[bytes]) -> Iterator[Chunk]:
        """A chunk for each line of JSON that isn't blank. Raises ModelError."""
        for line in lines:
            if line.strip():
                yield _chunk(line)

    def answer(self, body: bytes) -> Chunk:
        """A whole answer. Raises ModelAway where it doesn't say how it ended."""
        chunk = _chunk(body)
        if chunk.finish is None:
            raise ModelAway("an answer without an end")
        return chunk

    def counted(self, body: bytes) -> int:
        """How many tokens the tokenizer lists. Raises ModelAway where it lists none."""
        tokens = _object(body).get("tokens")
        if not isinstance(tokens, list):
            raise ModelAway("the tokenizer answered without tokens")
        return len(tokens)

    def error(self, status: int, headers: Mapping[str, str], body: str) -> ModelError:
        """The ModelError that a status other than 200 stands for; `body` is masked already."""
        return read_error(status, headers, body)

    def drop_credential(self, authorization: str) -> bool:
        """Gives up the refused header; True when a new try may help."""
        return self._credential.drop(authorization)

    def adapt(self, error: ModelError, model: str) -> bool:
        """True when the error is about the JSON schema: this model is sent none from now on."""
        named = "schema" in f"{error} {error.body}".lower() and model not in self._no_schema
        if named:
            self._no_schema |= {model}
        return named

    def _headers(self, timeout_s: float) -> dict[str, str]:
        return {
            "Authorization": self._credential.header(timeout_s),
            "x-data-logging-enabled": "false",  # people's stories aren't for the vendor's training
            "x-client-request-id": str(uuid.uuid4()),
        }

    def _body(self, messages: Sequence[Message], model: str) -> dict[str, Json]:
        return {
            "modelUri": model_uri(self._folder_id, model or self._model),
            "messages": [{"role": message.role, "text": message.text} for message in messages],
        }


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ModelAway("nonsense instead of JSON") from error
    if not isinstance(value, dict):
        raise ModelAway("no JSON object in the answer")
    if "error" in value:
        raise error_from(value)
    return value


def _chunk(line: bytes) -> Chunk:
    result = _object(line).get("result")
    alternatives = result.get("alternatives") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(alternatives, list) or not alternatives:
        raise ModelAway("an answer without alternatives")
    first = alternatives[0]
    message = first.get("message") if isinstance(first, dict) else None
    text = message.get("text") if isinstance(message, dict) else None
    status = str(first.get("status") or "") if isinstance(first, dict) else ""
    if status not in _GROWING and status not in _FINISHES:
        raise ModelAway(f"an answer of an unknown kind: {status[:60]}")
    if text is not None and not isinstance(text, str):
        raise ModelAway("an answer whose text is no text")
    return Chunk(text or "", _usage(result.get("usage")), _FINISHES.get(status))


def _usage(value: Any) -> Usage | None:
    try:
        return Usage(int(value["inputTextTokens"]), int(value["completionTokens"]))
    except (KeyError, TypeError, ValueError):
        return None


def build_prompt(*, system: str, opening: str, path: Sequence[Message], go_on: str, closing: str = "") -> list[Message]:
    """The messages of one request: `system`, then user and assistant in turn, the user's at the end.

    The first of the turns is `opening` («Начни историю.»). `go_on` («Продолжи.») stands between two parts
    that the model wrote on its own, and `closing`, if any, asks for the answer; neither is stored or shown.
    Lines of the same side that meet become one message. Pure; empty texts drop out; `opening` may be one
    where the path begins with the user's words, `go_on` must not.
    """
    turns: list[Message] = []

    def add(message: Message) -> None:
        if not message.text.strip():
            return
        if turns and turns[-1].role == message.role:
            if message.role == "assistant":
                turns.append(Message("user", go_on))
            else:
                message = Message("user", f"{turns.pop().text}\n\n{message.text}")
        turns.append(message)

    for message in (Message("user", opening), *path, Message("user", closing)):
        add(message)
    if turns[-1].role == "assistant":
        turns.append(Message("user", go_on))
    return [Message("system", system), *turns] if system.strip() else turns
