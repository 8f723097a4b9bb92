"""Reads typed text: without control characters and what is blank on every screen; links to the bot as their start.

Where others talk too, words for the bot have its @name among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from core.graphemes import is_visible

# Characters that break databases, terminals or file names, and those that reverse the direction of the text after
# them, which may be the bot's. Line ends and tabs stay.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_LINK = re.compile(
    r"(?:(?:https?://)?(?:www\.)?(?:t|telegram)\.(?:me|dog)/(?P<bot>\w+)/?\?|tg:(?://)?resolve\?domain=(?P<domain>\w+)&)"
    r"start=(?P<start>[\w-]{1,64})",
    re.IGNORECASE | re.ASCII,
)


def readable(text: str | None) -> str:
    """Return the text without control characters; empty if nothing of it is visible."""
    kept = _CONTROL.sub("", text or "").strip()
    return kept if any(is_visible(letter) for letter in kept) else ""


def start_parameter(text: str, username: Callable[[], str]) -> str:
    """Return what a link to the bot starts it with; empty if the text is no such link. `username`: the bot's."""
    link = _LINK.fullmatch(text)
    if link is None or (link["bot"] or link["domain"]).lower() != username().lower():
        return ""
    return link["start"]


def is_mentioned(text: str, username: str) -> bool:
    """Return whether the text has the bot's @name; False while that is unknown."""
    return bool(username) and _mention(username).search(text) is not None


def without_mention(text: str, username: str) -> str:
    """Return the words without the bot's @name."""
    words = _mention(username).sub(" ", text) if username else text
    return re.sub(r"[^\S\n]{2,}", " ", words).strip(" ,:\n")


def _mention(username: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)@{re.escape(username)}\b[,:]?", re.IGNORECASE)
