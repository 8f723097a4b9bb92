"""What one sees as one letter may be several characters: an emoji, a flag, a letter with accents, a syllable.

The rules are those of Unicode's grapheme clusters (UAX 29), with two simplifications: whatever follows a zero-width
joiner belongs to it, and of the marks that precede a letter only the Arabic ones are known.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_JOINER: Final = "\u200d"
_MARKS: Final = ("Mn", "Me", "Mc")
_MARKS_BESIDE: Final = frozenset("\u200c\u0e33\u0eb3\uff9e\uff9f")  # that have another category
_BEFORE: Final = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2")
_VIRAMAS: Final = frozenset("\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d")  # join two consonants
_LONGEST: Final = 64  # characters of one letter; a longer one is made up, and may be cut
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and a symbol that are blank on every screen


def is_visible(letter: str) -> bool:
    """Whether a character shows by itself: Telegram treats a message of invisible ones as empty.

    One that this Python's Unicode doesn't know yet may be a new emoji.
    """
    category = unicodedata.category(letter)
    return letter not in _BLANK and category[0] not in "ZM" and category not in ("Cc", "Cf", "Cs")


def clings(text: str, place: int) -> bool:
    """Return whether a cut before `text[place]` (`place` ≥ 1) would go through a letter."""
    before, letter = text[place - 1], text[place]
    if letter < "\u0300" and before < "\u0300":
        return before == "\r" and letter == "\n"
    if before in "\r\n":
        return False
    if _extends(letter) or before == _JOINER or before in _BEFORE:
        return True
    if _is_half_flag(letter):
        return _half_flags_before(text, place) % 2 == 1
    if before in _VIRAMAS:
        return unicodedata.category(letter) == "Lo"
    return _in_syllable(_hangul(before), _hangul(letter))


def whole_end(text: str, start: int, end: int) -> int:
    """Return `end`, moved back as far as no letter of `text[start:]` is cut; `end` itself if that leaves nothing."""
    if end >= len(text):
        return len(text)
    for place in range(end, max(start, end - _LONGEST), -1):
        if not clings(text, place):
            return place
    return end


def first_letters(text: str, most: int) -> str:
    """Return the first `most` (≥ 1) characters or fewer, without a part of a letter."""
    return text[: whole_end(text, 0, most)]


def last_letters(text: str, most: int) -> str:
    """Return the last `most` (≥ 1) characters or fewer, without a part of a letter."""
    start = max(0, len(text) - most)
    while 0 < start < len(text) - 1 and clings(text, start):
        start += 1
    return text[start:]


def _extends(letter: str) -> bool:
    return (
        letter == _JOINER
        or letter in _MARKS_BESIDE
        or "\U0001f3fb" <= letter <= "\U0001f3ff"  # colours of skin
        or "\U000e0020" <= letter <= "\U000e007f"  # the flag of a region in letters of its own
        or unicodedata.category(letter) in _MARKS
    )


def _is_half_flag(letter: str) -> bool:
    return "\U0001f1e6" <= letter <= "\U0001f1ff"


def _half_flags_before(text: str, place: int) -> int:
    start = place
    while start and _is_half_flag(text[start - 1]):
        start -= 1
    return place - start


def _hangul(letter: str) -> str:
    """Return the part of a Korean syllable: L, V, T, LV or LVT; empty for other letters."""
    if "\u1100" <= letter <= "\u115f" or "\ua960" <= letter <= "\ua97c":
        return "L"
    if "\u1160" <= letter <= "\u11a7" or "\ud7b0" <= letter <= "\ud7c6":
        return "V"
    if "\u11a8" <= letter <= "\u11ff" or "\ud7cb" <= letter <= "\ud7fb":
        return "T"
    if "\uac00" <= letter <= "\ud7a3":
        return "LVT" if (ord(letter) - 0xAC00) % 28 else "LV"
    return ""


def _in_syllable(before: str, letter: str) -> bool:
    if before == "L":
        return letter in ("L", "V", "LV", "LVT")
    if before in ("V", "LV"):
        return letter in ("V", "T")
    return before in ("T", "LVT") and letter == "T"
