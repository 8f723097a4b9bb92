"""Plain text cut to Telegram's limits, which count UTF-16 units and not letters."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Final

from core.graphemes import clings, whole_end

MESSAGE_UNITS: Final = 4096  # of one message or draft, after Telegram has read the tags

# Where a piece may end, the best first. Each match is the gap between two pieces.
_GAPS: Final = (
    re.compile(r"\n[^\S\n]*\n\s*"),
    re.compile(r"\n\s*"),
    re.compile(r"(?<=[.!?…])[»”\"')\]]*(\s+)"),
    re.compile(r"\s+"),
)
_TAG: Final = re.compile(
    r"</?(?:b|strong|i|em|u|ins|s|strike|del|span|tg-spoiler|tg-emoji|a|code|pre|blockquote)(?:\s[^<>]*)?/?>", re.I
)


def utf16_length(text: str) -> int:
    """Return the length of `text` as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def split(text: str, limit: int = MESSAGE_UNITS) -> list[str]:
    """Return the text in pieces of at most `limit` (≥ 2) units; only white space at the cuts is lost.

    Cut at the end of a paragraph, else of a line, of a sentence, of a word, and only then anywhere. White space
    alone gives no piece.
    """
    pieces = []
    start = 0
    while start < len(text):
        end = _reach(text, start, limit)
        cut = len(text) if end == len(text) else _cut(text, start, end)
        piece = text[start:cut]
        if cut < len(text):
            piece = piece.rstrip()
        if piece.strip():
            pieces.append(piece)
        start = cut
        while start < len(text) and text[start].isspace():
            start += 1
    return pieces


def tail(text: str, limit: int = MESSAGE_UNITS) -> str:
    """Return the last `limit` units or fewer, from the start of a paragraph, a line, a sentence or a word."""
    if len(text) <= limit and utf16_length(text) <= limit:
        return text
    start = _reach_back(text, limit)  # at least 1
    nearest = start + (len(text) - start) // 2  # a better place isn't worth more than half of what fits
    for gap in _GAPS:
        match = gap.search(text, start - 1, nearest)
        if match:
            return text[max(start, match.end()) :].lstrip()
    while start < len(text) - 1 and clings(text, start):
        start += 1
    return text[start:]


def shorten(text: str, limit: int) -> str:
    """Return the text, or as many of its words as fit into `limit` (≥ 1) units before «…»."""
    if len(text) <= limit and utf16_length(text) <= limit:
        return text
    end = _reach(text, 0, limit - 1)
    if not text[end].isspace():
        words = text[:end].rstrip().rfind(" ")
        end = words if words > end // 2 else whole_end(text, 0, end)
    return text[:end].rstrip(" \t\r\n,.;:!?…—–-") + "…"


def plain_text(marked: str) -> str:
    """Return the visible text of Telegram's HTML, valid or not."""
    return html.unescape(_TAG.sub("", marked))


def _has_pairs(text: str) -> bool:
    return utf16_length(text) > len(text)


def _reach(text: str, start: int, limit: int) -> int:
    """Return the furthest end of a piece from `start` that fits into `limit` units."""
    end = min(len(text), start + limit)
    if not _has_pairs(text[start:end]):
        return end
    return start + _fitting((text[place] for place in range(start, end)), limit)


def _reach_back(text: str, limit: int) -> int:
    start = max(0, len(text) - limit)
    if not _has_pairs(text[start:]):
        return start
    return len(text) - _fitting((text[place] for place in range(len(text) - 1, start - 1, -1)), limit)


def _fitting(letters: Iterator[str], limit: int) -> int:
    units = count = 0
    for letter in letters:
        units += 2 if letter > "\uffff" else 1
        if units > limit:
            break
        count += 1
    return count


def _cut(text: str, start: int, end: int) -> int:
    """Return the best end of the piece from `start` to at most `end`; the text continues at `end`."""
    earliest: tuple[Callable[[int], bool], ...] = (
        lambda place: place - start >= (end - start) // 4,  # a good end isn't worth a very short piece …
        lambda place: text[start:place].strip() != "",  # … unless there is no other
    )
    gaps_end = end  # the gap after the last letter that fits needn't fit
    while gaps_end < len(text) and text[gaps_end].isspace():
        gaps_end += 1
    for accepted in earliest:
        for gap in _GAPS:
            places = [
                match.start(match.lastindex or 0)
                for match in gap.finditer(text, start, gaps_end)
                if not (match.end() < len(text) and clings(text, match.end()))
            ]
            for place in reversed(places):
                if start < place <= end and accepted(place):
                    return place
    return whole_end(text, start, end)
