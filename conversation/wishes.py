"""What a reader asks of the co-author in round brackets, told from brackets that belong to the story. Pure.

A passage that is wholly in brackets is a wish: a line of its own, or the end of a line after a whole sentence. Brackets
inside a sentence are text. A wish about an event is granted once; one about the manner of writing holds from then on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from conversation.phrases import any_of

_IN_BRACKETS: Final = r"\(((?:[^()]|\([^()]*\))*)\)[.!]?[ \t]*$"  # over several lines, and with brackets inside
_WISH: Final = re.compile(rf"^[ \t]*{_IN_BRACKETS}|(?<=[.!?…»”])[ \t]*{_IN_BRACKETS}", re.MULTILINE)
_MANNER_WORDS: Final = 8  # a longer wish tells of an event
_MOST_MANNERS: Final = 4


def without_wishes(words: str) -> str:
    """Return a user's own words without their wishes; empty if they are nothing else."""
    return _WISH.sub("", words).strip() if "(" in words else words.strip()


def wishes_in(words: str) -> list[str]:
    """Return the wishes of a user's own words, without their brackets."""
    found = (" ".join((match[1] or match[2] or "").split()) for match in _WISH.finditer(words))
    return [wish for wish in found if wish]


def manners_in(texts: Iterable[str]) -> list[str]:
    """Return the wishes about the manner of writing in a user's own words, oldest first: the newest few of them."""
    found = [wish.rstrip(".!") for words in texts for wish in wishes_in(words) if is_manner(wish)]
    return list(dict.fromkeys(reversed(found)))[:_MOST_MANNERS][::-1]


def is_manner(wish: str) -> bool:
    """Return whether a wish is about how to write, and not about what happens."""
    return len(wish.split()) <= _MANNER_WORDS and _manner().search(wish) is not None


@cache
def _manner() -> re.Pattern[str]:
    return re.compile(any_of("manner"), re.IGNORECASE)
