"""Recognises lines of the prompt that a model repeats in its answer. Pure.

Small models begin with a line of what they were told. The model's own texts in the prompt don't count: a story may come
back to its words.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from core.schemas import Message

LEAST_CHARS = 12  # of a line; a shorter one may be a coincidence
BROKEN_SHARE = 0.3  # of a text: if more of it are lines of the prompt, it is no answer


class PromptEcho:
    """The lines of one prompt: of its system text and of what was said last."""

    def __init__(self, messages: Sequence[Message]) -> None:
        told = [message.text for message in messages if message.role == "system"]
        told += [message.text for message in messages[-1:] if message.role == "user"]
        lines = {_plain_line(line) for text in told for line in text.splitlines()}
        self._lines = frozenset(line for line in lines if len(line) >= LEAST_CHARS)
        self._longest = 2 * max(map(len, self._lines), default=0)  # of a line with marks and spaces around its words
        self._answered = ""  # the beginning of a growing text that is known to be none of them

    def without(self, text: str, *, growing: bool = False) -> str:
        """Return `text` without lines of the prompt before it; as it is if it has nothing else.

        Of a `growing` text nothing is returned while its first line may still become one.
        """
        if self._answered and text.startswith(self._answered):
            return text
        rest = text
        while rest:
            line, newline, after = rest.lstrip().partition("\n")
            if len(line) > self._longest:
                return rest
            plain = _plain(line)
            if growing and not newline:
                begun = plain and any(known.startswith(plain) for known in self._lines)
                if rest is text and plain and not begun:
                    self._answered = text
                return "" if begun else rest
            if plain not in self._lines:
                return rest if rest.strip() else text
            rest = after
        return text if not growing else ""

    def fills(self, text: str) -> bool:
        """Return True if much of `text` are lines of the prompt."""
        repeated = sum(len(line) for line in text.splitlines() if _plain(line) in self._lines)
        return repeated > BROKEN_SHARE * len(text)


@lru_cache(maxsize=512)  # most lines are the same in every prompt
def _plain_line(line: str) -> str:
    return _plain(line)


def _plain(line: str) -> str:
    return " ".join(line.casefold().strip(" \t#*_>-—–•«»\"'.:").split())
