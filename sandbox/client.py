"""What a client of Telegram does by itself: it cuts long texts, and finds messages and shows them as a line."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.contract import units
from sandbox.telegram_api import TEXT_LIMIT
from sandbox.telegram_state import ChatMessage

Wanted = str | Callable[[ChatMessage], bool] | None


def fits(message: ChatMessage, wanted: Wanted) -> bool:
    if wanted is None:
        return True
    return wanted in message.text if isinstance(wanted, str) else wanted(message)


def line_of(message: ChatMessage) -> str:
    who = "bot" if message.from_bot else "user"
    return f"{message.id} {who}: {message.text[:120]!r} {list(message.labels) or ''}"


def pieces_of(text: str) -> list[str]:
    """Return a text as a client cuts it: after a line or a word of the second half, else anywhere."""
    pieces: list[str] = []
    while units(text) > TEXT_LIMIT:
        fits = text.encode("utf-16-le")[: 2 * TEXT_LIMIT].decode("utf-16-le", "ignore")  # without half an emoji
        if text[len(fits)] not in " \n":
            ends = (place for gap in "\n " if (place := fits.rfind(gap)) > len(fits) // 2)
            fits = fits[: next(ends, len(fits))]
        pieces.append(fits.strip())
        text = text[len(fits) :].strip()
    return [*pieces, text]
