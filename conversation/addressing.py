"""Which of several names a text begins with: «Сократ, что есть истина?». Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_LEAST: Final = 3  # letters of a word that a name of several is known by
_AFTER_A_WORD: Final = ",:!?.…"
_BETWEEN: Final = " \t\n,:;.!?…—–-"


def addressed(text: str, names: Sequence[str]) -> tuple[int | None, str]:
    """Return the place of the name that a text begins with, and what follows it; None and the text if there is none.

    A whole name may be followed by a space, a single word of one only by a mark or by nothing.
    """
    plain = _plain(text)
    whole = ((place, name, True) for place, name in enumerate(names))
    parts = ((place, word, False) for place, name in enumerate(names) for word in _words(name))
    for place, form, is_whole in sorted([*whole, *parts], key=lambda found: -len(found[1])):
        if plain.startswith(_plain(form)) and _ends(text[len(form) :], is_whole=is_whole):
            return place, text[len(form) :].lstrip(_BETWEEN).rstrip()
    return None, text


def _ends(rest: str, *, is_whole: bool) -> bool:
    return not rest or rest[0] in _AFTER_A_WORD or (is_whole and not rest[0].isalnum())


def _words(name: str) -> list[str]:
    words = [word.strip("«»\"'") for word in name.split()]
    return [word for word in words if len(word) >= _LEAST and word[0].isupper()]


def _plain(text: str) -> str:
    """Return a text of the same length in which case and «ё» make no difference."""
    return "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text).replace("ё", "е")
