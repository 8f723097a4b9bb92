"""Writes the tables of `docs/costs.md` from the catalog's prices and the settings' defaults.

`python -m assets.costs_tables` after a change of either. Each table stands between `<!-- NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from ai.catalog import Catalogue, Model, Price, weighed
from app.service_prices import with_service_prices
from config import Config
from turns import limits

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "costs.md"
# Tokens of prompts and answers by the number of parts, measured with the demo's stand-ins and the default limits.
STORIES: Final[Mapping[int, tuple[int, int]]] = {
    5: (8_600, 2_000),
    10: (20_300, 4_000),
    20: (42_600, 7_900),
    30: (65_200, 11_700),
}

CATALOGUE: Final = Catalogue.load(ROOT / "ai" / "catalog.toml")
CONFIG: Final = with_service_prices(
    Config.from_env({"TELEGRAM_TOKEN": "1:" + "x" * 35, "YANDEX_FOLDER_ID": "b1g", "YANDEX_API_KEY": "x" * 20}),
    CATALOGUE,
)
USUAL: Final = (CONFIG.max_tokens_per_request * 6 // 10, CONFIG.max_tokens_per_answer * 3 // 4)
MOST: Final = (CONFIG.max_tokens_per_request, CONFIG.max_tokens_per_answer)
MODELS: Final = tuple(weighed(CATALOGUE.models, CATALOGUE.models[0]))


def page(text: str) -> str:
    """Return the page with its tables made anew."""
    for name, make in TABLES.items():
        before, mark, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        if not mark or not end:
            raise ValueError(f"the page has no table called {name}")
        text = f"{before}{mark}{make()}{end}{after}"
    return text


def _prices() -> str:
    rows = (
        (model.title, f"`{model.aliases[0] if model is MODELS[0] else model.name}`", *_amounts(_price(model)))
        for model in MODELS
    )
    return _table(("model", "`/model` name", "prompt", "answer", "cached prompt"), rows)


def _amounts(price: Price) -> tuple[str, str, str]:
    return _rubles(price.input), _rubles(price.output), f"{price.cached:f}" if price.cached is not None else "–"


def _turns() -> str:
    heads = ("model", f"usual: {_many(USUAL[0])} + {_many(USUAL[1])}", f"at most: {_many(MOST[0])} + {_many(MOST[1])}")
    return _table(heads, ((model.title, *_costs(model, (USUAL, MOST))) for model in MODELS))


def _stories() -> str:
    heads = ("model", *(f"{parts} parts: {_many(given)} + {_many(made)}" for parts, (given, made) in STORIES.items()))
    return _table(heads, ((model.title, *_costs(model, STORIES.values())) for model in MODELS))


def _balances() -> str:
    heads = ("model", "factor, prompt / answer", "a usual turn takes", f"turns of {_many(CONFIG.user_tokens)}")
    rows = []
    for model in MODELS:
        price = limits.turn_price(CONFIG, model.weight)
        factors = " / ".join(f"{float(factor):g}" for factor in (model.weight.input, model.weight.output))
        rows.append(
            (model.title, factors, _many(price), str(limits.turns_left(CONFIG, CONFIG.user_tokens, model.weight)))
        )
    return _table(heads, rows)


def _services() -> str:
    prices = CATALOGUE.services
    rows = (
        ("`IMAGE_TOKENS`", "a picture", _exact(prices.picture), _many(CONFIG.image_tokens)),
        (
            "`TTS_TOKENS_PER_1000`",
            "1,000 characters read aloud",
            _exact(4 * prices.speech),
            _many(CONFIG.tts_tokens_per_1000),
        ),
        (
            "`STT_TOKENS_PER_15S`",
            "15 seconds of a voice message",
            _exact(prices.recognition),
            _many(CONFIG.stt_tokens_per_15s),
        ),
    )
    return _table(("setting", "for", "Yandex charges, ₽", "tokens with Lite as the default"), rows)


TABLES: Final[Mapping[str, Callable[[], str]]] = {
    "prices": _prices,
    "turns": _turns,
    "stories": _stories,
    "balances": _balances,
    "services": _services,
}


def _price(model: Model) -> Price:
    assert model.price is not None  # of the catalog's every model
    return model.price


def _costs(model: Model, uses: Iterable[tuple[int, int]]) -> list[str]:
    return [_rubles(_price(model).of(*use)) for use in uses]


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(heads)
    lines = [f"| {' | '.join(cells)} |\n" for cells in (head, *map(list, rows))]
    return "".join([lines[0], "|---" * len(head) + "|\n", *lines[1:]])


def _rubles(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _exact(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _many(number: int) -> str:
    return f"{number:,}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
