"""Parameters that servers refuse: the request goes again without them, and the model's habit is kept."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from ai.learned import FORGOTTEN_AFTER_S, LearnedModels
from ai.model_habits import REFUSALS, refused_habit
from ai.openai_text import OpenAIProvider
from core.errors import ModelDenied, ModelError, PromptTooLong
from core.http_client import HttpClient
from core.schemas import Message
from sandbox import openai_quirks
from sandbox.model_faults import Behaviour
from sandbox.models import ModelServers
from tests.model_fixtures import REQUEST, Client, failures, last, models, openai_client

__all__ = ["failures", "models", "openai_client"]

SCHEMA_REQUEST = replace(REQUEST, json_schema={"type": "object"})


@pytest.mark.parametrize("refused", sorted(set(openai_quirks.REFUSALS) - {"max_completion_tokens"}))
def test_a_refused_parameter_is_left_out_from_then_on(
    refused: str, models: ModelServers, openai_client: Client
) -> None:
    models.refuses = (refused,)
    learned = LearnedModels()
    gpt = openai_client(model="any", learned=learned)
    for habit in ("thinks", "loops"):
        gpt.provider.learn("", habit)
    assert last(gpt.stream(SCHEMA_REQUEST)).text
    assert gpt.ask(SCHEMA_REQUEST).text
    assert len(models.of("completion")) == 3  # refused once
    kept = LearnedModels()
    kept.recall(learned.dump())
    models.requests.clear()
    assert openai_client(model="any", learned=kept).ask(SCHEMA_REQUEST).text
    assert len(models.of("completion")) == 1
    assert last(openai_client(model="another", learned=kept).stream(SCHEMA_REQUEST)).text
    assert "max_tokens" in models.of("completion")[1].body  # another model is asked as usual


def test_several_refusals_are_answered_one_after_the_other(models: ModelServers, openai_client: Client) -> None:
    models.refuses = ("streaming", "system", "schema", "stream_options", "max_tokens", "temperature")
    assert last(openai_client(model="any").stream(SCHEMA_REQUEST)).text
    body = models.of("completion")[-1].body
    assert set(body) == {"model", "messages", "stream", "max_completion_tokens"}
    assert body["stream"] is False
    models.refuses = ("max_tokens", "max_completion_tokens")
    assert openai_client(model="any").ask(REQUEST).text
    assert not {"max_tokens", "max_completion_tokens"} & set(models.of("completion")[-1].body)


def test_the_system_text_goes_before_the_first_words_of_the_user(models: ModelServers, openai_client: Client) -> None:
    models.refuses = ("system",)
    assert last(openai_client(model="any").stream(REQUEST)).text
    assert [message["role"] for message in models.of("completion")[0].body["messages"]] == ["system", "user"]
    (message,) = models.of("completion")[1].body["messages"]
    assert message == {"role": "user", "content": f"{REQUEST.messages[0].text}\n\n{REQUEST.messages[1].text}"}


def test_a_refusal_of_something_else_is_a_failure(models: ModelServers, openai_client: Client) -> None:
    models.faults.default = Behaviour(status=400, shape="C", message="stream of consciousness is not my genre")
    with pytest.raises(ModelError):
        openai_client(model="any").ask(REQUEST)
    assert len(models.of("completion")) == 1


@pytest.mark.parametrize(
    ("message", "status", "sent", "habit"),
    [
        ('{"error":{"param":"stream","code":"unsupported_value"}}', 400, {"stream": True}, "no_stream"),
        ("stream_options is not supported", 400, {"stream": True, "stream_options": {"x": 1}}, "no_stream_options"),
        ("response_format is not supported", 400, {"stream": True}, ""),  # it wasn't sent
        ("temperature is not supported", 429, {"temperature": 0.5}, ""),
        ("Jinja Exception: System role not supported", 500, {"messages": [{"role": "system"}]}, "no_system_role"),
        ("the guided_json backend failed: bad schema", 422, {"response_format": {"x": 1}}, "no_schema"),
        ("max_tokens must be at least 1000", 400, {"max_tokens": 5}, ""),
    ],
)
def test_a_refusal_is_recognised_by_its_words_and_by_what_was_sent(
    message: str, status: int, sent: dict[str, Any], habit: str
) -> None:
    assert refused_habit(ModelError(message, status=status), sent) == habit
    assert not refused_habit(PromptTooLong(message, status=400), sent)


def test_each_habit_of_the_table_has_one_way_to_be_met() -> None:
    assert len({refusal.habit for refusal in REFUSALS}) == len(REFUSALS)
    assert {refusal.parameter for refusal in openai_quirks.REFUSALS.values()} == {
        refusal.parameter for refusal in REFUSALS
    }


def test_an_old_habit_is_tried_anew() -> None:
    now = 1_000_000.0
    learned = LearnedModels(lambda: now)
    assert learned.add("m", "no_stream") and not learned.add("m", "no_stream")
    text = learned.dump()
    for kept in ({"no_stream"}, set()):
        recalled = LearnedModels(partial(float, now))
        recalled.recall(text)
        assert recalled.of("m") == kept
        now += FORGOTTEN_AFTER_S + 1
    for nonsense in ("[]", "{", '{"m": 1}', '{"m": {"x": []}}'):
        with pytest.raises(ValueError):
            LearnedModels().recall(nonsense)


# ---------------------------------------------------------------------- addresses


def address(models: ModelServers, form: str) -> str:
    return form.format(host=models.url.removeprefix("http://"))


@pytest.mark.parametrize(
    ("form", "authorization"),
    [
        ("http://{host}/v1/", None),
        ("http://{host}/v1/chat/completions", None),
        ("http://{host}/v1/models/", None),
        ("http://me:p%40w@{host}/v1", "Basic bWU6cEB3"),
        ("http://me@{host}/v1?api-version=2024-10-21", "Basic bWU6"),
        ("http://{host}/v1/chat/completions?api-version=2024-10-21", None),
    ],
)
def test_an_address_is_taken_as_people_write_it(
    form: str, authorization: str | None, models: ModelServers, openai_client: Client
) -> None:
    models_at = address(models, form)
    models.openai_url = models_at
    assert openai_client().ask(REQUEST).text
    listing, completion = models.requests
    assert (listing.path, completion.path) == ("/v1/models", "/v1/chat/completions")
    assert completion.headers.get("authorization") == authorization
    assert completion.query == ("api-version=2024-10-21" if "?" in form else "")


def test_a_server_without_a_list_asks_for_the_setting(models: ModelServers, openai_client: Client) -> None:
    models.listed = None
    with pytest.raises(ModelDenied, match="set OPENAI_MODEL"):
        openai_client().ask(REQUEST)
    assert openai_client(model="any").ask(REQUEST).text


@pytest.mark.parametrize(
    "listed",
    [
        {"meta": {"n_ctx": 2048, "n_ctx_train": 32768}},
        {"max_input_tokens": 2048},
        {"max_model_len": 2048},
        {"context_length": 2048},
        {"model_info": {"max_input_tokens": 2048}},
    ],
)
def test_a_context_is_read_from_the_list(listed: dict[str, Any], models: ModelServers) -> None:
    models.listed = [{"id": "small", **listed}]
    (model,) = OpenAIProvider(models.openai_url, HttpClient()).models()
    assert (model.name, model.context_tokens) == ("small", 2048)


@pytest.mark.parametrize(
    "message",
    [
        '{"error":{"code":400,"message":"long","type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":2048}}',
        '{"error":{"message":"This model\'s maximum context length is 2048 tokens. However, you asked for 5000"}}',
        '{"error":{"message":"the request exceeds the available context size (2048 tokens)"}}',
        '{"error":{"message":"number of input tokens must be no more than 2048, got 59830"}}',
    ],
)
def test_a_context_is_read_from_a_refusal(message: str, models: ModelServers, openai_client: Client) -> None:
    error = openai_client().provider.error(400, {}, message)
    assert isinstance(error, PromptTooLong) and error.context_tokens == 2048


def test_slots_are_told_by_llama_cpp_alone(models: ModelServers) -> None:
    provider = OpenAIProvider(models.openai_url, HttpClient())
    assert provider.slots() == 0
    models.properties = {"total_slots": 2}
    assert provider.slots() == 2


# ---------------------------------------------------------------------- estimates


RUSSIAN = (Message("user", "Смотритель поднялся по лестнице и зажёг лампу. " * 25),)
ENGLISH = (Message("user", "The keeper climbed the stairs and lit the lamp. " * 25),)


def test_an_unknown_tokenizer_is_expected_to_split_finely(openai_client: Client) -> None:
    gpt = openai_client(model="any")
    assert gpt.at_most(RUSSIAN) >= len(RUSSIAN[0].text) / 1.29
    assert gpt.estimate(RUSSIAN) < gpt.at_most(RUSSIAN)


def test_estimates_are_learned_by_script(openai_client: Client) -> None:
    gpt = openai_client(model="any")
    length = len(ENGLISH[0].text)
    gpt._learn(ENGLISH, length // 4, "")
    assert length / 4 <= gpt.estimate(ENGLISH) < length / 3.5
    russian = len(RUSSIAN[0].text)
    gpt._learn(RUSSIAN, int(russian / 1.3), "")
    assert russian / 1.3 <= gpt.estimate(RUSSIAN) < russian / 1.1
    assert gpt.at_most(RUSSIAN) == gpt.estimate(RUSSIAN)
    assert length / 4 <= gpt.estimate(ENGLISH) < length / 3.5  # the Russian answer has changed nothing here
