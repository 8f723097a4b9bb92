"""The texts that the bot ships with, for the tests that read them and for the bots that they start."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from conversation.localization import Locales


@cache
def shipped_locales() -> Locales:
    """Read `locales/`, once in a process: it takes longer than to start a bot."""
    return Locales.load(Path(__file__).resolve().parent.parent / "locales")
