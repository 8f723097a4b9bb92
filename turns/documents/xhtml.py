"""Paragraphs of an XHTML page, well-formed or not. Reading takes time in proportion to the page, whatever is in it.

`html.parser` needs minutes for some pages of a few kilobytes that no browser would show.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

_BLOCKS: Final = frozenset(
    {"p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "blockquote", "section", "tr", "dd", "dt", "pre", "figure"}
)
_PASSED_OVER: Final = frozenset({"head", "script", "style", "svg", "nav", "template"})
_RAW: Final = re.compile(r"</(?:script|style)\b", re.IGNORECASE)  # what is within one of these is no markup
_NAME: Final = re.compile(r"/?([a-z][^\s/>]{0,40})", re.IGNORECASE)
_NO_ELEMENTS: Final = (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<!", ">"), ("<?", ">"))


def paragraphs_of(page: str) -> list[str]:
    """Return the paragraphs; a `br` is a line end. Empty ones stand where a block begins or ends."""
    paragraphs: list[list[str]] = [[]]
    hidden_by, depth = "", 0  # the outermost element that is passed over, and how many of its name are open
    for text, tag in _pieces(page):
        if text and not hidden_by:
            paragraphs[-1].append(text)
        name, is_end, is_empty = _read(tag)
        if hidden_by:
            depth += (name == hidden_by) * (-1 if is_end else not is_empty)
            hidden_by = hidden_by if depth else ""
        elif name in _PASSED_OVER and not (is_end or is_empty):
            hidden_by, depth = name, 1
        elif name == "br" and not is_end:
            paragraphs[-1].append("\n")
        elif name in _BLOCKS:
            paragraphs.append([])
    return ["".join(pieces) for pieces in paragraphs]


def _pieces(page: str) -> Iterator[tuple[str, str]]:
    """Return the texts between the tags, each with the tag that follows it, as it stands between `<` and `>`."""
    place = 0
    while (start := page.find("<", place)) >= 0:
        yield _plain(page[place:start]), ""
        opens, closes = next((pair for pair in _NO_ELEMENTS if page.startswith(pair[0], start)), ("<", ">"))
        if opens == "<" and _NAME.match(page, start + 1) is None:
            yield "<", ""  # as in «a < b»
            place = start + 1
            continue
        end = page.find(closes, start + len(opens))
        if end < 0:
            return  # the page is cut off within a tag
        place = end + len(closes)
        if opens == "<![CDATA[":
            yield page[start + len(opens) : end].replace("\n", " "), ""
        elif opens == "<":
            tag = page[start + 1 : end]
            yield "", tag
            if _read(tag) in (("script", False, False), ("style", False, False)):
                found = _RAW.search(page, place)
                place = found.start() if found is not None else len(page)
    yield _plain(page[place:]), ""


def _read(tag: str) -> tuple[str, bool, bool]:
    """Return the name of a tag, whether it ends an element, and whether it is one without content."""
    found = _NAME.match(tag)
    return (found[1].lower() if found is not None else "", tag.startswith("/"), tag.endswith("/"))


def _plain(text: str) -> str:
    return html.unescape(text).replace("\n", " ")
