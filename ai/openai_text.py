"""Any OpenAI-compatible server as a `ModelProvider`: OpenAI, Ollama, vLLM, llama.cpp, Yandex's own compatible API.

A parameter that a model refuses is left out from then on (`ai/model_habits.py`); answers are read in
`ai/openai_answer.py`. Without a configured model the first of `/models` is used. Doesn't cover tools; this API can't
count tokens.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ai import model_habits, openai_answer, token_estimate, vision
from ai.catalog import ModelInfo
from ai.error_mapping import read_error, read_object
from ai.learned import LearnedModels, LearningProvider
from ai.model_habits import refused_habit
from ai.provider import Call, Credential
from ai.request import fetch
from ai.server_address import ServerAddress
from core.errors import ModelAway, ModelDenied, ModelError, OnlyThoughts
from core.http_client import HttpClient
from core.schemas import Chunk, Json, Message, Request

MODELS_TIMEOUT_S: Final = 10.0
PENALTY: Final = 0.5  # for a model that has repeated itself
# Names of models for images, speech or embeddings, which OpenAI lists beside those that chat.
_NO_CHAT: Final = re.compile(
    r"embed|whisper|transcribe|tts|speech|audio|realtime|dall-e|image|sora|moderation|rerank|davinci|babbage|art://",
    re.IGNORECASE,
)
# How servers call a model's context: vLLM, OpenRouter, Groq, LiteLLM, LM Studio, llama.cpp (in `meta`).
_CONTEXT_FIELDS: Final = (
    *("max_model_len", "context_length", "context_window", "max_input_tokens", "loaded_context_length"),
    *("max_context_length", "n_ctx"),
)
_NO_LIST: Final = frozenset({404, 405, 501})
_SWITCHES: Final = frozenset({model_habits.NO_THINKING_SWITCH, model_habits.NO_EFFORT})


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server wants otherwise than OpenAI's: a URI made of a model's name, a project.

    `always`: habits that all of its models have. `reasons`: its models may think before they answer unless told not to.
    """

    sent_as: Callable[[str], str] = str
    project: str = ""
    always: frozenset[str] = frozenset()
    reasons: bool = False


OPENAI_DIALECT: Final = Dialect()


class OpenAIProvider(LearningProvider):
    """One OpenAI-compatible server.

    `base_url` ends in `/v1`. `credential` overrides `api_key`; a local server needs neither. Yandex's compatible API
    needs a dialect with its folder as `project`.
    """

    first_ratios = token_estimate.UNKNOWN
    worst_ratios = token_estimate.WORST
    may_loop = True
    streams_whole_answers = True  # a server notices that nobody waits only where it streams

    def __init__(
        self,
        base_url: str,
        http: HttpClient,
        *,
        api_key: str = "",
        credential: Credential | None = None,
        model: str = "",
        dialect: Dialect = OPENAI_DIALECT,
        learned: LearnedModels | None = None,
    ) -> None:
        super().__init__(learned)
        self._address = ServerAddress.read(base_url)
        self._http = http
        self._credential = credential or self._address.credential(api_key)
        self._model = model
        self._sent_as = dialect.sent_as
        self._project = dialect.project
        self._reasons = dialect.reasons
        self.always = dialect.always
        self._lock = threading.Lock()

    def model_name(self, model: str) -> str:
        """Return `model`, else the configured one, else "default". No network."""
        return model or self._model or "default"

    def completion(self, request: Request, *, stream: bool, timeout_s: float) -> Call:
        """Return the call for `request`, without the parameters that this model has refused. Raise ModelError."""
        headers = self._headers(timeout_s)
        name = request.model or self._default_model(timeout_s)
        body = self._body(request, self.habits(request.model), stream=stream)
        return Call(self._address.url("/chat/completions"), headers, {"model": self._sent_as(name), **body})

    def _body(self, request: Request, habits: frozenset[str], *, stream: bool) -> dict[str, Json]:
        messages = request.messages
        if model_habits.NO_SYSTEM_ROLE in habits:
            messages = without_system(messages)
        streams = stream and model_habits.NO_STREAM not in habits
        body: dict[str, Json] = {
            "messages": [{"role": message.role, "content": vision.content(message)} for message in messages],
            "stream": streams,
        }
        if model_habits.NO_LIMIT not in habits:
            # OpenAI's newer models know `max_completion_tokens` only, most other servers `max_tokens` only.
            new = model_habits.NEW_LIMIT_NAME in habits
            body["max_completion_tokens" if new else "max_tokens"] = request.max_tokens
        if model_habits.NO_TEMPERATURE not in habits:
            body["temperature"] = request.temperature
        if streams and model_habits.NO_STREAM_OPTIONS not in habits:
            body["stream_options"] = {"include_usage": True}
        if request.json_schema is not None and model_habits.NO_SCHEMA not in habits:
            schema: dict[str, Json] = {"name": "answer", "schema": dict(request.json_schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        penalty = max(request.frequency_penalty, PENALTY if model_habits.LOOPS in habits else 0.0)
        if penalty and model_habits.NO_PENALTY not in habits:
            body["frequency_penalty"] = penalty
        thinks = model_habits.THINKS in habits
        if thinks and model_habits.NO_THINKING_SWITCH not in habits:
            body["chat_template_kwargs"] = {"enable_thinking": False}
        if (thinks or self._reasons) and model_habits.NO_EFFORT not in habits:
            body["reasoning_effort"] = "none"  # thoughts cost as much as an answer, and a story needs none
        return body

    def counting(self, messages: Sequence[Message], model: str, timeout_s: float) -> Call | None:
        """Return None: these servers don't count tokens."""
        return None

    def counted(self, body: bytes) -> int:
        """Raise ModelAway: these servers don't count tokens."""
        raise ModelAway("this server doesn't count tokens")

    def chunks(self, lines: Iterator[bytes]) -> Iterator[Chunk]:
        """Yield the whole text so far at each step, the last one with `finish`. Raise ModelError."""
        return openai_answer.chunks(lines)

    def answer(self, body: bytes) -> Chunk:
        """Read a whole answer, its first choice. Raise ModelAway if it has none."""
        return openai_answer.answer(body)

    def error(self, status: int, headers: Mapping[str, str], body: str) -> ModelError:
        """Return the error for a status other than 200; `body` is masked already."""
        return read_error(status, headers, body)

    def drop_credential(self, authorization: str) -> bool:
        """Drop the refused header; return True if another one may be had."""
        return self._credential.drop(authorization)

    def adapt(self, error: ModelError, request: Request) -> bool:
        """Leave out the parameter that the error names from now on; return False if it names none, or none anew."""
        habits = self.habits(request.model)
        if vision.refuses_pictures(error, request):
            self.learn(request.model, model_habits.NO_PICTURES)
            return False  # without the picture it would be another question
        if isinstance(error, OnlyThoughts):
            return not habits >= _SWITCHES and self.learn(request.model, model_habits.THINKS)
        habit = refused_habit(error, self._body(request, habits, stream=True))
        return bool(habit) and self.learn(request.model, habit)

    def models(self, timeout_s: float = MODELS_TIMEOUT_S) -> list[ModelInfo]:
        """Ask the server for its models; return those that chat. Blocks. Raise ModelError."""
        call = Call(self._address.url("/models"), self._headers(timeout_s))
        value = read_object(fetch(self._http, call, read_error, timeout_s))
        found = value.get("data", value.get("models"))
        if not isinstance(found, list):
            raise ModelAway("the server's list of models holds none")
        listed = [_listed(each) for each in found if isinstance(each, dict)]
        return [model for model in listed if model.name and not _NO_CHAT.search(model.name)]

    def slots(self, timeout_s: float = MODELS_TIMEOUT_S) -> int:
        """Return how many answers the server writes at once, as llama.cpp tells; 0 if it doesn't say. Blocks."""
        call = Call(self._address.root_url("/props"), self._headers(timeout_s))
        try:
            number = read_object(fetch(self._http, call, read_error, timeout_s)).get("total_slots")
        except ModelError:
            return 0
        return number if isinstance(number, int) and number > 0 else 0

    def _key(self, model: str) -> str:
        return f"{self._address.base} {model or self._model}"

    def _headers(self, timeout_s: float) -> dict[str, str]:
        authorization = self._credential.header(timeout_s)
        if authorization and not authorization.startswith("Basic "):
            authorization = "Bearer " + authorization.rpartition(" ")[2]  # Yandex's API keys go as bearers here too
        headers = {"Authorization": authorization} if authorization else {}
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
        try:
            models = self.models(timeout_s)
        except ModelError as error:
            if error.status not in _NO_LIST:
                raise
            told = f"the server has no list of models ({error}): set OPENAI_MODEL to the name of one"
            raise ModelDenied(told, status=error.status, body=error.body) from error
        if not models:
            raise ModelDenied("the server offers no model: set OPENAI_MODEL")
        return models[0].name


def without_system(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return the messages with the system text before the user's first words, for a model that knows no such role."""
    system = "\n\n".join(message.text for message in messages if message.role == "system")
    rest = [message for message in messages if message.role != "system"]
    if not system:
        return tuple(rest)
    if rest and rest[0].role == "user":
        return (replace(rest[0], text=f"{system}\n\n{rest[0].text}"), *rest[1:])
    return (Message("user", system), *rest)


def _listed(value: Mapping[str, Any]) -> ModelInfo:
    name = value.get("id")
    places = [value, *(each for each in (value.get("meta"), value.get("model_info")) if isinstance(each, dict))]
    told = [place.get(field) for place in places for field in _CONTEXT_FIELDS]
    contexts = [number for number in told if isinstance(number, int) and number > 0]
    pictures = vision.listed_as_taking_pictures(value)
    return ModelInfo(name if isinstance(name, str) else "", contexts[0] if contexts else 0, pictures)
