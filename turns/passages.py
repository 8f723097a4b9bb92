"""The passages of a long text that a question is about. Pure."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from core.graphemes import whole_end

PASSAGE_CHARS: Final = 600
GAP: Final = "[…]"
_WORD: Final = re.compile(r"\w{4,}")
_STEM: Final = 5  # letters by which two words count as one
_BREAK: Final = re.compile(r"\n+|(?<=[.!?…»”])\s+")


def passages_about(text: str, words: str, *, most_chars: int) -> str:
    """Return at most `most_chars` of a text: its beginning and the passages that share rare words with the question.

    They stand in their order, with `GAP` where something is left out. Without shared words it is the beginning alone.
    """
    if len(text) <= most_chars:
        return text
    passages = _passages(text)
    number_with = Counter(stem for passage in passages for stem in set(_stems(passage)))
    asked = set(_stems(words))

    def score(place: int) -> float:
        return sum(1 / number_with[stem] for stem in asked & set(_stems(passages[place])))

    scores = [score(place) for place in range(len(passages))]
    ranked = sorted(range(1, len(passages)), key=lambda place: (-scores[place], place))
    chosen, left = {0}, most_chars - len(passages[0])
    for place in ranked:
        left -= len(passages[place]) + len(GAP) + 4  # the gap and the line ends around it
        if left < 0:
            break
        chosen.add(place)
    shown: list[str] = []
    for place in sorted(chosen):
        if place - 1 not in chosen and place:
            shown.append(GAP)
        shown.append(passages[place])
    return "\n\n".join(shown) if len(chosen) > 1 else passages[0][: whole_end(passages[0], 0, max(1, most_chars))]


def _passages(text: str) -> list[str]:
    """Return the text in passages of about `PASSAGE_CHARS`, cut where a paragraph or a sentence ends."""
    passages, start = [], 0
    while start < len(text):
        end = min(len(text), start + PASSAGE_CHARS)
        if end < len(text):
            breaks = [found.end() for found in _BREAK.finditer(text, start + PASSAGE_CHARS // 2, end)]
            space = text.rfind(" ", start + PASSAGE_CHARS // 2, end)
            end = breaks[-1] if breaks else space + 1 if space > 0 else whole_end(text, start, end)
        passage = text[start:end].strip()
        if passage:
            passages.append(passage)
        start = end
    return passages or [text[:PASSAGE_CHARS]]


def _stems(text: str) -> list[str]:
    return [word[:_STEM].casefold() for word in _WORD.findall(text)]
