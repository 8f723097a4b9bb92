"""What pictures and speech take from a balance: Yandex's prices in tokens of the default model."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Final

from ai.catalog import SPOKEN_CHARACTERS, Catalogue
from app.model_lists import yandex_default
from config import Config

_UNITS_OF_1000: Final = 1000 // SPOKEN_CHARACTERS


def with_service_prices(config: Config, catalogue: Catalogue) -> Config:
    """Return `config` with service prices that cover Yandex's, where the settings don't give others.

    Each is the price in roubles divided by that of a prompt token of the default model, rounded up. A default model
    without a price counts as the cheapest one. Services of other vendors keep the defaults of `Config`.
    """
    if config.model_provider != "yandex":
        return config
    default = yandex_default(catalogue, config.yandex_model).price
    known = [model.price for model in catalogue.models if model.vendor == "yandex" and model.price is not None]
    prompt = default.input if default is not None else min((price.input for price in known), default=Decimal(0))
    if not prompt:
        return config
    services = catalogue.services

    def tokens(name: str, price: Decimal) -> int:
        return int(getattr(config, name)) if name in config.given else math.ceil(1000 * price / prompt)

    return replace(
        config,
        image_tokens=tokens("image_tokens", services.picture),
        stt_tokens_per_15s=tokens("stt_tokens_per_15s", services.recognition),
        tts_tokens_per_1000=tokens("tts_tokens_per_1000", services.speech * _UNITS_OF_1000),
    )
