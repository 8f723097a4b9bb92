"""Whether a text names somebody or something, in whatever case of Russian: «Весту» names «Веста». Pure.

A name stands in the nominative; its forms are made by its ending. English has the plural only. A form too many is
harmless: it may show the model a card that it doesn't need.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+")
_VOWELS: Final = frozenset("аеиоуыэюя")
_ADJECTIVE: Final = (
    *("ый", "ий", "ой", "ая", "яя", "ое", "ее", "ые", "ие", "ого", "его", "ому", "ему", "ым", "им"),
    *("ом", "ем", "ую", "юю", "ых", "их", "ыми", "ими", "ей"),
)
_PLURAL: Final = ("ам", "ями", "ами", "ях", "ах", "ям")
_HARD: Final = ("", "а", "у", "ом", "ем", "е", "ов", "ев", "ей", "ым", *_PLURAL)
_FEMININE: Final = ("а", "е", "у", "ой", "ою", "ей", "ею", "", *_PLURAL)
_SOFT_FEMININE: Final = ("я", "и", "е", "ю", "ей", "ею", "ь", "й", *_PLURAL)
_SHORT_I: Final = ("й", "я", "ю", "ем", "е", "и", "ев", *_PLURAL)
_SOFT: Final = ("ь", "я", "ю", "ем", "е", "и", "ью", "ей", *_PLURAL)
_NEUTER: Final = ("о", "е", "а", "я", "у", "ю", "ом", "ем", "и", "й", "ь", "", *_PLURAL)
_ENDINGS: Final = {
    "а": _FEMININE,
    "я": _SOFT_FEMININE,
    "о": _NEUTER,
    "е": _NEUTER,
    "й": _SHORT_I,
    "ь": _SOFT,
    "ы": _HARD,
    "и": (*_HARD, *_SOFT),
    "у": (*_HARD, *_FEMININE),
    "ю": (*_SHORT_I, *_SOFT, *_SOFT_FEMININE),
}
_I: Final = frozenset("гкхжчшщ")  # after which «и» stands for «ы»
_LEAST: Final = 3  # letters of a form that a name is known by


@dataclass(frozen=True, slots=True)
class Spoken:
    """The words of a text in their order: in small letters, and whether each has a capital."""

    words: tuple[str, ...]
    capital: tuple[bool, ...]


def spoken(text: str) -> Spoken:
    """Return the words of a text, to look for names in."""
    found = _WORD.findall(text)
    return Spoken(tuple(map(plain_word, found)), tuple(word[0].isupper() for word in found))


def names(name: str, text: Spoken) -> bool:
    """Return whether a text has this name: the whole, or any word of «Иван Кузьмич», which has two capitals."""
    found = _WORD.findall(name)
    if not found:
        return False
    forms = [forms_of(plain_word(word)) for word in found]
    capital = [word[0].isupper() for word in found]
    alone = [form for form, big in zip(forms, capital, strict=True) if big]
    if capital[0] and sum(capital) == 1:
        alone = []  # the capital of a beginning: «Северный порт»
    for place, word in enumerate(text.words):
        if text.capital[place] and any(word in form for form in alone):
            return True
        whole = text.words[place : place + len(forms)]
        if len(whole) == len(forms) and all(said in form for said, form in zip(whole, forms, strict=True)):
            return True
    return False


def named(callers: Iterable[str], text: Spoken) -> bool:
    """Return whether a text has any of these names."""
    return any(names(name, text) for name in callers)


@lru_cache(maxsize=128)  # words of users, 3.6 KiB each: some of them come again in every text of a story
def forms_of(word: str) -> frozenset[str]:
    """Return the forms of a word in small letters: itself, its cases and its plural."""
    if not "а" <= word[-1] <= "я":
        plural = f"{word[:-1]}ies" if word.endswith("y") else f"{word}es"
        return frozenset({word, f"{word}s", plural})
    found = {stem + end for stem, ends in _stems(word) for end in (*ends, "и" if stem[-1:] in _I else "ы")}
    # «ы» or «и» is right for nearly all of them, and harmless for the others.
    return frozenset({word, *(form for form in found if len(form) >= _LEAST)})


def _stems(word: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return what stays of a word in its cases, with the endings that follow."""
    last = word[-1]
    stems: list[tuple[str, tuple[str, ...]]] = []
    if word[-2:] in _ADJECTIVE[:9] and len(word) > _LEAST:
        stems.append((word[:-2], _ADJECTIVE))
    if last not in _ENDINGS:
        stems.append((word, _HARD))
        stems += [(short, _HARD[1:]) for short in _without_vowel(word)]
        return stems
    stem = word[:-1]
    stems.append((stem, _ENDINGS[last]))
    if last == "ь":
        stems += [(short, _SOFT[1:]) for short in _without_vowel(stem)]
    if last == "а" and stem.endswith("к") and len(stem) > 2:
        stems += [(f"{stem[:-1]}{vowel}к", ("",)) for vowel in "ое"]  # девушек
    return stems


def _without_vowel(stem: str) -> list[str]:
    """Return a stem without the vowel that is lost in other cases: Павел, Павла; Лев, Льва; боец, бойца."""
    if len(stem) < 3 or stem[-2] not in "оея" or stem[-1] in _VOWELS:
        return []
    return ["".join(parts) for parts in product((stem[:-2],), ("", "ь", "й"), (stem[-1],))]


def plain_word(word: str) -> str:
    """Return a word by which words are compared: in small letters, and with «е» for «ё»."""
    return word.casefold().replace("ё", "е")
