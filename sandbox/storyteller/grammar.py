"""Templates of sentences: `{T:dat}` is a word in a case, `[вошёл]` agrees with the hero, `[T:лежал]` with a slot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Final, Protocol

_SLOT: Final = re.compile(r"\{(\w+)((?::\w+)*)\}|\[(?:(\w+):)?([^\]\[]+)\]")
_SENTENCE_BEGINS: Final = re.compile(r"(?:^|\n|[.!?…][»”\"]? )(?:[—«“] ?)?$")
SENTENCE_END: Final = re.compile(r"(?<=[.!?…])(?:[»”)]*)\s+(?=[—«“(]?\s?[A-ZА-ЯЁ0-9])|\n+")
FINGERPRINT_CHARS: Final = 9


class Word(Protocol):
    """What stands in a slot."""

    def case(self, name: str) -> str:
        """Return the word in the case of that name."""
        ...

    def agree(self, word: str) -> str:
        """Return a verb or a pronoun in the word's gender."""
        ...


class Plain:
    """A word that has one form only."""

    def __init__(self, text: str) -> None:
        self.text = text

    def case(self, name: str) -> str:
        """Return the text, whatever the case."""
        return self.text

    def agree(self, word: str) -> str:
        """Return the word as it is."""
        return word


def fill(template: str, slots: Mapping[str, Word], hero: str = "N") -> str:
    """Return the template with every slot filled; a slot that begins a sentence gets its capital."""
    done: list[str] = []
    before = ""

    def add(text: str) -> None:
        nonlocal before
        done.append(text)
        before = (before + text)[-6:]

    place = 0
    for found in _SLOT.finditer(template):
        add(template[place : found.start()])
        place = found.end()
        if found[1] is None:
            add(slots[found[3] or hero].agree(found[4]))
            continue
        forms = found[2].strip(":").split(":") if found[2] else []
        case = next((form for form in forms if form != "cap"), "nom")
        text = slots[found[1]].case(case)
        if "cap" in forms or _SENTENCE_BEGINS.search(before):
            text = capital(text)
        add(text)
    add(template[place:])
    text = "".join(done)
    text = re.sub(r"([!?…])\.", r"\1", re.sub(r"\.{2}(?!\.)", ".", text))
    return re.sub(r"[ \t]{2,}", " ", text).strip()


@cache
def slots_of(template: str) -> frozenset[str]:
    """Return the names of the slots that the template uses."""
    return frozenset(found[1] or found[3] or "N" for found in _SLOT.finditer(template))


@lru_cache(maxsize=4_000)
def fingerprint(template: str) -> str:
    """Return the longest run of a template's own letters: it tells the template in a finished text."""
    runs = [run.strip(" \n—.,!?«»“”") for run in _SLOT.sub("\0", template).split("\0")]
    return max((line for run in runs for line in run.split("\n")), key=len, default="")


def told(template: str, text: str) -> bool:
    """Return whether a text has the template's sentence."""
    mark = fingerprint(template)
    return len(mark) >= FINGERPRINT_CHARS and mark in text


def last_place(template: str, text: str) -> int:
    """Return where in the text the template was told last; -1 where it wasn't."""
    return text.rfind(fingerprint(template))


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, one to an item."""
    return [line.strip(" —\n") for line in SENTENCE_END.split(text) if line and line.strip(" —\n")]


def capital(text: str) -> str:
    """Return the text with its first letter large."""
    return text[:1].upper() + text[1:]


def small(text: str) -> str:
    """Return the text with its first letter small."""
    return text[:1].lower() + text[1:]
