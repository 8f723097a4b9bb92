"""Check requests of the OpenAI-compatible API, and build the events of an answer. Pure.

A model whose name begins with `gpt://` is one of Yandex's own compatible API, which takes whole URIs, knows some models
that the native API doesn't, and refuses `stop`, `seed` and `stream_options`. Every other server takes any name but
`no-such-model`, as a server with models of its own would.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from core.schemas import Message
from sandbox import eyes, yandex_api
from sandbox.yandex_api import Asked, Refused, prompt_tokens, tokens

MODELS: Final = ("sandbox-storyteller", "sandbox-other", "sandbox-poet", "sandbox-large")
UNKNOWN: Final = "no-such-model"
YANDEX_MODELS: Final = yandex_api.MODELS | yandex_api.OPENAI_ONLY
SEEING: Final = ("qwen3.6-35b-a3b", "sandbox-large")  # models that take pictures
CONTEXT_TOKENS: Final = 8_192
EFFORTS: Final = ("none", "minimal", "low", "medium", "high")
_FIELDS: Final = frozenset(
    {"model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature"}
    | {
        "response_format",
        "top_p",
        "user",
        "n",
        "stop",
        "seed",
        "frequency_penalty",
        "chat_template_kwargs",
        "reasoning_effort",
    }
)
_NOT_AT_YANDEX: Final = frozenset({"stop", "seed", "stream_options", "chat_template_kwargs"})


def yandex_models(folder_id: str, names: Iterable[str]) -> list[dict[str, Any]]:
    """Return what `/models` of Yandex's compatible API lists: whole URIs, also of models that don't chat."""
    others = (
        f"emb://{folder_id}/text-search-doc/latest",
        f"art://{folder_id}/aliceai-image-art-3.0",
        f"gpt://{folder_id}/speech-realtime-260528",
        f"gpt://{folder_id}/yandexgpt/deprecated",
    )
    uris = (*(f"gpt://{folder_id}/{name}/latest" for name in sorted(names)), *others)
    return [{"id": uri, "owned_by": "yandex"} for uri in uris]


def check_chat(
    body: Any,
    unknown: Sequence[str] = (),
    folder_id: str = "",
    context_tokens: int = CONTEXT_TOKENS,
    folder_models: frozenset[str] = YANDEX_MODELS,
    seeing: Iterable[str] = SEEING,
) -> Asked:
    """Return the checked request. Raises `Refused`."""
    if not isinstance(body, dict):
        raise Refused(3, "We could not parse the JSON body of your request.", "C")
    for name in body:
        if name not in _FIELDS or name in unknown:
            raise Refused(3, f"Unrecognized request argument supplied: {name}", "C")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Refused(3, "you must provide a model parameter", "C")
    if model == UNKNOWN:
        raise Refused(5, f"The model `{model}` does not exist or you do not have access to it.", "C")
    yandex = model.startswith("gpt://")
    if yandex:
        yandex_api.check_model(model, folder_id, folder_models, "C")
        for name in _NOT_AT_YANDEX & set(body):
            raise Refused(3, f"{name} is not supported", "C")
    stream = body.get("stream", False)
    options = body.get("stream_options")
    if options is not None and not stream:
        raise Refused(3, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", "C")
    limit = body.get("max_tokens", body.get("max_completion_tokens", 2000))
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise Refused(3, f"Invalid 'max_tokens': {limit!r}", "C")
    sees = any(name in model for name in seeing)
    messages = _check_messages(body.get("messages"), sees=sees)
    if prompt_tokens(messages) > context_tokens:
        raise Refused(3, f"the request exceeds the available context size ({context_tokens} tokens)", "C")
    if body.get("reasoning_effort", "none") not in EFFORTS:
        raise Refused(3, f"Invalid value for 'reasoning_effort': {body['reasoning_effort']!r}", "C")
    temperature = body.get("temperature", 1)
    if isinstance(temperature, bool) or not isinstance(temperature, int | float) or not 0 <= temperature <= 2:
        raise Refused(3, f"Invalid 'temperature': {temperature!r}", "C")
    wants_json = isinstance(body.get("response_format"), dict)
    # Yandex sends the usage without being asked.
    usage_wanted = yandex or bool(options and options.get("include_usage"))
    return Asked(messages, limit, bool(stream), wants_json, usage_wanted)


def _check_messages(value: Any, *, sees: bool) -> tuple[Message, ...]:
    if not isinstance(value, list) or not value:
        raise Refused(3, "[] is too short - 'messages'", "C")
    messages = []
    for place, message in enumerate(value):
        known = isinstance(message, dict) and set(message) <= {"role", "content"}
        role, content = (message.get("role"), message.get("content")) if known else (None, None)
        if role not in ("system", "user", "assistant") or not isinstance(content, str | list):
            raise Refused(3, f"Invalid value for 'messages[{place}]'", "C")
        messages.append(Message(role, content) if isinstance(content, str) else eyes.read(role, content, sees=sees))
    return tuple(messages)


def usage(asked: Asked, text: str) -> dict[str, int]:
    """Return the usage of one call."""
    given, written = prompt_tokens(asked.messages), len(tokens(text))
    return {"prompt_tokens": given, "completion_tokens": written, "total_tokens": given + written}


def whole(asked: Asked, model: str, text: str, reason: str, *, with_usage: bool = True) -> dict[str, Any]:
    """Return an answer that isn't streamed."""
    message = {"role": "assistant", "content": text}
    value: dict[str, Any] = {
        "id": "chatcmpl-sandbox",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
    }
    if with_usage:
        value["usage"] = usage(asked, text)
    return value


def events(
    asked: Asked, model: str, states: Sequence[str], reason: str, *, with_usage: bool = True
) -> Iterator[dict[str, Any]]:
    """Yield the events of a streamed answer, whose text grows through `states`."""

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"object": "chat.completion.chunk", "model": model, "choices": [choice]}

    yield chunk({"role": "assistant"})
    if model.startswith("gpt://"):
        yield chunk({})
    filtered = reason == "content_filter"
    before = ""
    for state in states[:-1] if filtered else states:
        yield chunk({"content": state.removeprefix(before)})
        before = state
    # A content filter sends its own text in place of the answer.
    yield chunk({"content": states[-1]} if filtered else {}, reason)
    if asked.include_usage and with_usage:
        yield {"object": "chat.completion.chunk", "model": model, "choices": [], "usage": usage(asked, states[-1])}
