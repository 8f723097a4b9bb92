"""Tell from the locale what a message of the bot is: a notice, a sentence about what went wrong, or an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

NOTICES: Final = (
    "story.queue",
    "story.begin",
    "story.busy",
    "chat.busy",
    "finale.writing",
    "finale.epilogue_writing",
    "group.writing",
    "picture.wait",
    "cover.wait",
    "voice.wait",
    "image.wait",
    "outline.wait",
)
_TOLD: Final = re.compile(
    r"(problem|wrong|toast)\..+|.+\.(busy_full|busy_next|refused|away)|(story|chat)\.(stopped|nothing).*"
)
_TAG: Final = re.compile(r"<[^>]+>")
_PLACEHOLDER: Final = re.compile(r"\{[^}]*\}")
_SHORTEST: Final = 8  # a piece that tells a sentence from others


class Sentences:
    """The sentences of one language, found by their longest piece without a placeholder."""

    def __init__(self, templates: Mapping[str, str]) -> None:
        self._notices = {key: _piece(templates[key]) for key in NOTICES}
        told = {key: _piece(text) for key, text in templates.items() if _TOLD.fullmatch(key)}
        self._told = {key: piece for key, piece in told.items() if len(piece) >= _SHORTEST}

    def is_notice(self, text: str) -> bool:
        """Return whether a message says only that something is under way."""
        return any(piece in text for piece in self._notices.values())

    def told(self, text: str) -> str:
        """Return the key of the sentence about what went wrong; empty for any other message."""
        found = [key for key, piece in self._told.items() if piece in text]
        return max(found, key=lambda key: len(self._told[key]), default="")


def _piece(template: str) -> str:
    pieces = _PLACEHOLDER.split(_TAG.sub("", template))
    return max((piece.strip().split("\n")[0] for piece in pieces), key=len)
