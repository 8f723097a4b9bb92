"""The turns that ask a model something about a story without adding a text to it."""

from __future__ import annotations

from turns.generation import TextGenerator
from turns.kinds.story import StoryKind
from turns.turn_kind import KindServices


class StoryQuestion(StoryKind):
    """A turn of a story whose answer is no text of it."""

    def __init__(self, services: KindServices, *, generator: TextGenerator) -> None:
        super().__init__(services)
        self._generator = generator
