"""The demo's teacher: a ready lesson on what was asked, and a word on the answer to its question."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

_ASKS: Final = re.compile(
    r"объясн|расскаж|что такое|почему|как\b|научи|explain|tell me|what is|why|how\b", re.IGNORECASE
)


def teach(language: str, words: str, answers: Sequence[str]) -> str:
    """Return a lesson on what `words` ask about, or what is said to them as the answer to its question; else empty."""
    stock = _stock()[language]
    asked = next((lesson for lesson in stock["lesson"] if lesson["says"] in (answers[-1:] or [""])[0]), None)
    found = next((lesson for lesson in stock["lesson"] if re.search(lesson["when"], words, re.IGNORECASE)), None)
    if asked is not None and not (_ASKS.search(words) or (found is not None and found is not asked)):
        right = re.search(asked["right"], words, re.IGNORECASE)
        return str(stock["right" if right else "wrong"].format(answer=asked["answer"]))
    return str(found["says"]) if found is not None else ""


def unknown(language: str, quote: str) -> str:
    """Return what the teacher says where there is no lesson."""
    stock = _stock()[language]
    return str(stock["unknown"].format(quote=quote, topics=stock["topics"]))


@cache
def _stock() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
