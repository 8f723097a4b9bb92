"""A character's four texts, their limits, and the check for both.

Built-in characters are in `locales/<language>/characters.toml`; users write theirs in the Web App. The same limits
apply to both.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from core.graphemes import is_visible

MOST_OWN: Final = 30  # characters of a user's own
LIMITS: Final[Mapping[str, int]] = {"name": 32, "line": 80, "greeting": 600, "personality": 1200}  # characters
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
OF_LINES: Final = frozenset({"greeting", "personality"})  # the other texts have one line


@dataclass(frozen=True, slots=True)
class Persona:
    """A character's texts. The model gets `personality`; users read the other three."""

    name: str
    line: str
    greeting: str
    personality: str


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A built-in character; `key` is the same in every language."""

    key: str
    persona: Persona


def read(rows: Sequence[Mapping[str, Any]]) -> tuple[BuiltIn, ...]:
    """Return the characters of one language's file. Raises `KeyError` if a text is missing."""
    names = [field.name for field in fields(Persona)]
    return tuple(BuiltIn(row["key"], Persona(**{name: row[name].strip() for name in names})) for row in rows)


def tidy(given: Mapping[str, str]) -> Persona:
    """Return the persona as it is stored, without checking it.

    Surrounding spaces and invisible characters are removed, and texts of one line have no line breaks.
    """
    texts: dict[str, str] = {}
    for name in LIMITS:
        lines = [" ".join(_seen(line).split()) for line in given.get(name, "").splitlines()]
        text = ("\n" if name in OF_LINES else " ").join(lines).strip()
        texts[name] = text if any(is_visible(letter) for letter in text) else ""
    return Persona(**texts)


def one_line(text: str) -> str:
    """Return the text on one line, without control characters; empty if nothing of it is visible."""
    line = " ".join(_seen(text).split())
    return line if any(is_visible(letter) for letter in line) else ""


def _seen(line: str) -> str:
    """Return the line without control characters and marks that change the writing direction."""
    return "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in line if letter not in _TURNING)


def faults(persona: Persona) -> Iterator[tuple[str, str]]:
    """Yield what is wrong, as `(field, "empty" | "long")`."""
    for name, limit in LIMITS.items():
        text: str = getattr(persona, name)
        if not text:
            yield name, "empty"
        elif len(text) > limit:
            yield name, "long"
