"""What is read aloud of an answer in Markdown: its prose, without code, addresses and signs. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from core.text import split
from telegram.markdown import Rich, pieces

MOST_CHARS: Final = 1500  # of one answer: about a minute and a half

_SILENT: Final = frozenset({"pre"})  # entities that aren't read
_ADDRESS: Final = re.compile(r"\(?\b(?:https?://|www\.)[^\s)]+\)?", re.IGNORECASE)
_SIGNS: Final = re.compile(r"[•☑☐|]|—{3,}")
_READ_SYMBOLS: Final = frozenset("№°%$€₽+=")
_EMOJI_PARTS: Final = frozenset("\ufe0f\u200d\u20e3")


def spoken(markdown: str) -> tuple[str, bool]:
    """Return what is read aloud of an answer, at most `MOST_CHARS`, and whether it is only the beginning.

    Empty if the answer has nothing to read: code, or a link alone.
    """
    prose = "\n".join(map(_without_code, pieces(markdown)))
    prose = _SIGNS.sub(" ", _ADDRESS.sub(" ", prose))
    prose = "".join(letter for letter in prose if _is_read(letter))
    lines = [" ".join(line.split()) for line in prose.splitlines()]
    text = "\n".join(line for line in lines if any(map(str.isalnum, line)))
    first = next(iter(split(text, MOST_CHARS)), "")
    return first, len(first) < len(text)


def _without_code(piece: Rich) -> str:
    units, end, kept = piece.text.encode("utf-16-le"), 0, b""
    for entity in sorted(piece.entities, key=lambda entity: int(str(entity["offset"]))):
        if entity["type"] in _SILENT:
            start, length = int(str(entity["offset"])), int(str(entity["length"]))
            kept += units[2 * end : 2 * max(end, start)] + "\n".encode("utf-16-le")
            end = max(end, start + length)
    return (kept + units[2 * end :]).decode("utf-16-le", "replace")


def _is_read(letter: str) -> bool:
    return letter in _READ_SYMBOLS or not (
        letter in _EMOJI_PARTS or unicodedata.category(letter) in ("So", "Sk", "Cs", "Co", "Cn")
    )
