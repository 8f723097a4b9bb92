"""Numbers that come as text: in a button's data, an admin's command, an address."""

from __future__ import annotations

from typing import Final

ID_DIGITS: Final = 18  # of Telegram's ids, and of what SQLite counts to


def is_number(text: str, digits: int = ID_DIGITS) -> bool:
    """Whether a text is a number of at most so many ASCII digits."""
    return text.isascii() and text.isdecimal() and len(text) <= digits
