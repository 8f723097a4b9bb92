"""What can be counted of one passage of a story: whether it does what its prompt asks. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

from ai.repeated_prose import ProseWatch, said_again
from bench.cliches import cliches_in
from conversation.wishes import wishes_in, without_wishes
from gpt import is_stock_refusal
from turns.text_cleanup import clean

MOST_OVER: Final = 1.25  # times the length that was asked for
LEAST_SHARE: Final = 0.25  # of it
LEAST_LETTERS: Final = 0.9  # of the story's own script
_CHARS: Final = re.compile(r"(?:до|up to) (\d+)")
# Speech is in whatever person and tense: dialogue lines and quotations are left out.
_SPEECH: Final = re.compile(r"^[ \t]*[—–-].*$|«[^»]*»|“[^”]*”|\"[^\"\n]*\"", re.MULTILINE)
_LETTERS: Final = {"ru": re.compile(r"[а-яё]", re.IGNORECASE), "en": re.compile(r"[a-z]", re.IGNORECASE)}
_FIRST_PERSON: Final = {
    "ru": re.compile(r"(?<!\w)(?:я|меня|мне|мной|мы|нас|нам)(?!\w)", re.IGNORECASE),
    "en": re.compile(r"\b(?:I|me|my|we|us)\b"),
}
_THIRD_PERSON: Final = {
    "ru": re.compile(r"(?<!\w)(?:он|она|его|её|ему|ей|них?|они)(?!\w)", re.IGNORECASE),
    "en": re.compile(r"\b(?:he|she|his|her|him|they|them)\b", re.IGNORECASE),
}
_PAST: Final = {
    "ru": re.compile(r"\w{2,}(?:[аеиоуыяё]л(?:а|о|и|ся|ась|ось|ись)?|шла|шло|шли|шёл)(?!\w)", re.IGNORECASE),
    "en": re.compile(r"\b(?:was|were|had|said|went|came|took|stood|saw|\w{2,}ed)\b", re.IGNORECASE),
}
_PRESENT: Final = {
    "ru": re.compile(r"\w{2,}(?:[аеяу]ет|[аиуюя]т|[аеиую]тся)(?!\w)", re.IGNORECASE),
    "en": re.compile(r"\b(?:is|are|has|says|goes|comes|takes|stands|sees)\b", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a passage was asked to be."""

    language: str
    length: str  # as the prompt says it
    words: str = ""  # of the reader
    before: str = ""  # the passage before it
    signs: Sequence[str] = ()  # beginnings of words, one of which shows that a wish was granted
    refused: bool = False  # by the vendor's filter


@dataclass(frozen=True, slots=True)
class ProseFigures:
    """Faults of one passage, or their sums over several."""

    length: int = 0  # too long or too short
    echo: int = 0  # it repeats the reader's words
    opening: int = 0  # it begins as the passage before it
    twice: int = 0  # it says something twice
    cliches: int = 0
    person: int = 0  # first person in the narration of a story in the third
    tense: int = 0  # more of the present than of the past
    wish: int = 0  # a wish isn't granted, or is printed
    language: int = 0
    refusal: int = 0

    def __add__(self, other: ProseFigures) -> ProseFigures:
        return ProseFigures(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def __str__(self) -> str:
        return " ".join(f"{one.name}={getattr(self, one.name)}" for one in fields(self))


def figures_of(answer: str, asked: Asked) -> ProseFigures:
    """Return what is wrong with an answer, as the model gave it."""
    if asked.refused or not answer.strip() or is_stock_refusal(answer):
        return ProseFigures(refusal=1)
    text, told = clean(answer), _SPEECH.sub(" ", answer)
    most = int(found[1]) if (found := _CHARS.search(asked.length)) else len(text)
    language = asked.language
    return ProseFigures(
        length=int(not most * LEAST_SHARE <= len(text) <= most * MOST_OVER),
        echo=int(clean(answer, without_wishes(asked.words)) != text),
        opening=int(ProseWatch(asked.before).opens_alike(text)),
        twice=int(said_again(text) is not None),
        cliches=len(cliches_in(text)),
        person=int(_count(_FIRST_PERSON, language, told) > _count(_THIRD_PERSON, language, told)),
        tense=int(_count(_PRESENT, language, told) > _count(_PAST, language, told)),
        wish=int(not _wish_granted(text, asked)),
        language=int(not _is_in(language, text)),
    )


def _count(patterns: dict[str, re.Pattern[str]], language: str, text: str) -> int:
    return len(patterns[language].findall(text))


def _wish_granted(text: str, asked: Asked) -> bool:
    """Return whether signs of a wish are there, and the wish itself isn't."""
    said = text.casefold()
    if any(wish.casefold() in said for wish in wishes_in(asked.words)):
        return False
    return not asked.signs or any(sign in said for sign in asked.signs)


def _is_in(language: str, text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    return not letters or _count(_LETTERS, language, text) >= LEAST_LETTERS * letters
