"""Answers every request of the local models: what it asks for is told by whoever tells such things."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from threading import Lock
from typing import Final

from core.schemas import Message
from sandbox import files_told, talker
from sandbox.storyteller import beside, outline, request
from sandbox.storyteller.compose import compose
from sandbox.storyteller.data import stock
from sandbox.storyteller.memory import memory
from sandbox.storyteller.plan import number
from sandbox.storyteller.status import with_status
from sandbox.storyteller.turn import Turn

REMEMBERED: Final = 5_000  # requests and stories


def tell(messages: Sequence[Message], turn: Turn | None = None) -> str:
    """Return the answer to a request; the same for the same `turn`, another for another one."""
    return _told(request.read(messages), messages, turn or Turn())[0]


def _told(brief: request.Brief, messages: Sequence[Message], turn: Turn) -> tuple[str, frozenset[str]]:
    if brief.variant:
        turn = replace(turn, variant=turn.variant or 1, repeat=turn.repeat or 1)
    if brief.kind in ("part", "ending", "epilogue"):
        text, used = compose(brief, turn)
        return with_status(brief, text, len(brief.written) + bool(brief.memory)), used
    return _beside(brief, messages, turn), frozenset()


def _beside(brief: request.Brief, messages: Sequence[Message], turn: Turn) -> str:
    if brief.kind == "suggestions":
        return beside.suggestions(brief, turn)
    if brief.kind == "outline":
        return outline.outline(brief.text, brief.language, turn.variant)
    if brief.kind == "title":
        return beside.title(brief, turn)
    if brief.kind == "illustration":
        return beside.illustration(brief, turn)
    if brief.kind == "memory":
        return memory(messages[-1].text, brief.language)
    if brief.kind == "talk_memory":
        return talker.remember(messages[-1].text)
    return files_told.answer(messages) or talker.talk(messages, turn.variant)


@dataclass(slots=True)
class _Story:
    """A story of this run. `used` is what it was told, in kept variants and in others."""

    number: int
    of_genre: int
    used: set[str] = field(default_factory=set)


class Storyteller:
    """Answers requests one after another: the same request again gets another answer. Thread-safe.

    It counts how often a request came, from `first_variant` on: after a restart another one lets a variant differ.
    It remembers the events of each story, so that none comes twice, and in another story only when all were told.
    """

    def __init__(self, first_variant: int = 0) -> None:
        self._first_variant = first_variant
        self._asked: OrderedDict[bytes, int] = OrderedDict()
        self._stories: OrderedDict[str, _Story] = OrderedDict()
        self._worn: Counter[str] = Counter()
        self._genres: dict[str, int] = {}
        self._begun = 0
        self._lock = Lock()

    def answer(self, messages: Sequence[Message]) -> str:
        """Return the answer to a request."""
        brief = request.read(messages)
        key = blake2b(request.canonical(messages).encode("utf-8", "replace"), digest_size=16).digest()
        with self._lock:
            variant = self._asked.pop(key, self._first_variant - 1) + 1
            self._asked[key] = variant
            if len(self._asked) > REMEMBERED:
                self._asked.popitem(last=False)
            story = self._story_of(brief)
            turn = Turn(variant)
            if story is not None:
                repeat = variant - self._first_variant
                turn = Turn(variant, story.number, story.of_genre, repeat, frozenset(story.used), dict(self._worn))
        text, used = _told(brief, messages, turn)
        if story is not None:
            with self._lock:
                story.used |= used
                self._worn.update(used & stock(brief.language).events)
        return text

    def _story_of(self, brief: request.Brief) -> _Story | None:
        """Return the story that a part belongs to; None for any other request."""
        if brief.kind != "part":
            return None
        card = f"{brief.language}|{brief.genre}|{brief.hero}|{brief.setting}|{brief.wishes}"
        if not self._stories:
            self._begun = number(card) % 97  # not every run begins with the same words
        if card not in self._stories:
            genre = stock(brief.language).genre(brief.genre)
            self._stories[card] = _Story(self._begun, self._genres.get(genre, 0))
            self._begun += 1
            self._genres[genre] = self._genres.get(genre, 0) + 1
            if len(self._stories) > REMEMBERED:
                self._stories.popitem(last=False)
        return self._stories[card]
