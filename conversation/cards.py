"""Cards of a story's people, places and things: what a reader writes on one, and how it is typed in a chat. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from conversation.personas import one_line

LIMITS: Final[Mapping[str, int]] = {"name": 40, "about": 200, "words": 100}  # characters
MOST_CARDS: Final = 30  # of a story
NOTE_CHARS: Final = 300
_DASH: Final = re.compile(r"\s+[—–-]+\s+|\s*[—–]\s*|\s*:\s+|\s*\n\s*")
_IN_BRACKETS: Final = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class CardText:
    """A card. It is called by its name and by each of `words`, which commas separate."""

    name: str
    about: str
    words: str = ""

    @property
    def callers(self) -> tuple[str, ...]:
        """The name and the other words that call the card."""
        return (self.name, *(word for word in map(str.strip, self.words.split(",")) if word))

    @property
    def line(self) -> str:
        """The card as it is typed: «Веста, фонарщица — зажигает огни в порту»."""
        return f"{', '.join(self.callers)} — {self.about}"

    @property
    def told(self) -> str:
        """The card as a model reads it, without the words that only call it."""
        return f"{self.name} — {self.about}"


def typed(line: str) -> CardText:
    """Return the card of «Имя, другое имя — описание»; without a dash there is no description."""
    names, *about = _DASH.split(line.strip(), maxsplit=1)
    name, _, words = names.partition(",")
    return tidy({"name": name, "about": about[0] if about else "", "words": words})


def tidy(given: Mapping[str, str]) -> CardText:
    """Return the card of a form, each value on one line."""
    words = ", ".join(filter(None, (one_line(word) for word in given.get("words", "").split(","))))
    return CardText(one_line(given.get("name", "")).replace(",", ""), one_line(given.get("about", "")), words)


def faults(card: CardText) -> list[tuple[str, str]]:
    """Return what is wrong with a card: the field, and `empty` or `long`."""
    found = []
    for name, limit in LIMITS.items():
        value: str = getattr(card, name)
        if not any(letter.isalnum() for letter in value) and (value or name != "words"):
            found.append((name, "empty"))
        elif len(value) > limit:
            found.append((name, "long"))
    return found


def tidy_note(words: str) -> str:
    """Return a reader's note on one line. Brackets around the whole of it are left out: it is a wish anyway."""
    note = one_line(words)
    inside = _IN_BRACKETS.fullmatch(note)
    return inside[1].strip() if inside else note
