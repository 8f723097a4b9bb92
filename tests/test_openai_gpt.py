"""The OpenAI-compatible provider against the stand-in, and its reading of what other servers send."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from ai.model_habits import NO_STREAM_OPTIONS
from ai.openai_text import Dialect, OpenAIProvider
from ai.provider import StaticCredential
from core.errors import ModelAway, ModelBusy, ModelDenied, ModelError, PromptTooLong
from core.http_client import HttpClient
from core.schemas import Chunk, Finish, Message, Request, Usage
from sandbox.model_faults import Behaviour
from sandbox.models import API_KEY, FOLDER_ID, ModelServers
from tests.model_fixtures import REQUEST, Client, failures, last, models, openai_client, together

__all__ = ["failures", "models", "openai_client"]


def test_increments_add_up(models: ModelServers, openai_client: Client) -> None:
    models.faults.order(Behaviour(text="Дождь шёл третий\u2028день.\n\nВеста молчала.", chunks=4))
    chunks = list(openai_client(model="any").stream(REQUEST))
    assert chunks[-1].text == "Дождь шёл третий\u2028день.\n\nВеста молчала."
    assert all(chunks[-1].text.startswith(chunk.text) for chunk in chunks)
    assert chunks[-1].usage and not chunks[-1].usage.estimated
    assert (chunks[-1].finish, len(chunks)) == (Finish.STOP, 5)


def test_a_whole_answer_is_read(openai_client: Client) -> None:
    answer = openai_client(model="any").ask(REQUEST)
    assert "Веста" in answer.text and answer.usage.output > 0


def test_the_first_model_on_offer_is_the_default_and_is_asked_for_once(
    models: ModelServers, openai_client: Client
) -> None:
    gpt = openai_client()
    assert together(8, lambda: gpt.ask(REQUEST).finish) == [Finish.STOP] * 8
    assert len(models.of("models")) == 1
    assert {received.body["model"] for received in models.of("completion")} == {"sandbox-storyteller"}
    assert gpt.provider.model_name("") == "sandbox-storyteller"


@pytest.mark.parametrize(("listed", "kind"), [("nonsense", ModelAway), ("[]", ModelAway), ('{"data":[]}', ModelDenied)])
def test_a_server_that_offers_no_model_is_no_server(
    listed: str, kind: type[ModelError], models: ModelServers, openai_client: Client
) -> None:
    models.faults.rule = lambda received: Behaviour(text=listed) if received.kind == "models" else None
    with pytest.raises(kind):
        openai_client().ask(REQUEST)
    assert models.of("completion") == []


def test_a_wrong_key_is_denied_and_none_is_needed_where_none_is_asked(
    models: ModelServers, openai_client: Client
) -> None:
    assert openai_client().ask(REQUEST).text
    assert "authorization" not in models.requests[0].headers
    models.openai_keys = {"sk-right"}
    with pytest.raises(ModelDenied) as caught:
        openai_client(model="any", api_key="sk-wrongwrongwrong").ask(REQUEST)
    assert "wrongwrong" not in f"{caught.value} {caught.value.body}"
    assert openai_client(model="any", api_key="sk-right").ask(REQUEST).text


def test_a_server_that_knows_no_stream_options_is_asked_without_them_from_then_on(
    models: ModelServers, openai_client: Client
) -> None:
    models.faults.default = Behaviour(unknown_parameters=("stream_options",), usage=False)
    gpt = openai_client(model="any")
    assert last(gpt.stream(REQUEST)).text
    final = last(gpt.stream(REQUEST))
    assert final.usage and final.usage.estimated
    assert ["stream_options" in received.body for received in models.of("completion")] == [True, False, False]


def test_a_server_that_knows_no_schema_is_asked_without_it(models: ModelServers, openai_client: Client) -> None:
    models.faults.default = Behaviour(unknown_parameters=("response_format",))
    request = replace(REQUEST, json_schema={"type": "object"})
    assert openai_client(model="any").ask(request).text
    assert ["response_format" in received.body for received in models.of("completion")] == [True, False]


def test_other_bad_requests_are_not_repeated(models: ModelServers, openai_client: Client) -> None:
    models.faults.order(Behaviour(status=400, shape="C", message="bad"))
    with pytest.raises(ModelError):
        openai_client(model="any").ask(REQUEST)
    assert len(models.of("completion")) == 1


def test_yandex_is_asked_its_way(models: ModelServers, openai_client: Client) -> None:
    gpt = openai_client(
        model=f"gpt://{FOLDER_ID}/aliceai-llm-flash",
        dialect=Dialect(project=FOLDER_ID, always=frozenset({NO_STREAM_OPTIONS})),
        credential=StaticCredential(f"Api-Key {API_KEY}"),
    )
    assert last(gpt.stream(REQUEST)).text
    received = models.of("completion")[0]
    assert (received.headers["openai-project"], received.headers["authorization"]) == (FOLDER_ID, f"Bearer {API_KEY}")
    assert "stream_options" not in received.body


def test_a_content_filter_replaces_what_was_said(models: ModelServers, openai_client: Client) -> None:
    models.faults.default = Behaviour(end="filter")
    final = last(openai_client(model="any").stream(REQUEST))
    assert final.finish is Finish.REFUSED
    assert final.text.startswith("Я не могу")
    assert openai_client(model="any").ask(REQUEST).finish is Finish.REFUSED


@pytest.mark.parametrize("code", [429, 8])
def test_an_error_event_under_200_is_an_error(code: int, models: ModelServers, openai_client: Client) -> None:
    models.faults.order(Behaviour(error_after=3, code=code, shape="C"))
    with pytest.raises(ModelBusy):
        last(openai_client(model="any").stream(REQUEST))
    assert len(models.of("completion")) == 1


@pytest.mark.parametrize(
    "behaviour", [Behaviour(garbage_after=2), Behaviour(cut_after=3), Behaviour(hang_after=3), Behaviour(text="")]
)
def test_nonsense_cuts_and_silence_are_no_answer(
    behaviour: Behaviour, models: ModelServers, openai_client: Client
) -> None:
    models.faults.order(behaviour)
    with pytest.raises(ModelAway) as caught:
        last(openai_client(model="any", timeout_s=0.3).stream(REQUEST))
    assert caught.value.billed


def test_a_prompt_that_is_too_long_is_told(openai_client: Client) -> None:
    request = Request((Message("user", "слово " * 9000),), 10)
    with pytest.raises(PromptTooLong):
        openai_client(model="any").ask(request)


def test_nothing_is_counted_by_the_server(models: ModelServers, openai_client: Client) -> None:
    gpt = openai_client(model="any")
    estimate = gpt.estimate(REQUEST.messages)
    assert gpt.count(REQUEST.messages, near=estimate) == estimate
    assert models.requests == []


def test_a_newer_openai_model_gets_its_own_name_for_the_limit() -> None:
    provider = OpenAIProvider("http://127.0.0.1/v1", HttpClient(), model="m")
    told = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    assert provider.adapt(ModelError(told, status=400), REQUEST)
    assert not provider.adapt(ModelError(told, status=400), REQUEST)
    assert provider.adapt(ModelError(told, status=400), replace(REQUEST, model="another"))
    body = provider.completion(REQUEST, stream=False, timeout_s=1).body
    assert isinstance(body, dict) and body["max_completion_tokens"] == 800 and "max_tokens" not in body


def read(*events: Any, done: bool = True) -> list[Chunk]:
    def lines() -> Iterable[bytes]:
        for event in events:
            yield event if isinstance(event, bytes) else b"data: " + json.dumps(event).encode()
            yield b""
        if done:
            yield b"data: [DONE]"

    return list(OpenAIProvider("http://127.0.0.1/v1", HttpClient(), model="m").chunks(iter(lines())))


def delta(content: Any, reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": content}, "finish_reason": reason}]}


def test_quirks_of_servers_are_read() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}
    role = {"choices": [{"delta": {"role": "assistant", "content": None}}]}
    final = Chunk("аб", Usage(3, 2), Finish.STOP)
    assert read(role, b": ping", {"choices": [{}]}, delta("а"), delta("б"), delta("", "stop"), usage)[-1] == final
    assert read(delta("аб", "stop"), usage, done=False)[-1] == final
    assert read(delta("аб"))[-1].finish is Finish.STOP
    assert read(delta("аб"), done=False)[-1].finish is None
    assert read(done=True) == []
    assert read(delta("а"), delta("", "length"))[-1].finish is Finish.LENGTH
    assert read(delta("аб", "stop"), b"data: nonsense")[-1] == Chunk("аб", None, Finish.STOP)


@pytest.mark.parametrize(
    "event",
    [
        b'{"error":{"message":"later","code":503}}',
        b"<html>",
        b"data: nonsense",
        b"data: 1",
        b'data: {"error":"boom"}',
        b'data: {"object":"error","message":"x","code":500}',
        b'data: {"choices":[{"finish_reason":"tool_calls"}]}',
    ],
)
def test_what_is_no_event_is_an_error(event: bytes) -> None:
    with pytest.raises(ModelAway):
        read(delta("а"), event)
