"""Notices a model that repeats itself. Pure.

`LoopWatch` finds one word, sentence or paragraph over and over until the limit. A refrain, a laugh or a numbered list
is no loop: the unit comes again to the letter and without a break, the more often the shorter it is. `ProseWatch` is
stricter, for passages of a story: nothing long is said twice, and no passage opens like the one before.
"""

from __future__ import annotations

import re
from typing import Final

CHECKED_EVERY: Final = 200  # characters that an answer grows between two looks
_TAIL: Final = 6_000  # characters at the end in which a loop is looked for
_SEED: Final = 24  # characters at the end whose earlier occurrence gives the unit
# The longest unit, how often it must come in a row, and over how many characters.
_LIMITS: Final = ((20, 20, 160), (80, 6, 160), (200, 4, 320), (_TAIL // 3, 3, 0))
_END: Final = re.compile(r"[.!?…]+[»\"”’)\]]*|\n")
_ENDS: Final = re.compile(r"[.!?…][»\"”’)\]]*\Z")
_WORD: Final = re.compile(r"\w+")
OPENING_WORDS: Final = 4  # that two passages in a row may not begin with
OPENING_CHARS: Final = 120  # in which they stand
SENTENCE_WORDS: Final = 8  # of a sentence that may not come again
RUN_WORDS: Final = 12  # in a row that may not come again
LEAST_DIFFERENT: Final = 6  # words of either: a word over and over is for `LoopWatch`
_DRAWN: Final = 400  # characters of a unit without letters, as the lines of a table are


class LoopWatch:
    """Looks at a growing answer now and then."""

    def __init__(self) -> None:
        self._seen = 0

    def seen_in(self, *texts: str) -> bool:
        """Return True once one of the texts ends in a loop."""
        length = sum(map(len, texts))
        if length < self._seen + CHECKED_EVERY:
            return False
        self._seen = length
        return any(loop_start(text) is not None for text in texts)


def loop_start(text: str) -> tuple[int, int] | None:
    """Return where the second of the repeated units at the end of `text` begins, and their length; None: no loop."""
    tail = text[-_TAIL:].rstrip()
    seed = tail[-_SEED:]
    place = tail.rfind(seed, 0, len(tail) - 1) if len(seed) == _SEED else -1
    if place < 0:
        return None
    unit = len(tail) - _SEED - place
    begins = _run_start(tail, unit)
    if not _is_loop(tail[-unit:], len(tail) - begins):
        return None
    return len(text[:-_TAIL]) + begins + unit, unit


def without_loop(text: str) -> str | None:
    """Return `text` up to the first of its repeated units, that one included; None if there is no loop."""
    found = loop_start(text)
    if found is None:
        return None
    start, unit = found
    kept = text[:start].rstrip()
    if _ENDS.search(kept):
        return kept
    # The run begins within a unit: the text goes on to where that sentence ends.
    end = _END.search(text, start, start + unit)
    return text[: end.end()].rstrip() if end is not None else kept


def _run_start(tail: str, unit: int) -> int:
    """Return where the part of `tail` begins that repeats with this period up to its end."""
    start = len(tail) - unit
    while start > 0 and tail[start - 1] == tail[start - 1 + unit]:
        start -= 1
    return start


def _is_loop(unit: str, length: int) -> bool:
    if not any(mark.isalpha() for mark in unit):
        return length >= _DRAWN and any(mark.isdigit() for mark in unit)
    for longest, times, least in _LIMITS:
        if len(unit) <= longest:
            return length >= max((times - 0.5) * len(unit), least)
    return False


class ProseWatch:
    """Looks at a growing passage of prose for what it says twice, and for the opening of the passage before it."""

    def __init__(self, before: str) -> None:
        self._before = opening(before)
        self._seen = 0

    def opens_alike(self, text: str) -> bool:
        """Return True once the passage is known to begin with the same words as the one before."""
        goes_on = len(_WORD.findall(text[:OPENING_CHARS])) > OPENING_WORDS  # the last word of a growing text may grow
        return goes_on and bool(self._before) and opening(text) == self._before

    def repeats(self, text: str, *, whole: bool = False) -> int | None:
        """Return where the passage begins to say again what it has said; None if it doesn't, or isn't looked at yet."""
        if not whole and len(text) < self._seen + CHECKED_EVERY:
            return None
        self._seen = len(text)
        return said_again(text)


def opening(text: str) -> tuple[str, ...]:
    """Return the first words of a passage, by which openings are compared; empty if it has fewer."""
    words = tuple(found.casefold().replace("ё", "е") for found in _WORD.findall(text[:OPENING_CHARS])[:OPENING_WORDS])
    return words if len(words) == OPENING_WORDS else ()


def said_again(text: str) -> int | None:
    """Return where a sentence or a long run of words comes again, from the beginning of its sentence; None: nowhere.

    A short sentence, a refrain of a few words and a word said over and over may be meant.
    """
    starts = _sentence_starts(text)
    places = (_sentence_again(text, starts), _run_again(text, starts))
    return min((place for place in places if place is not None), default=None)


def _sentence_again(text: str, starts: list[int]) -> int | None:
    seen: set[tuple[str, ...]] = set()
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        sentence = tuple(_WORD.findall(text[start:end].casefold()))
        ended = end < len(text) or _ENDS.search(text.rstrip()) is not None
        if ended and len(sentence) >= SENTENCE_WORDS and len(set(sentence)) >= LEAST_DIFFERENT:
            if sentence in seen:
                return start
            seen.add(sentence)
    return None


def _run_again(text: str, starts: list[int]) -> int | None:
    found = list(_WORD.finditer(text))
    words = [match[0].casefold() for match in found]
    first_at: dict[tuple[str, ...], int] = {}
    for place in range(len(words) - RUN_WORDS + 1):
        run = tuple(words[place : place + RUN_WORDS])
        if len(set(run)) >= LEAST_DIFFERENT and first_at.setdefault(run, place) + RUN_WORDS <= place:
            return max((start for start in starts if start <= found[place].start()), default=0)
    return None


def _sentence_starts(text: str) -> list[int]:
    return [0, *(end for match in _END.finditer(text) if (end := match.end()) < len(text.rstrip()))]
