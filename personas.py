"""What a character is made of: the four texts of one, their limits, and what is wrong with any others.

The bot's own characters stand in `locales/<language>/characters.toml`; people write theirs in the Web App. Both are
held to the same limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

LIMITS: Final[Mapping[str, int]] = {"name": 32, "line": 80, "greeting": 600, "personality": 1200}  # characters
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
    """The persona as it is kept: no spaces around, one line where only one belongs. Not checked yet."""
    texts = {
        name: "\n".join(line.rstrip() for line in given.get(name, "").strip().splitlines())
        if name in OF_LINES
        else " ".join(given.get(name, "").split())
        for name in LIMITS
    }
    return Persona(**texts)


def faults(persona: Persona) -> Iterator[tuple[str, str]]:
    """What is wrong with it: `(field, "empty" | "long")`."""
    for name, limit in LIMITS.items():
        text: str = getattr(persona, name)
        if not text:
            yield name, "empty"
        elif len(text) > limit:
            yield name, "long"
