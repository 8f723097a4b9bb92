"""Notices a model that repeats itself. Pure.

One word, sentence or paragraph over and over until the limit is a loop. A refrain, a laugh or a numbered list is none:
the unit comes again to the letter and without a break, the more often the shorter it is.
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
