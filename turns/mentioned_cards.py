"""Which cards of a story the next text is told of: those that the newest texts or the reader's words name. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from conversation.naming import named, spoken
from database import Card, StoryPath
from turns.message_view import read_text

LOOKED_IN: Final = 3  # newest texts of the path
MOST_MENTIONED: Final = 5  # cards in a prompt
MOST_IN_SMALL: Final = 2  # in a short one


def mentioned_cards(cards: Sequence[Card], path: StoryPath, *, most: int = MOST_MENTIONED) -> list[str]:
    """Return the mentioned cards as the model reads them; of more than `most`, those named last.

    The newest words count with their wishes. Where a volume begins, only the memory can mention one.
    """
    if not cards:
        return []
    newest = path.prompts[-LOOKED_IN:]
    texts = [prompt.text if prompt is newest[-1] else read_text(prompt) for prompt in newest] or [path.memory]
    left, found = list(cards), []
    for text in map(spoken, reversed(texts)):
        mentioned = [card for card in left if named(card.text.callers, text)]
        found += mentioned
        left = [card for card in left if card not in mentioned]
    return [card.text.told for card in sorted(found[:most], key=lambda card: card.id)]
