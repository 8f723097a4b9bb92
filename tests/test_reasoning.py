"""A story needs no thoughts: models that would think by default are told not to, each its own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ai.openai_text import Dialect
from core.errors import ModelError
from sandbox.model_faults import Behaviour
from sandbox.models import ModelServers
from tests.harness import BotHarness, until
from tests.model_fixtures import REQUEST, Client, client, failures, last, models, openai_client

__all__ = ["client", "failures", "models", "openai_client"]
THOUGHTS = "Сначала подумаю, с чего начать, и что было раньше."


def options(models: ModelServers) -> list[Any]:
    return [received.body["completionOptions"].get("reasoningOptions") for received in models.of("completion")]


def efforts(models: ModelServers) -> list[Any]:
    return [received.body.get("reasoning_effort") for received in models.of("completion")]


def test_yandexgpt_is_told_not_to_think(models: ModelServers, client: Client) -> None:
    assert last(client().stream(REQUEST)).text
    assert options(models) == [{"mode": "DISABLED"}]


def test_a_model_of_yandexgpt_that_refuses_the_word_is_asked_without_it_from_then_on(
    models: ModelServers, client: Client
) -> None:
    gpt = client()
    models.faults.order(Behaviour(status=400, message="reasoning_options is not supported by this model"))
    assert last(gpt.stream(REQUEST)).text and gpt.ask(REQUEST).text
    assert options(models) == [{"mode": "DISABLED"}, None, None]
    models.faults.order(Behaviour(status=400, message="reasoning_options is not supported by this model"))
    with pytest.raises(ModelError):  # it isn't sent any more: the refusal is about something else
        gpt.ask(REQUEST)


def test_a_model_of_yandex_that_would_think_costs_no_thoughts(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(YANDEX_MODEL="qwen3.6-35b-a3b")
    harness.models.faults.default = Behaviour(
        text="Свет погас.", thoughts=THOUGHTS, thoughts_in="reasoning_content", heeds_switch=True, only_thoughts=True
    )
    harness.start()
    harness.at_summary().press("✨ Начать историю")
    until(lambda: harness.db.count("turn", state="answered") == 1)
    (received,) = harness.models.of("completion")
    assert received.body["reasoning_effort"] == "none" and "chat_template_kwargs" not in received.body


def test_an_effort_that_is_refused_is_left_out_from_then_on(models: ModelServers, openai_client: Client) -> None:
    models.refuses = ("effort",)
    gpt = openai_client(model="gpt-oss", dialect=Dialect(reasons=True))
    assert last(gpt.stream(REQUEST)).text and gpt.ask(REQUEST).text
    assert efforts(models) == ["none", None, None]


def test_another_server_is_told_only_once_its_model_has_thought(models: ModelServers, openai_client: Client) -> None:
    gpt = openai_client(model="gemma")
    assert last(gpt.stream(REQUEST)).text
    models.faults.default = Behaviour(thoughts=THOUGHTS, thoughts_in="reasoning", heeds_switch=True)
    assert last(gpt.stream(REQUEST)).text and last(gpt.stream(REQUEST)).text
    assert efforts(models) == [None, None, "none"]


def test_one_of_two_switches_is_enough_for_a_model_that_only_thinks(
    models: ModelServers, openai_client: Client
) -> None:
    models.refuses = ("thinking_switch",)
    models.faults.default = Behaviour(thoughts=THOUGHTS, thoughts_in="reasoning", heeds_switch=True, only_thoughts=True)
    assert last(openai_client(model="ollama-qwen").stream(REQUEST)).text
    assert efforts(models) == [None, "none", "none"]
