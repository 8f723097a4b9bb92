"""What each family of turns does its own way: its prompt, its memory, its text, and how it ends.

`writing` is the same for all of them. Here are the terms, and how stories keep them; talk's are in `talking`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from conversation.localization import Locales, Texts
from core.schemas import Message
from database import Database, Prompt, StoryPath, Turn
from turns import story_prompts, text_cleanup
from turns.story_outcomes import Outcomes


@dataclass(frozen=True, slots=True)
class Subject:
    """What one turn writes on: the language of its prompts, and the prompt that a path makes."""

    texts: Texts
    prompt: Callable[[StoryPath], list[Message]]


class TurnKind(Protocol):
    """Stories, or talk."""

    full_share: float  # of the room for a prompt, from which on older text becomes memory
    kept_share: float  # of it, that the newest text may keep after that

    @property
    def outcomes(self) -> Outcomes:
        """How these turns end."""

    def subject(self, turn: Turn) -> Subject:
        """What an open turn writes on."""

    def memory_prompt(self, turn: Turn, texts: Texts, memory: str, prompts: Sequence[Prompt]) -> list[Message]:
        """What makes a new memory out of the old one and the prompts that follow it."""

    def growing(self, text: str, words: str) -> str:
        """An answer so far, as it is shown; empty while nothing of it is sure. `words`: what it answers."""

    def whole(self, kind: str, text: str, words: str) -> str:
        """An answer as it is kept; empty where it says nothing."""

    def cut_off(self, text: str) -> str:
        """The same where it ran into its limit."""

    def kept(self, text: str) -> str:
        """What of an answer is kept whose model fell silent; empty: nothing of it is worth that."""

    def stopped(self, text: str) -> str:
        """What of an answer is kept that its user stopped."""


class StoryKind:
    """Stories: prose without the model's asides, ended at whole sentences."""

    full_share = 0.7
    kept_share = 0.35

    def __init__(self, db: Database, locales: Locales, outcomes: Outcomes) -> None:
        self._db = db
        self._locales = locales
        self._outcomes = outcomes

    @property
    def outcomes(self) -> Outcomes:
        """How a story's turns end: what is kept, sent and given back."""
        return self._outcomes

    def subject(self, turn: Turn) -> Subject:
        """The texts in the story's language, and the prompt that its path makes."""
        story = self._db.stories.get(turn.session_id)
        assert story is not None  # an open turn has its session
        texts = self._locales[story.language]
        return Subject(texts, lambda path: story_prompts.story_messages(texts, story, path, turn))

    def memory_prompt(self, turn: Turn, texts: Texts, memory: str, prompts: Sequence[Prompt]) -> list[Message]:
        """The prompt for a new memory, out of the old one and the prompts after it."""
        return story_prompts.memory_messages(texts, memory, prompts)

    def growing(self, text: str, words: str) -> str:
        """The part of a growing answer that may be shown; empty while its opening is undecided."""
        return text_cleanup.clean_growing(text, words)

    def whole(self, kind: str, text: str, words: str) -> str:
        """Clean prose; for a kind beside the story, what it says, empty where it can't be used."""
        return story_prompts.aside_text(kind, text) if kind in story_prompts.ASIDES else text_cleanup.clean(text, words)

    def cut_off(self, text: str) -> str:
        """The text up to its last whole sentence; unchanged where it has none."""
        return text_cleanup.whole_sentences(text)

    def kept(self, text: str) -> str:
        """The text up to its last whole sentence; empty where it has none."""
        whole = text_cleanup.whole_sentences(text)
        return whole if text_cleanup.ends_whole(whole) else ""

    def stopped(self, text: str) -> str:
        """The text up to its last whole sentence, or where it has none, its last whole word."""
        return text_cleanup.unbroken(text)
