"""Text with Telegram's entities as HTML: bold, links, quotations, and code with its language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from core.schemas import Json

_TAGS: Final = {
    "bold": "b",
    "italic": "i",
    "underline": "u",
    "strikethrough": "s",
    "code": "code",
    "spoiler": "span",
    "blockquote": "blockquote",
    "expandable_blockquote": "blockquote",
}
_LANGUAGE: Final = re.compile(r"[\w+#.-]{1,32}")


def html_of(text: str, entities: Sequence[Mapping[str, Json]]) -> str:
    """Return the text as HTML, in which line breaks stay line breaks. An entity that crosses another ends with it."""
    units = text.encode("utf-16-le", "surrogatepass")
    spans = sorted(((_span(entity), entity) for entity in entities), key=lambda one: (one[0][0], -one[0][1]))
    found: list[str] = []
    open_until: list[tuple[int, str]] = []  # where each open tag ends, and how
    place = 0
    for (start, end), entity in spans:
        if not 0 <= start < end or start < place:
            continue
        while open_until and open_until[-1][0] <= start:
            place = _copy(units, place, open_until[-1][0], found)
            found.append(open_until.pop()[1])
        opening, closing = _tags(entity)
        place = _copy(units, place, start, found)
        found.append(opening)
        open_until.append((min(end, open_until[-1][0]) if open_until else end, closing))
    while open_until:
        place = _copy(units, place, open_until[-1][0], found)
        found.append(open_until.pop()[1])
    _copy(units, place, len(units) // 2, found)
    return "".join(found)


def _span(entity: Mapping[str, Json]) -> tuple[int, int]:
    offset, length = entity.get("offset"), entity.get("length")
    return (offset, offset + length) if isinstance(offset, int) and isinstance(length, int) else (-1, -1)


def _copy(units: bytes, start: int, end: int, found: list[str]) -> int:
    text = units[2 * start : 2 * end].decode("utf-16-le", "replace")
    found.append(escape(text, quote=False))
    return max(start, min(end, len(units) // 2))


def _tags(entity: Mapping[str, Json]) -> tuple[str, str]:
    kind = str(entity.get("type", ""))
    if kind == "pre":
        language = str(entity.get("language") or "")
        named = f' class="language-{language}"' if _LANGUAGE.fullmatch(language) else ""
        return f"<pre><code{named}>", "</code></pre>"
    if kind == "text_link":
        return f'<a rel="noreferrer" href="{escape(str(entity.get("url", "")), quote=True)}">', "</a>"
    tag = _TAGS.get(kind)
    return (f"<{tag}>", f"</{tag}>") if tag else ("", "")
