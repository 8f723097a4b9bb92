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

from core.errors import ConfigError, raise_disk_failure

CONTEXT_TOKENS: Final = 32_768  # of a model that nobody has described
SPOKEN_CHARACTERS: Final = 250  # a unit of the price of speech: each begun one counts
HEARD_S: Final = 15  # the same of recognition
PIXELS_PER_TOKEN: Final = 750  # of a picture, for a model that nobody has described
SMALL_CONTEXT: Final = 8_192  # a model with less is small
_FIELDS: Final = frozenset({"name", "aliases", "title", "context", "vendor", "api", "price", "size", "pictures"})
_SERVICES: Final = frozenset({"picture", "speech", "recognition"})
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "vendor": ("yandex", "openai"),
    "api": ("native", "openai"),
    "size": ("usual", "small"),
}


@dataclass(frozen=True, slots=True)
class Price:
    """Roubles for 1,000 tokens. `cached`: of a prompt that the vendor had in its cache; None: as any other."""

    input: Decimal
    output: Decimal
    cached: Decimal | None = None

    def of(self, input: int, output: int, cached: int = 0) -> Decimal:
        """Return the price of so many tokens in roubles; `cached` of the input were in the vendor's cache."""
        saved = (self.input - self.cached) * cached if self.cached is not None else 0
        return (self.input * input - saved + self.output * output) / 1000


@dataclass(frozen=True, slots=True)
class ServicePrices:
    """Roubles for what Yandex's services make: a picture, 250 characters read aloud, 15 seconds recognised."""

    picture: Decimal
    speech: Decimal
    recognition: Decimal


@dataclass(frozen=True, slots=True)
class CostMultiplier:
    """How many tokens of the default model one token of this one is worth."""

    input: Fraction = Fraction(1)
    output: Fraction = Fraction(1)
    cached: Fraction | None = None  # None: as any other of the input

    def of(self, input: int, output: int = 0, cached: int = 0) -> int:
        """Return what so many tokens cost in tokens of the default model, each kind rounded up."""
        if cached and self.cached is not None:
            price = input * self.input - (self.input - self.cached) * cached
            return math.ceil(price) + _rounded_up(output, self.output)
        return _rounded_up(input, self.input) + _rounded_up(output, self.output)


def _rounded_up(tokens: int, ratio: Fraction) -> int:
    """Return the product in whole tokens. Arithmetic of fractions takes ten times as long."""
    return -(-tokens * ratio.numerator // ratio.denominator)


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
    pixels_per_token: int = 0  # of a picture; 0: the model takes none

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
    """A model as a server lists it.

    `context_tokens` is 0, and `pictures` (whether it takes them) None, if the server doesn't say.
    """

    name: str
    context_tokens: int = 0
    pictures: bool | None = None


def comparable(name: str) -> str:
    """Return the name in lower case, without `gpt://folder/` before it and `/latest` behind it."""
    name = " ".join(name.casefold().split())
    if name.startswith("gpt://"):
        name = name.removeprefix("gpt://").partition("/")[2]
    return name.removesuffix("/latest")


def weighed(models: Sequence[Model], default: Model) -> list[Model]:
    """Return `models` with their weights relative to `default`.

    A model without a price costs as much as the default one. If the default one has none, the others weigh their price
    beside the cheapest of Yandex's.
    """
    priced = [model.price for model in models if model.price is not None and model.vendor == "yandex"]
    cheapest = Price(min(p.input for p in priced), min(p.output for p in priced)) if priced else None
    base = default.price or cheapest

    def weight_of(model: Model) -> CostMultiplier:
        price = model.price
        if price is None or base is None:
            return CostMultiplier()
        cached = Fraction(price.cached) / Fraction(base.input) if price.cached is not None else None
        if model.name == default.name:
            return CostMultiplier(cached=cached)
        return CostMultiplier(
            Fraction(price.input) / Fraction(base.input), Fraction(price.output) / Fraction(base.output), cached
        )

    return [replace(model, weight=weight_of(model)) for model in models]


class Catalogue:
    """The models of the files, in their order, and the prices of Yandex's services."""

    def __init__(self, models: Sequence[Model], services: ServicePrices) -> None:
        self.models = tuple(models)
        self.services = services
        self._by_name = {name: model for model in models for name in model.names}

    @classmethod
    def load(cls, path: Path, own: Path | None = None) -> Catalogue:
        """Read the catalog at `path`, changed by the entries of `own`. Raise ConfigError with all that is wrong."""
        faults: list[str] = []
        entries: dict[str, dict[str, Any]] = {}
        services: dict[str, Any] = {}
        for source in (path, own):
            tables = _tables(source, faults) if source is not None else {}
            for entry in _entries(source, tables, faults):
                name = str(entry.get("name"))
                entries[name] = entries.get(name, {}) | entry
            services |= tables.get("services", {}) if isinstance(tables.get("services", {}), dict) else {"services": 0}
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
        if services.keys() != _SERVICES or not all(map(_is_amount, services.values())):
            faults.append(f"{own or path}: [services] has to give {', '.join(sorted(_SERVICES))}, all more than 0.")
        if faults:
            raise ConfigError([f"MODELS_FILE: {fault}" if own else fault for fault in faults])
        return cls(models, ServicePrices(**{name: Decimal(price) for name, price in services.items()}))

    def find(self, name: str) -> Model | None:
        """Return the model with this name, alias or title; case doesn't matter."""
        return self._by_name.get(comparable(name))


def _tables(path: Path, faults: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            raise_disk_failure(path, error)
        faults.append(f"{path} can't be read: {error}.")
        return {}


def _entries(path: Path | None, tables: Mapping[str, Any], faults: list[str]) -> list[dict[str, Any]]:
    entries = tables.get("model", [])
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
    pixels = entry.get("pictures", 0)
    if isinstance(pixels, bool) or not isinstance(pixels, int) or pixels < 0:
        yield "pictures has to be the pixels that a token of a picture covers, 0 for none"
    if "price" in entry and not _is_price(entry["price"]):
        yield "price has to be like { input = 0.20, output = 0.20, cached = 0.05 }, all more than 0, cached or not"


def _is_price(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() - {"cached"} != {"input", "output"}:
        return False
    return all(map(_is_amount, value.values())) and value.get("cached", 0) <= value["input"]


def _is_amount(value: Any) -> bool:
    """Return True for a number of roubles that is more than 0."""
    if not isinstance(value, Decimal | int) or isinstance(value, bool):
        return False
    return Decimal(value).is_finite() and value > 0


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
        _price(price) if price else None,
        size=entry.get("size", "usual"),
        pixels_per_token=entry.get("pictures", 0 if vendor == "yandex" else PIXELS_PER_TOKEN),
    )


def _price(value: Mapping[str, Any]) -> Price:
    cached = value.get("cached")
    return Price(Decimal(value["input"]), Decimal(value["output"]), Decimal(cached) if cached is not None else None)
