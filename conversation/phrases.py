"""Words by which the code reads what models and users write, of all languages together: `locales/*/phrases.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

LOCALES = Path(__file__).resolve().parent.parent / "locales"


@cache
def phrases(key: str) -> tuple[str, ...]:
    """Return the phrases under a key, language by language."""
    return tuple(phrase for table in _tables() for phrase in table[key])


def any_of(key: str) -> str:
    """Return an expression that matches each of the phrases under a key."""
    return f"(?:{'|'.join(phrases(key)) or '(?!)'})"


@cache
def _tables() -> tuple[dict[str, list[str]], ...]:
    """Read the files once, at the first use. `Locales.load` has checked them."""
    paths = sorted(LOCALES.glob("*/phrases.toml"))
    return tuple(tomllib.loads(path.read_text("utf-8"))["phrases"] for path in paths)
