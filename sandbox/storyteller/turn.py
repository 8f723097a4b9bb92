"""Which answer is wanted, and the pieces that one is joined of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Turn:
    """Which one of several answers to the same request is wanted."""

    variant: int = 0  # how often the request came before
    story: int = -1  # how many stories were begun before this one; -1: by the story's own words
    of_genre: int = -1  # the same among those of its genre
    repeat: int = 0  # how often this run has answered the request before
    used: frozenset[str] = frozenset()  # what the story was told already, also in variants that aren't kept
    worn: Mapping[str, int] = field(default_factory=dict)  # how often each event was told in all stories


@dataclass(frozen=True, slots=True)
class Block:
    """Some sentences of a part; where space is short the least needed ones go."""

    need: int
    text: str
    paragraph: bool = False


def joined(blocks: Sequence[Block]) -> str:
    """Return the blocks as one text; speeches and paragraphs begin new lines."""
    text = ""
    for block in blocks:
        speech = block.text.startswith("—") or text.rpartition("\n")[2].startswith("—")
        text += ("\n\n" if block.paragraph else "\n" if speech else " ") * bool(text) + block.text
    return text
