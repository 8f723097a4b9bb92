"""What a character is made of: the four texts of one, their limits, and what is wrong with any others.

The bot's own characters stand in `locales/<language>/characters.toml`; people write theirs in the Web App. Both are
held to the same limits.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

LIMITS: Final[Mapping[str, int]] = {"name": 32, "line": 80, "greeting": 600, "personality": 1200}  # characters
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters that have nothing to show
OF_LINES: Final = frozenset({"greeting", "personality"})  # the other texts are one line


@dataclass(frozen=True, slots=True)
class Persona:
    """A character's texts. `personality` is what the model is told about it; people read the other three."""

    name: str
    line: str
    greeting: str
    personality: str


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """One of the bot's own: `key` is the same in every language."""

    key: str
    persona: Persona


def read(rows: Sequence[Mapping[str, Any]]) -> tuple[BuiltIn, ...]:
    """The characters of one language's file. Raises `KeyError` where a text is missing."""
    names = [field.name for field in fields(Persona)]
    return tuple(BuiltIn(row["key"], Persona(**{name: row[name].strip() for name in names})) for row in rows)


def tidy(given: Mapping[str, str]) -> Persona:
    """The persona as it is kept: no spaces around, nothing unseen inside, one line where only one belongs. Not checked
    yet.
    """
    texts: dict[str, str] = {}
    for name in LIMITS:
        lines = [" ".join(_seen(line).split()) for line in given.get(name, "").splitlines()]
        text = ("\n" if name in OF_LINES else " ").join(lines).strip()
        texts[name] = text if any(_shows(letter) for letter in text) else ""
    return Persona(**texts)


def _seen(line: str) -> str:
    """The line without control characters and without marks that turn the direction of what follows."""
    return "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in line if letter not in _TURNING)


def _shows(letter: str) -> bool:
    """Whether a reader sees this letter by itself; Telegram takes a message without one for empty."""
    return letter not in _BLANK and unicodedata.category(letter)[0] not in "CZM"


def faults(persona: Persona) -> Iterator[tuple[str, str]]:
    """What is wrong with it: `(field, "empty" | "long")`."""
    for name, limit in LIMITS.items():
        text: str = getattr(persona, name)
        if not text:
            yield name, "empty"
        elif len(text) > limit:
            yield name, "long"
