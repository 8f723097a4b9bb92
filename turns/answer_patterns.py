"""What in a model's answer is no part of the story, as compiled expressions of the phrases in `locales/`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from conversation.phrases import any_of, phrases


@dataclass(frozen=True, slots=True)
class AnswerPatterns:
    """Compiled once, at the first answer."""

    openings: tuple[re.Pattern[str], ...]  # «Конечно! Вот продолжение:»
    openers: tuple[str, ...]  # how an opening may begin
    longest_opener: int
    questions: tuple[re.Pattern[str], ...]  # to the reader, as the last sentence
    last_line: re.Pattern[str]  # «Конец»
    initial: re.Pattern[str]  # before a full stop that ends nothing


@cache
def answer_patterns() -> AnswerPatterns:
    """Return the patterns of all languages."""
    assent, piece = any_of("assent"), any_of("piece")
    told = rf"{any_of('pointing')}\s+(?:\w+\s+){{0,4}}{piece}(?:\s+{any_of('after_piece')}){{0,6}}"
    core = rf"(?:{told}|{any_of('opening')})"
    label = rf"(?:{any_of('before_piece')} )?{piece}(?: (?:{any_of('of_piece')}|\d+))?"
    openings = (
        rf"\s*(?:{assent}[,.!]*\s+)?{core}\s*:\s*",
        rf"\s*{assent}[,.!]*\s+{core}[.!…]*\s*\n\s*",
        rf"\s*{assent}[,.!]+\s+{label}\s*:\s*",
        rf"\s*{label}\s*:\s*\n\s*",
        rf"\s*{any_of('assent_alone')}[!.]\s*\n\s*",
    )
    openers = phrases("opener")
    return AnswerPatterns(
        openings=tuple(re.compile(opening, re.IGNORECASE) for opening in openings),
        openers=openers,
        longest_opener=max(map(len, openers)),
        questions=tuple(re.compile(question, re.IGNORECASE) for question in phrases("question")),
        last_line=re.compile(rf"\W*{any_of('last_line')}\W*", re.IGNORECASE),
        initial=re.compile(rf"(?<!\w)(?:[А-ЯЁA-Z]|{any_of('abbreviation')})$"),
    )
