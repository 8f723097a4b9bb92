"""Any OpenAI-compatible server as a `ModelProvider`: OpenAI, Ollama, vLLM, llama.cpp, Yandex's own compatible API.

Streams are server-sent events with increments, which are added up here. A parameter that a model refuses is left out
from then on (`adapt`). Without a configured model the first of `/models` is used. Doesn't cover tools; this API can't
count tokens.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from ai.catalog import ModelInfo
from ai.error_mapping import error_from, read_error
from ai.provider import Call, Credential, StaticCredential
from ai.request import fetch
from core.errors import ModelAway, ModelDenied, ModelError
from core.http_client import HttpClient
from core.schemas import Chunk, Finish, Json, Message, Request, Usage

MODELS_TIMEOUT_S: Final = 10.0
_FINISHES: Final[Mapping[str, Finish]] = {
    "stop": Finish.STOP,
    "eos": Finish.STOP,
    "length": Finish.LENGTH,
    "content_filter": Finish.REFUSED,
}
# Parameters that some servers refuse, by the word that their refusal names.
_OPTIONAL: Final = ("stream_options", "max_completion_tokens", "temperature", "response_format")
# Names of models for images, speech or embeddings, which OpenAI lists beside those that chat.
_NO_CHAT: Final = re.compile(
    r"embed|whisper|transcribe|tts|speech|audio|realtime|dall-e|image|sora|moderation|rerank|davinci|babbage|art://",
    re.IGNORECASE,
)
_CONTEXT_FIELDS: Final = ("max_model_len", "context_length", "context_window")  # vLLM's, and others'


class OpenAIProvider:
    """One OpenAI-compatible server.

    `base_url` ends in `/v1`. `credential` overrides `api_key`; a local server needs neither. Yandex's compatible API
    needs `project` (the folder), `stream_options=False`, and `sent_as`, which makes a URI of a model's name.
    """

    def __init__(
        self,
        base_url: str,
        http: HttpClient,
        *,
        api_key: str = "",
        credential: Credential | None = None,
        model: str = "",
        sent_as: Callable[[str], str] = str,
        project: str = "",
        stream_options: bool = True,
    ) -> None:
        self._url = base_url.rstrip("/")
        self._http = http
        self._credential = credential or StaticCredential(f"Bearer {api_key}" if api_key else "")
        self._model = model
        self._sent_as = sent_as
        self._project = project
        self._lock = threading.Lock()
        self._never: frozenset[str] = frozenset() if stream_options else frozenset({"stream_options"})
        self._refused: dict[str, frozenset[str]] = {}  # by model

    def model_name(self, model: str) -> str:
        """Return `model`, else the configured one, else "default". No network."""
        return model or self._model or "default"

    def completion(self, request: Request, *, stream: bool, timeout_s: float) -> Call:
        """Return the call for `request`, without the parameters that this model has refused. Raise ModelError."""
        headers = self._headers(timeout_s)
        refused = self._refused.get(request.model, self._never)
        body: dict[str, Json] = {
            "model": self._sent_as(request.model or self._default_model(timeout_s)),
            "messages": [{"role": message.role, "content": message.text} for message in request.messages],
            "stream": stream,
        }
        # OpenAI's newer models know `max_completion_tokens` only, most other servers `max_tokens` only.
        body["max_completion_tokens" if "max_completion_tokens" in refused else "max_tokens"] = request.max_tokens
        if "temperature" not in refused:
            body["temperature"] = request.temperature
        if stream and "stream_options" not in refused:
            body["stream_options"] = {"include_usage": True}
        if request.json_schema is not None and "response_format" not in refused:
            schema: dict[str, Json] = {"name": "answer", "schema": dict(request.json_schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return Call(f"{self._url}/chat/completions", headers, body)

    def counting(self, messages: Sequence[Message], model: str, timeout_s: float) -> Call | None:
        """Return None: these servers don't count tokens."""
        return None

    def counted(self, body: bytes) -> int:
        """Raise ModelAway: these servers don't count tokens."""
        raise ModelAway("this server doesn't count tokens")

    def chunks(self, lines: Iterator[bytes]) -> Iterator[Chunk]:
        """Yield the whole text so far at each step, the last one with `finish`. Raise ModelError."""
        text, finish, usage, said = "", None, None, False
        try:
            for event in _events(lines):
                if event is None:
                    finish = finish or (Finish.STOP if said else None)
                    break
                usage = _usage(event.get("usage")) or usage
                choice = _choice(event)
                piece = _content(choice.get("delta"))
                reason = choice.get("finish_reason")
                if isinstance(reason, str) and reason:
                    finish = _finish(reason)
                # On a content filter the piece is the whole text that stands in for the answer.
                text = piece if finish is Finish.REFUSED and piece else text + piece
                said = said or bool(text)
                if piece and finish is None:
                    yield Chunk(text, usage)
                if finish is not None and usage is not None:
                    break
        except ModelAway:
            if finish is None:
                raise  # else only the figures are missing
        if finish is not None:
            yield Chunk(text, usage, finish)

    def answer(self, body: bytes) -> Chunk:
        """Read a whole answer, its first choice. Raise ModelAway if it has none."""
        value = _object(body)
        choice = _choice(value)
        if not choice:
            raise ModelAway("an answer without choices")
        finish = _finish(str(choice.get("finish_reason") or "stop"))
        return Chunk(_content(choice.get("message")), _usage(value.get("usage")), finish)

    def error(self, status: int, headers: Mapping[str, str], body: str) -> ModelError:
        """Return the error for a status other than 200; `body` is masked already."""
        return read_error(status, headers, body)

    def drop_credential(self, authorization: str) -> bool:
        """Drop the refused header; return True if another one may be had."""
        return self._credential.drop(authorization)

    def adapt(self, error: ModelError, model: str) -> bool:
        """Leave out the parameter that the error names from now on; return False if it names none, or none anew."""
        words = f"{error} {error.body}"
        with self._lock:
            refused = self._refused.get(model, self._never)
            for name in _OPTIONAL:
                if name in words and name not in refused:
                    self._refused[model] = refused | {name}
                    return True
        return False

    def models(self, timeout_s: float = MODELS_TIMEOUT_S) -> list[ModelInfo]:
        """Ask the server for its models; return those that chat. Blocks. Raise ModelError."""
        call = Call(f"{self._url}/models", self._headers(timeout_s))
        found = _object(fetch(self._http, call, read_error, timeout_s)).get("data")
        if not isinstance(found, list):
            raise ModelAway("the server's list of models holds none")
        listed = [_listed(each) for each in found if isinstance(each, dict)]
        return [model for model in listed if model.name and not _NO_CHAT.search(model.name)]

    def _headers(self, timeout_s: float) -> dict[str, str]:
        authorization = self._credential.header(timeout_s)
        # Yandex's API keys go as bearers here too.
        headers = {"Authorization": "Bearer " + authorization.rpartition(" ")[2]} if authorization else {}
        if self._project:
            headers["OpenAI-Project"] = self._project
            headers["x-data-logging-enabled"] = "false"  # people's stories aren't for the vendor's training
        return headers

    def _default_model(self, timeout_s: float) -> str:
        if not self._model:
            with self._lock:
                if not self._model:
                    self._model = self._first_model(min(timeout_s, MODELS_TIMEOUT_S))
        return self._model

    def _first_model(self, timeout_s: float) -> str:
        models = self.models(timeout_s)
        if not models:
            raise ModelDenied("the server offers no model: set OPENAI_MODEL")
        return models[0].name


def _listed(value: Mapping[str, Any]) -> ModelInfo:
    name = value.get("id")
    contexts = [value[field] for field in _CONTEXT_FIELDS if isinstance(value.get(field), int) and value[field] > 0]
    return ModelInfo(name if isinstance(name, str) else "", contexts[0] if contexts else 0)


def _events(lines: Iterator[bytes]) -> Iterator[dict[str, Any] | None]:
    """Yield a stream's events; None for the mark of its end."""
    for line in lines:
        if line.startswith(b"data:"):
            data = line[5:].strip()
            yield None if data == b"[DONE]" else _object(data)
        elif line.startswith((b"{", b"<")):
            _object(line)  # not an event: an error's body, or a gateway's page


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelAway("nonsense instead of JSON") from error
    if not isinstance(value, dict):
        raise ModelAway("no JSON object in the answer")
    if value.get("error") or value.get("object") == "error":
        raise error_from(value)
    return value


def _choice(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first choice; empty if there is none, as in the chunk with the usage."""
    choices = value.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _content(message: Any) -> str:
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, str) else ""


def _finish(reason: str) -> Finish:
    finish = _FINISHES.get(reason)
    if finish is None:
        raise ModelAway(f"an answer of an unknown kind: {reason[:60]}")
    return finish


def _usage(value: Any) -> Usage | None:
    try:
        return Usage(int(value["prompt_tokens"]), int(value["completion_tokens"]))
    except (KeyError, TypeError, ValueError):
        return None
