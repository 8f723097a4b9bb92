"""What Yandex's models and services cost a user and the project: cached prompts, models without a price."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ai.openai_answer import answer
from core.schemas import Usage
from tests.harness import ADMIN_ID, BotHarness

Make = Callable[..., BotHarness]


def test_a_cached_prompt_is_charged_at_its_price(make_harness: Make) -> None:
    harness = make_harness()
    harness.start()
    person = harness.writer()
    person.send("/model aliceai-llm-flash")
    person.wait("Теперь для вас пишет")
    before = harness.db.balance()
    harness.says("Дешёвые слова.", cached_tokens=100)
    person.press("▶️ Дальше")
    person.wait("Дешёвые слова.")
    given, written, cached, charged = (
        harness.db.last("call", column) for column in ("input", "output", "cached", "charged")
    )
    assert cached == 100 < given
    # Flash costs 0.10 ₽ in and 0.20 ₽ out, 0.025 ₽ from the cache; the default one 0.20 ₽.
    assert charged == -(-((given - 100) * 4 + 100) // 8) + written == before - harness.db.balance()
    admin = harness.new_person(ADMIN_ID, "Админ")
    admin.send("/stats")
    first, second = harness.db.rows("call")
    lite = (first["input"] + first["output"]) * 0.0002
    flash = (second["input"] - 100) * 0.0001 + 100 * 0.000025 + second["output"] * 0.0002
    assert f"{lite + flash:.2f} ₽".replace(".", ",") in admin.wait("Запросов").text.replace("\xa0", " ")


@pytest.mark.parametrize(
    ("told", "cached"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 40}}, 40),
        ({"input_tokens_details": {"cached_tokens": 40}}, 40),
        ({"prompt_cache_hit_tokens": 40, "prompt_cache_miss_tokens": 10}, 40),
        ({"prompt_tokens_details": {"cached_tokens": 400}}, 50),
        ({"prompt_tokens_details": {"cached_tokens": -1}}, 0),
        ({"prompt_tokens_details": {"cached_tokens": "many"}}, 0),
        ({"prompt_tokens_details": None}, 0),
        ({}, 0),
    ],
)
def test_cached_tokens_are_read_in_every_form_and_never_exceed_the_prompt(told: dict[str, Any], cached: int) -> None:
    usage = {"prompt_tokens": 50, "completion_tokens": 3, **told}
    body = {"choices": [{"message": {"content": "да"}, "finish_reason": "stop"}], "usage": usage}
    assert answer(json.dumps(body).encode()).usage == Usage(50, 3, cached=cached)
