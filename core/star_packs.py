"""Packs of tokens that are sold for Telegram Stars, once or every month.

A pack's payload stands in its invoice: Telegram sends it back before and after a payment. It says by itself what was
agreed on, also when the owner has changed the packs since.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Final

CURRENCY: Final = "XTR"  # Telegram Stars
MONTH_S: Final = 2_592_000  # the one period that Telegram allows for a subscription
MOST_STARS: Final = 10_000  # of one payment
MOST_PACKS: Final = 8
_MONTHLY: Final = "month"
_PACK = re.compile(rf"(?:({_MONTHLY}):)?([1-9][0-9]{{0,11}})(?:=([1-9][0-9]{{0,4}}))?")
_PAYLOAD = re.compile(rf"(once|{_MONTHLY}):([1-9][0-9]{{0,11}}):([1-9][0-9]{{0,4}})")


@dataclass(frozen=True, slots=True)
class StarPack:
    """So many tokens for so many Stars. `stars` is 0 in a configured pack whose price follows from the rate."""

    tokens: int
    stars: int
    monthly: bool = False

    @property
    def payload(self) -> str:
        """What identifies the pack in invoices, buttons and payments."""
        return f"{_MONTHLY if self.monthly else 'once'}:{self.tokens}:{self.stars}"


def pack_of(payload: str) -> StarPack | None:
    """Return the pack that a payload names; None if it is none of ours."""
    found = _PAYLOAD.fullmatch(payload)
    return StarPack(int(found[2]), int(found[3]), found[1] == _MONTHLY) if found is not None else None


def star_packs(text: str) -> tuple[StarPack, ...]:
    """Parse the packs of a setting: `50000, 200000=180, month:100000`. Raises `ValueError`."""
    items = [item for item in re.split(r"[\s,;]+", text) if item]
    found = [_PACK.fullmatch(item) for item in items]
    for item, match in zip(items, found, strict=True):
        if match is None:
            raise ValueError(f"{item[:16]!r} is not a pack such as 50000, 50000=90 or month:100000")
    if len(items) > MOST_PACKS:
        raise ValueError(f"there are {len(items)} packs, at most {MOST_PACKS} fit on a screen")
    packs = tuple(StarPack(int(match[2]), int(match[3] or 0), bool(match[1])) for match in found if match is not None)
    if len({(pack.tokens, pack.monthly) for pack in packs}) < len(packs):
        raise ValueError("two packs have the same number of tokens")
    return packs


def priced(pack: StarPack, stars_per_1000: float) -> StarPack:
    """Return the pack with its price, rounded up; a price of its own stays."""
    return pack if pack.stars else replace(pack, stars=math.ceil(round(pack.tokens * stars_per_1000 / 1000, 6)))
