"""Notices that a growing passage of a story says something twice, or opens like the passage before it. Pure.

A short sentence, a refrain of a few words and a word said over and over may be meant; loops: `ai/repetition.py`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

CHECKED_EVERY: Final = 200  # characters that a passage grows between two looks
OPENING_WORDS: Final = 4  # that two passages in a row may not begin with
OPENING_CHARS: Final = 120  # in which they stand
SENTENCE_WORDS: Final = 8  # of a sentence that may not come again
RUN_WORDS: Final = 12  # in a row that may not come again
LEAST_DIFFERENT: Final = 6  # words of either
_END: Final = re.compile(r"[.!?…]+[»\"”’)\]]*|\n")
_ENDS: Final = re.compile(r"[.!?…][»\"”’)\]]*\Z")
_WORD: Final = re.compile(r"\w+")


class ProseWatch:
    """Looks at one growing passage. Each look reads only what has come since the one before."""

    def __init__(self, before: str) -> None:
        self._before = opening(before)
        self._head = ""  # the beginning that was compared with `before` last
        self._is_alike = False
        self._said = _Said()

    def opens_alike(self, text: str) -> bool:
        """Return True once the passage is known to begin with the same words as the one before."""
        head = text[:OPENING_CHARS]
        if self._before and head != self._head:
            self._head = head
            goes_on = len(_WORD.findall(head)) > OPENING_WORDS  # the last word of a growing text may grow
            self._is_alike = goes_on and opening(text) == self._before
        return self._is_alike

    def repeats(self, text: str, *, whole: bool = False) -> int | None:
        """Return where the passage begins to say again what it has said; None if it doesn't, or isn't looked at yet."""
        if not whole and len(text) < len(self._said.text) + CHECKED_EVERY:
            return None
        if not text.startswith(self._said.text):  # a vendor may rewrite what it has sent
            self._said = _Said()
        return self._said.again(text)


def opening(text: str) -> tuple[str, ...]:
    """Return the first words of a passage, by which openings are compared; empty if it has fewer."""
    words = tuple(found.casefold().replace("ё", "е") for found in _WORD.findall(text[:OPENING_CHARS])[:OPENING_WORDS])
    return words if len(words) == OPENING_WORDS else ()


def said_again(text: str) -> int | None:
    """Return where a sentence or a long run of words comes again, from the beginning of its sentence; None: nowhere."""
    return _Said().again(text)


class _Said:
    """The sentences and words of a passage that have been read. Its last sentence is read again: it may have grown."""

    def __init__(self) -> None:
        self.text = ""
        self._starts = [0]  # of its sentences
        self._firsts = [0]  # by sentence, the place of its first word in `_words`
        self._words: list[str] = []
        self._sentences: set[tuple[str, ...]] = set()  # without the last one
        self._first_at: dict[tuple[str, ...], int] = {}  # by run of words, the place in `_words` where it came first

    def again(self, text: str) -> int | None:
        """Read on in `text`, which begins with what was read; return where it says something again."""
        self.text = text
        whole = len(text.rstrip())
        begins, kept = self._starts.pop(), self._firsts.pop()
        del self._words[kept:]
        ends = [end for match in _END.finditer(text, begins) if (end := match.end()) < whole]
        found: list[int] = []
        for end in (*ends, len(text)):
            words = _WORD.findall(text[begins:end].casefold())
            self._starts.append(begins)
            self._firsts.append(len(self._words))
            self._words += words
            if self._has_come(tuple(words), is_last=end == len(text)):
                found.append(begins)
            begins = end
        run = self._run_again(kept)
        return min((place for place in (run, *found) if place is not None), default=None)

    def _has_come(self, sentence: tuple[str, ...], *, is_last: bool) -> bool:
        """Return whether a sentence has come before. The last one is not kept, and counts once it has ended."""
        if len(sentence) < SENTENCE_WORDS or (is_last and _ENDS.search(self.text.rstrip()) is None):
            return False
        if sentence in self._sentences:
            return True
        if not is_last and len(set(sentence)) >= LEAST_DIFFERENT:
            self._sentences.add(sentence)
        return False

    def _run_again(self, kept: int) -> int | None:
        """Return the sentence of the first run of words that has come before and has a word after the first `kept`."""
        words = self._words
        last = len(words) - RUN_WORDS
        for place in range(max(0, kept - RUN_WORDS), last + 1):
            run = tuple(words[place : place + RUN_WORDS])
            # The text's last word may grow: its run isn't kept, and is read again next time.
            first = self._first_at.setdefault(run, place) if place < last else self._first_at.get(run, place)
            if first + RUN_WORDS <= place and len(set(run)) >= LEAST_DIFFERENT:
                return self._starts[bisect_right(self._firsts, place) - 1]
        return None
