"""Deeds, speech and the System's line of a LitRPG, as they are read outside a prompt. Pure.

A user marks their words: «Сделать: открыть сундук», «Сказать: привет». Readers get a sentence and a line of dialogue.
"""

from __future__ import annotations

import re
from functools import cache

from conversation.phrases import any_of
from conversation.wishes import without_wishes


def as_read(words: str) -> str:
    """Return a user's own words as a reader gets them: without wishes, deeds and speech without their marks."""
    return "\n".join(map(_unmarked, without_wishes(words).split("\n")))


def is_status(line: str) -> bool:
    """Return whether a line is the System's, such as «[Система: уровень 2, здоровье 80 из 100]»."""
    return line.startswith("[") and _status().fullmatch(line) is not None


def _unmarked(line: str) -> str:
    found = _marked().fullmatch(line.strip()) if ":" in line[:20] else None
    if found is None:
        return line
    said = found["speech"] is not None
    words = f"{found['words'][0].upper()}{found['words'][1:]}"
    words += "" if words[-1] in '.!?…»”"' else "."
    if not said or words[0] in '—–-«“"':
        return words
    return f"“{words}”" if found["speech"].isascii() else f"— {words}"


@cache
def _marked() -> re.Pattern[str]:
    return re.compile(
        rf"(?:{any_of('deed')}|(?P<speech>{any_of('speech')}))\s*:\s*(?P<words>\S.*)", re.IGNORECASE | re.DOTALL
    )


@cache
def _status() -> re.Pattern[str]:
    return re.compile(rf"\[{any_of('status')}\s*:[^\n]+\]", re.IGNORECASE)
