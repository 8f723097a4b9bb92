"""What somebody typed, without what no text needs: control characters, and letters that nobody sees."""

from __future__ import annotations

import re
import unicodedata

# Characters that no text needs and that break databases, terminals or file names; line ends and tabs stay.
# Nor any that turn the direction of writing round: they would do it to the rest of the bot's message too.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
# Letters and a symbol, by Unicode, that are blank on every screen.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def readable(text: str | None) -> str:
    """The text; empty where nothing of it can be seen."""
    kept = _CONTROL.sub("", text or "").strip()
    return kept if any(_seen(letter) for letter in kept) else ""


def _seen(letter: str) -> bool:
    """Whether a character leaves anything on the screen by itself."""
    return letter not in _BLANK and unicodedata.category(letter)[0] not in "CZ"
