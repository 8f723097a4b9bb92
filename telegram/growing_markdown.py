"""Show Markdown that is not whole yet: marks that are open at its end are closed or held back."""

from __future__ import annotations

import re
from typing import Final

from core.text import MESSAGE_UNITS
from telegram.markdown import Rich, pieces

_FENCE: Final = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_FENCE_BEGUN: Final = re.compile(r"\n[ \t]*[`~]{1,2}\Z")
_BLOCK_ENDS: Final = re.compile(r"\n[ \t]*\n")
_LINK_BEGUN: Final = re.compile(r"!?\[[^\[\]\n]*(?:\](?:\([^()\n]*)?)?\Z")
_MARKS_AT_END: Final = re.compile(r"[*_~`]+\Z")
_CODE: Final = re.compile(r"`+")
# What opens bold, italic or struck text, and what closes it.
_MARK: Final = re.compile(
    r"(?<![*\w])(?P<opens>\*{1,3}|_{1,3}|~~)(?=[^\s*_~])|(?<=[^\s*_~])(?P<closes>\*{1,3}|_{1,3}|~~)"
)


def first_piece(markdown: str, limit: int = MESSAGE_UNITS) -> Rich | None:
    """Return the first message of a growing text; None while it has none."""
    return next(iter(pieces(closed(markdown), limit)), None)


def closed(markdown: str) -> str:
    """Return a text whose last block has no half link and no mark that is open."""
    if len(_FENCE.findall(markdown)) % 2:
        code = _FENCE_BEGUN.sub("", markdown)
        return f"{code}\n```" if "```" in code else f"{code}\n~~~"
    start = max((match.end() for match in _BLOCK_ENDS.finditer(markdown)), default=0)
    block = _LINK_BEGUN.sub("", markdown[start:]).rstrip()
    ticks = _CODE.findall(block)
    if len(ticks) % 2:
        bare = block.removesuffix(ticks[-1])
        return markdown[:start] + (bare if bare != block else block + ticks[-1])
    open_marks = _open_marks(block)
    if open_marks:
        block = _MARKS_AT_END.sub("", block)
        open_marks = _open_marks(block)
    elif re.search(r"(?:^|\s)[*_~`]+\Z", block):
        block = _MARKS_AT_END.sub("", block)
    return markdown[:start] + block.rstrip() + "".join(reversed(open_marks))


def _open_marks(block: str) -> list[str]:
    """Return the marks that nothing closes, in order."""
    found: list[str] = []
    for match in _MARK.finditer(_without_code(block)):
        if match["opens"]:
            found.append(match["opens"])
        elif match["closes"] in found:
            del found[found.index(match["closes"]) :]
    return found


def _without_code(block: str) -> str:
    return re.sub(r"(`+).*?\1", lambda match: " " * len(match[0]), block, flags=re.DOTALL)
