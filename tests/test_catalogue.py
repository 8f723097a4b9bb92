"""The catalogue's file, the weights of models, and the names that they go by."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai.catalog import Catalogue, CostMultiplier, Model, ModelInfo, Price, weighed
from ai.registry import ModelRegistry, Server
from core.errors import ConfigError, ModelAway

ROOT = Path(__file__).parent.parent
CATALOGUE = Catalogue.load(ROOT / "ai" / "catalog.toml")


def away() -> list[ModelInfo]:
    raise ModelAway("away")


OFFERED = Server("gpt://b1g", away, lambda listed: Model(listed.name), CATALOGUE.models, complete=True)


def weights(default: str, *others: Model) -> dict[str, tuple[float, float]]:
    models = (*CATALOGUE.models, *others)
    chosen = next(model for model in models if model.name == default)
    return {m.name: (float(m.weight.input), float(m.weight.output)) for m in weighed(models, chosen)}


def test_each_model_weighs_its_price_beside_the_default_one() -> None:
    beside_lite = weights("yandexgpt-5-lite")
    assert beside_lite["yandexgpt-5-lite"] == (1, 1)
    assert beside_lite["aliceai-llm"] == (2.5, 6)
    assert beside_lite["yandexgpt-5-pro"] == (6, 6)
    assert weights("yandexgpt-5-pro")["yandexgpt-5-lite"] == (1 / 6, 1 / 6)


def test_a_model_without_a_price_weighs_as_the_default_one_does() -> None:
    new = Model("new", "New", "yandex", "openai")
    assert weights("yandexgpt-5-lite", new)["new"] == (1, 1)
    beside_new = weights("new", new)  # the others weigh their price beside the cheapest one
    assert beside_new["new"] == (1, 1) and beside_new["yandexgpt-5-pro"] == (12, 6)


def test_every_model_of_the_catalogue_has_a_price_of_autumn_2026() -> None:
    assert {model.name: model.price for model in CATALOGUE.models} == {
        "yandexgpt-5-lite": Price(Decimal("0.20"), Decimal("0.20")),
        "aliceai-llm": Price(Decimal("0.50"), Decimal("1.20")),
        "yandexgpt-5.1": Price(Decimal("0.80"), Decimal("0.80")),
        "yandexgpt-5-pro": Price(Decimal("1.20"), Decimal("1.20")),
        "aliceai-llm-flash": Price(Decimal("0.10"), Decimal("0.20"), Decimal("0.025")),
        "deepseek-v4-flash": Price(Decimal("0.30"), Decimal("0.50"), Decimal("0.075")),
        "deepseek-v4.1-flash": Price(Decimal("0.30"), Decimal("0.50"), Decimal("0.075")),
        "qwen3.6-35b-a3b": Price(Decimal("0.20"), Decimal("0.30")),
    }


def test_a_cached_prompt_costs_its_own_price() -> None:
    models = {model.name: model for model in weighed(CATALOGUE.models, CATALOGUE.models[0])}
    assert models["deepseek-v4-flash"].weight.of(1000, 100, cached=800) == 600 + 250  # 200 × 1.5 + 800 × 0.375
    assert models["qwen3.6-35b-a3b"].weight.of(1000, 0, cached=800) == 1000  # it has no price of its own
    flash = CATALOGUE.models[4]
    alone = next(model for model in weighed(CATALOGUE.models, flash) if model.name == flash.name)
    assert alone.weight.of(1000, 100, cached=800) == 500  # the default model's too: 200 + 800 / 4 + 100
    registry = ModelRegistry(CATALOGUE.models[0], [OFFERED])
    assert registry.rubles("aliceai-llm-flash", 1_000, 0, 800) == 0.04
    assert registry.rubles("aliceai-llm", 1_000, 0, 800) == 0.5


def test_another_servers_model_without_a_price_weighs_as_the_default_one_does() -> None:
    theirs = Model("llama", "llama", "openai", "openai")
    assert weights("yandexgpt-5-pro", theirs)["llama"] == (1, 1)
    beside_theirs = weights("llama", theirs)
    assert beside_theirs["yandexgpt-5-lite"] == (2, 1) and beside_theirs["aliceai-llm"] == (5, 6)
    dear = Model("gpt", "gpt", "openai", "openai", price=Price(Decimal(2), Decimal(8)))
    assert weights("yandexgpt-5-lite", dear)["gpt"] == (10, 40)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 10**4), st.integers(1, 10**4))
def test_a_cost_is_rounded_up_and_never_to_nothing(tokens_in: int, tokens_out: int, price: int, base: int) -> None:
    models = [
        Model("a", price=Price(Decimal(base), Decimal(base))),
        Model("b", price=Price(Decimal(price), Decimal(7))),
    ]
    weight = weighed(models, models[0])[1].weight
    assert weight.of(tokens_in) * base >= tokens_in * price > (weight.of(tokens_in) - 1) * base
    assert weight.of(tokens_in, tokens_out) == weight.of(tokens_in) + weight.of(0, tokens_out)
    assert (weight.of(tokens_in) > 0) == (tokens_in > 0)
    assert CostMultiplier().of(tokens_in, tokens_out) == tokens_in + tokens_out


def test_names_aliases_and_titles_find_a_model() -> None:
    for name in ("yandexgpt-lite", "YandexGPT-5-Lite/latest", "gpt://b1g/yandexgpt-lite", " yandexgpt  5 lite "):
        found = CATALOGUE.find(name)
        assert found is not None and found.name == "yandexgpt-5-lite"
    assert CATALOGUE.find("yandexgpt/rc") != CATALOGUE.find("yandexgpt/latest")
    assert CATALOGUE.find("llama") is None


def test_own_entries_change_and_extend_the_catalogue(tmp_path: Path) -> None:
    own = tmp_path / "models.toml"
    own.write_text(
        '[[model]]\nname = "qwen3.6-35b-a3b"\nprice = { input = 0.3, output = 1 }\n'
        '[[model]]\nname = "x"\napi = "openai"'
    )
    models = {model.name: model for model in Catalogue.load(ROOT / "ai" / "catalog.toml", own).models}
    qwen = models["qwen3.6-35b-a3b"]
    assert qwen.price == Price(Decimal("0.3"), Decimal(1)) and qwen.context_tokens == 262_144
    assert (models["x"].title, models["x"].api, models["x"].price) == ("x", "openai", None)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[[model]", "can't be read"),
        ("model = 1", "no [[model]] tables"),
        ("services = 1", "[services] has to give"),
        ("[services]\npicture = 0", "[services] has to give picture, recognition, speech, all more than 0"),
        ("[services]\nvideo = 1", "[services] has to give"),
        ('[[model]]\ntitle = "x"', "name has to be"),
        ('[[model]]\nname = "a b"', "name has to be"),
        ('[[model]]\nname = "x"\nprices = 1', "prices is no field"),
        ('[[model]]\nname = "x"\nprice = { input = 0, output = 1 }', "all more than 0"),
        ('[[model]]\nname = "x"\nprice = { input = 1, output = 1, cached = 2 }', "all more than 0"),
        ('[[model]]\nname = "x"\nprice = { input = 1, output = 1, cached = 0 }', "all more than 0"),
        ('[[model]]\nname = "x"\nprice = { input = nan, output = 1 }', "all more than 0"),
        ('[[model]]\nname = "x"\nprice = { input = true, output = 1 }', "all more than 0"),
        ('[[model]]\nname = "x"\nprice = 1', "all more than 0"),
        ('[[model]]\nname = "x"\ncontext = 0', "whole number"),
        ('[[model]]\nname = "x"\ncontext = true', "whole number"),
        ('[[model]]\nname = "x"\nvendor = "other"', "yandex or openai"),
        ('[[model]]\nname = "x"\naliases = "y"', "list of names"),
        ('[[model]]\nname = "x"\ntitle = 1', "title has to be"),
        ('[[model]]\nname = "x"\naliases = ["yandexgpt-lite"]', "is called 'yandexgpt-lite' as well"),
    ],
)
def test_a_file_with_faults_is_refused_in_sentences(text: str, fault: str, tmp_path: Path) -> None:
    own = tmp_path / "models.toml"
    own.write_text(text)
    with pytest.raises(ConfigError) as refused:
        Catalogue.load(ROOT / "ai" / "catalog.toml", own)
    assert all(each.startswith("MODELS_FILE: ") and str(own) in each for each in refused.value.faults)
    assert fault in str(refused.value)


def server(*answers: list[ModelInfo] | ModelAway) -> Server:
    """Return a server that lists its models so, one answer after the other."""
    left = list(answers)

    def ask() -> list[ModelInfo]:
        answer = left.pop(0)
        if isinstance(answer, ModelAway):
            raise answer
        return answer

    return Server("http://m/v1", ask, lambda listed: Model(listed.name, listed.name, "openai", "openai"))


def test_a_default_without_a_name_is_the_first_that_the_server_lists() -> None:
    registry = ModelRegistry(
        Model("", vendor="openai"), [server([ModelInfo("one"), ModelInfo("two")], [ModelInfo("two")])]
    )
    assert (registry.default.name, registry.models, registry.heard) == ("", (), False)
    assert registry.refresh() and registry.default.name == "one"
    assert registry.refresh() and registry.default.name == "two"


def test_a_chosen_model_counts_as_there_until_a_server_has_said_otherwise() -> None:
    registry = ModelRegistry(CATALOGUE.models[0], [OFFERED, server(ModelAway("away"), [ModelInfo("one")])])
    assert not registry.refresh() and registry.away
    unheard = registry.chosen("theirs")
    assert unheard is not None and unheard.vendor == "openai"
    assert registry.refresh() and not registry.away
    assert registry.chosen("theirs") is None and registry.standing("theirs") == registry.default
    assert registry.chosen("") == registry.default


def test_a_kept_list_is_taken_up_and_a_broken_one_left() -> None:
    first, second = server([ModelInfo("one", 4096)]), server()
    heard = ModelRegistry(Model("", vendor="openai"), [first])
    assert heard.dump(first) is None
    heard.refresh()
    later = ModelRegistry(Model("", vendor="openai"), [second])
    for broken in ("nonsense", "1", "[1]", '[["a","b"]]'):
        later.recall(second, broken)
        assert not later.heard
    later.recall(second, heard.dump(first) or "")
    assert later.heard and later.default.name == "one"


def test_tokens_in_roubles() -> None:
    registry = ModelRegistry(CATALOGUE.models[0], [OFFERED])
    assert registry.rubles("aliceai-llm", 2_000, 500) == 1.6
    assert registry.rubles("yandexgpt-lite", 1_000, 0) == 0.2
    assert registry.rubles("", 11_200, 0) == 2.24  # of a service, which is charged in tokens of the default model
    assert registry.rubles("x", 1, 1) is None


def test_the_nearest_names_are_those_it_is_a_part_of_and_those_alike() -> None:
    registry = ModelRegistry(CATALOGUE.models[0], [OFFERED])
    assert [model.name for model in registry.nearest("qwen")] == ["qwen3.6-35b-a3b"]
    assert "deepseek-v4-flash" in [model.name for model in registry.nearest("deepsek-v4-flash")]
    assert registry.nearest("щщщ") == [] == registry.nearest(" ")
