"""Estimates tokens by script: a tokenizer splits Cyrillic more finely than Latin, and each model differs. Pure.

The ratios of a model are its characters a token by script, as far as its own figures have shown them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from core.schemas import Message

Ratios: TypeAlias = Mapping[str, float]

# Of a model that has shown nothing yet: YandexGPT's; those of an unknown model, and the worst of an unknown model.
YANDEX: Final[Ratios] = {"cyrillic": 3.0, "latin": 3.0, "other": 3.0}
UNKNOWN: Final[Ratios] = {"cyrillic": 2.5, "latin": 3.0, "other": 1.0}
WORST: Final[Ratios] = {"cyrillic": 1.2, "latin": 2.5, "other": 0.5}
MOST_CHARS: Final = 6.0  # a token, on the average of a text
LEAST_CHARS: Final = 0.4
TOKENS_PER_MESSAGE: Final = 3  # a role and its marks
_MARGIN: Final = 1.05
_STEP: Final = 0.2  # of the way to what the last answer has shown
_LEAST_PROMPT: Final = 200  # characters; in a shorter one the marks between messages would distort the ratio
_MOSTLY: Final = 0.6  # the share of a script from which on a prompt tells about it
_CYRILLIC: Final = 0x04  # the high bytes of a script's letters in UTF-16: counting them takes a tenth of an expression
_LATIN: Final = (0x00, 0x01, 0x20)  # with digits, spaces and punctuation


def estimate(messages: Sequence[Message], known: Ratios, first: Ratios) -> int:
    """Return about how many tokens the messages have, rather too many than too few."""
    ratios = {**first, **known}
    tokens = sum(number / ratios[script] for script, number in _characters(messages).items())
    pictures = sum(picture.tokens for message in messages for picture in message.pictures)
    return math.ceil(tokens * _MARGIN) + TOKENS_PER_MESSAGE * len(messages) + pictures


def learned(messages: Sequence[Message], tokens: int, known: Ratios, first: Ratios) -> Ratios:
    """Return the ratios after a prompt that had so many tokens. It tells about the script that most of it is in."""
    if any(message.pictures for message in messages):
        return known  # what they have taken isn't told apart
    characters = _characters(messages)
    total = sum(characters.values())
    script = max(characters, key=characters.__getitem__)
    if total < _LEAST_PROMPT or tokens < 1 or characters[script] < _MOSTLY * total:
        return known
    ratios = {**first, **known}
    rest = tokens - sum(number / ratios[name] for name, number in characters.items() if name != script)
    # Where the other scripts seem to take it all, their ratios are wrong: the whole prompt has one.
    seen = characters[script] / rest if rest >= 0.3 * tokens else total / tokens
    seen = min(max(seen, LEAST_CHARS), MOST_CHARS)
    old = known.get(script, seen)
    return {**known, script: old + _STEP * (seen - old)}


def _characters(messages: Sequence[Message]) -> dict[str, int]:
    """Return the number of characters by script."""
    cyrillic = latin = total = 0
    for message in messages:
        letters = _letters(message.text)
        cyrillic += letters[0]
        latin += letters[1]
        total += len(message.text)
    return {"cyrillic": cyrillic, "latin": latin, "other": total - cyrillic - latin}


@lru_cache(maxsize=64)  # a prompt is estimated several times while its turn begins
def _letters(text: str) -> tuple[int, int]:
    """Return the number of Cyrillic letters, and of Latin ones with digits, spaces and punctuation."""
    blocks = text.encode("utf-16-le", "surrogatepass")[1::2]  # the high byte of each letter
    return blocks.count(_CYRILLIC), sum(map(blocks.count, _LATIN))
