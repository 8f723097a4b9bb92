"""The catalog of models (`ai/catalog.toml`) and what each costs compared with the default one.

Users, sessions and the project pay in tokens of the default model. A token of another model costs the ratio of the two
prices, for input and output separately, rounded up. Which models may be chosen now: `ai/registry.py`.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from core.errors import ConfigError

CONTEXT_TOKENS: Final = 32_768  # of a model that nobody has described
SMALL_CONTEXT: Final = 8_192  # a model with less is small
_FIELDS: Final = frozenset({"name", "aliases", "title", "context", "vendor", "api", "price", "size"})
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "vendor": ("yandex", "openai"),
    "api": ("native", "openai"),
    "size": ("usual", "small"),
}


@dataclass(frozen=True, slots=True)
class Price:
    """Roubles for 1,000 tokens."""

    input: Decimal
    output: Decimal

    def of(self, input: int, output: int) -> Decimal:
        """Return the price of so many tokens in roubles."""
        return (self.input * input + self.output * output) / 1000


@dataclass(frozen=True, slots=True)
class CostMultiplier:
    """How many tokens of the default model one token of this one is worth."""

    input: Fraction = Fraction(1)
    output: Fraction = Fraction(1)

    def of(self, input: int, output: int = 0) -> int:
        """Return what so many tokens cost in tokens of the default model, each kind rounded up."""
        return math.ceil(input * self.input) + math.ceil(output * self.output)


@dataclass(frozen=True, slots=True)
class Model:
    """A model that may be asked. `weight` is one token for one until `weighed` sets it."""

    name: str = ""  # what its vendor calls it; empty: whatever the server lists first
    title: str = ""
    vendor: str = "yandex"
    api: str = "native"
    context_tokens: int = CONTEXT_TOKENS  # that prompt and answer may have together
    aliases: tuple[str, ...] = ()
    price: Price | None = None
    weight: CostMultiplier = CostMultiplier()
    size: str = "usual"  # or small

    @property
    def is_small(self) -> bool:
        """Whether the model needs short prompts: its entry or its context says so."""
        return self.size == "small" or self.context_tokens < SMALL_CONTEXT

    @property
    def names(self) -> frozenset[str]:
        """Name, title and aliases, each as `comparable`."""
        return frozenset(comparable(name) for name in (self.name, self.title, *self.aliases) if name)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as a server lists it; `context_tokens` is 0 if the server doesn't say."""

    name: str
    context_tokens: int = 0


def comparable(name: str) -> str:
    """Return the name in lower case, without `gpt://folder/` before it and `/latest` behind it."""
    name = " ".join(name.casefold().split())
    if name.startswith("gpt://"):
        name = name.removeprefix("gpt://").partition("/")[2]
    return name.removesuffix("/latest")


def weighed(models: Sequence[Model], default: Model) -> list[Model]:
    """Return `models` with their weights relative to `default`.

    An unpriced model of Yandex's costs as much as the dearest one, an upper bound; another server's costs as much as
    the default model. An unpriced default takes the dearest price if it is Yandex's, else the cheapest.
    """
    priced = [model.price for model in (*models, default) if model.price is not None and model.vendor == "yandex"]
    dearest = Price(max(p.input for p in priced), max(p.output for p in priced)) if priced else None
    cheapest = Price(min(p.input for p in priced), min(p.output for p in priced)) if priced else None

    def price_of(model: Model) -> Price | None:
        return model.price or (dearest if model.vendor == "yandex" else None)

    base = price_of(default) or cheapest

    def weight_of(model: Model) -> CostMultiplier:
        price = price_of(model)
        if price is None or base is None or model.name == default.name:
            return CostMultiplier()
        return CostMultiplier(
            Fraction(price.input) / Fraction(base.input), Fraction(price.output) / Fraction(base.output)
        )

    return [replace(model, weight=weight_of(model)) for model in models]


class Catalogue:
    """The models of the files, in their order."""

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = tuple(models)
        self._by_name = {name: model for model in models for name in model.names}

    @classmethod
    def load(cls, path: Path, own: Path | None = None) -> Catalogue:
        """Read the catalog at `path`, changed by the entries of `own`. Raise ConfigError with all that is wrong."""
        faults: list[str] = []
        entries: dict[str, dict[str, Any]] = {}
        for source in (path, own):
            for entry in _entries(source, faults) if source is not None else ():
                name = str(entry.get("name"))
                entries[name] = entries.get(name, {}) | entry
        models = []
        for name, entry in entries.items():
            wrong = list(_faults(entry))
            faults += [f"{own or path}: {name}: {fault}." for fault in wrong]
            if not wrong:
                models.append(_model(entry))
        taken: dict[str, str] = {}
        for model in models:
            for name in model.names:
                if taken.setdefault(name, model.name) != model.name:
                    faults.append(f"{own or path}: {model.name}: {taken[name]} is called {name!r} as well.")
        if faults:
            raise ConfigError([f"MODELS_FILE: {fault}" if own else fault for fault in faults])
        return cls(models)

    def find(self, name: str) -> Model | None:
        """Return the model with this name, alias or title; case doesn't matter."""
        return self._by_name.get(comparable(name))


def _entries(path: Path, faults: list[str]) -> list[dict[str, Any]]:
    try:
        entries = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal).get("model", [])
    except (OSError, ValueError) as error:
        faults.append(f"{path} can't be read: {error}.")
        return []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        faults.append(f"{path} holds no [[model]] tables.")
        return []
    return entries


def _faults(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with an entry."""
    if unknown := sorted(entry.keys() - _FIELDS):
        yield f"{', '.join(unknown)} is no field of a model"
    if not isinstance(entry.get("name"), str) or not entry["name"] or any(mark.isspace() for mark in entry["name"]):
        yield "name has to be a text without spaces"
    if not isinstance(entry.get("title", ""), str):
        yield "title has to be a text"
    aliases = entry.get("aliases", [])
    if not isinstance(aliases, list) or not all(isinstance(alias, str) and alias for alias in aliases):
        yield "aliases has to be a list of names"
    context = entry.get("context", CONTEXT_TOKENS)
    if isinstance(context, bool) or not isinstance(context, int) or context < 1:
        yield "context has to be a whole number of tokens"
    for field, choices in _CHOICES.items():
        if entry.get(field, choices[0]) not in choices:
            yield f"{field} has to be {' or '.join(choices)}"
    if "price" in entry and not _is_price(entry["price"]):
        yield "price has to be like { input = 0.20, output = 0.20 }, both more than 0"


def _is_price(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"input", "output"}:
        return False
    numbers = [each for each in value.values() if isinstance(each, Decimal | int) and not isinstance(each, bool)]
    return len(numbers) == 2 and all(Decimal(number).is_finite() and number > 0 for number in numbers)


def _model(entry: Mapping[str, Any]) -> Model:
    vendor = entry.get("vendor", "yandex")
    price = entry.get("price")
    return Model(
        entry["name"],
        entry.get("title") or entry["name"],
        vendor,
        entry.get("api", "native") if vendor == "yandex" else "openai",
        entry.get("context", CONTEXT_TOKENS),
        tuple(entry.get("aliases", ())),
        Price(Decimal(price["input"]), Decimal(price["output"])) if price else None,
        size=entry.get("size", "usual"),
    )
