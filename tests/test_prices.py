"""What Yandex's models and services cost a user and the project: cached prompts, pictures, speech."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ai.openai_answer import answer
from app.builders import load_catalogue
from app.service_prices import with_service_prices
from config import Config
from core.schemas import Usage
from tests.harness import ADMIN_ID, BotHarness, until
from turns.kinds.reading import reading_price

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


@pytest.mark.parametrize(
    ("settings", "tokens"),
    [
        ({}, (11_200, 813, 3_252)),  # 2.24 ₽, 0.1626 ₽ and 4 × 0.1626 ₽ at 0.0002 ₽ a token
        ({"YANDEX_MODEL": "yandexgpt-5-pro"}, (1_867, 136, 542)),
        ({"YANDEX_MODEL": "aliceai-llm-flash"}, (22_400, 1_626, 6_504)),
        ({"YANDEX_MODEL": "new-model"}, (22_400, 1_626, 6_504)),  # its price isn't known: the cheapest one covers it
        ({"IMAGE_TOKENS": "7", "STT_TOKENS_PER_15S": "0"}, (7, 0, 3_252)),
        ({"MODEL_PROVIDER": "openai", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, (2_000, 200, 500)),
    ],
)
def test_services_cost_what_yandex_charges_in_tokens_of_the_default_model(
    settings: dict[str, str], tokens: tuple[int, int, int], make_harness: Make
) -> None:
    given = Config.from_env(make_harness().environment() | settings)
    config = with_service_prices(given, load_catalogue(given))
    assert (config.image_tokens, config.stt_tokens_per_15s, config.tts_tokens_per_1000) == tokens


def test_prices_of_services_come_from_the_file_of_the_admin(make_harness: Make, tmp_path: Path) -> None:
    own = tmp_path / "models.toml"
    own.write_text("[services]\npicture = 1")
    given = Config.from_env(make_harness(MODELS_FILE=own).environment())
    config = with_service_prices(given, load_catalogue(given))
    assert (config.image_tokens, config.stt_tokens_per_15s) == (5_000, 813)


@pytest.mark.parametrize(("characters", "tokens"), [(1, 813), (250, 813), (251, 1_626), (1_000, 3_252), (1_001, 4_065)])
def test_a_reading_is_charged_by_each_250_characters_begun(characters: int, tokens: int) -> None:
    config = Config(telegram_token="1:x", tts_tokens_per_1000=3_252)
    assert reading_price(config, "а" * characters) == tokens
    assert reading_price(Config(telegram_token="1:x", tts_tokens_per_1000=0), "а" * characters) == 1


def test_the_roubles_of_a_picture_are_those_of_its_price(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("/image маяк ночью")
    person.wait("маяк ночью")
    before = harness.db.balance()
    person.tap("🎨 Нарисовать")
    person.wait(lambda message: message.attachment is not None)
    until(lambda: harness.db.count("call", purpose="image", state="settled") == 1)
    assert before - harness.db.balance() == 11_200
    admin = harness.new_person(ADMIN_ID, "Админ")
    admin.send("/stats")
    assert "2,24 ₽" in admin.wait("Запросов").text.replace("\xa0", " ")
