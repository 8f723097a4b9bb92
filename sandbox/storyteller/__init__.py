"""What the local models answer: stories put together by rules from ready pieces. No neural network is at work.

A story has a plan, made of its hero and genre alone and so the same in every request: a thing to bring somewhere in
time, a companion, a rival, a keepsake that is the price. Each part is one event of `scenes.toml`, told in the story's
words (`compose`); the reader's words and wishes turn into reactions and events (`reader`); Russian words are declined
(`russian`). Everything that is no story is a chat, which `talker` answers.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from threading import Lock
from typing import Final

from core.schemas import Message
from sandbox import talker
from sandbox.storyteller import beside, outline, request
from sandbox.storyteller.compose import Turn, compose
from sandbox.storyteller.data import stock
from sandbox.storyteller.memory import memory
from sandbox.storyteller.plan import number

_SYSTEM_LINE: Final = re.compile(r"\[(Система|System): ")  # that the prompt asks for under each part
REMEMBERED: Final = 5_000  # requests and stories

__all__ = ["Storyteller", "Turn", "tell"]


def tell(messages: Sequence[Message], turn: Turn | None = None) -> str:
    """Return the answer to a request; the same for the same `turn`, another for another one."""
    return _told(request.read(messages), messages, turn or Turn())


def _told(brief: request.Brief, messages: Sequence[Message], turn: Turn) -> str:
    if brief.variant and not turn.variant:
        turn = replace(turn, variant=1)
    if brief.kind == "part" and (mark := _SYSTEM_LINE.search(brief.text)):
        level = len(brief.written) + 1
        figures = f"{level}, 100/100, {level * 40}" if brief.language == "en" else f"{level}, 100 из 100, {level * 40}"
        return f"{compose(brief, turn)}\n\n[{mark[1]}: {figures}]"
    if brief.kind in ("part", "ending", "epilogue"):
        return compose(brief, turn)
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
    return talker.talk(messages, turn.variant)


class Storyteller:
    """Answers requests one after another: the same request again gets another answer. Thread-safe.

    It counts how often a request came, from `first_variant` on: after a restart another one lets a variant differ.
    """

    def __init__(self, first_variant: int = 0) -> None:
        self._first_variant = first_variant
        self._asked: OrderedDict[bytes, int] = OrderedDict()
        self._stories: OrderedDict[str, tuple[int, int]] = OrderedDict()
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
            story, of_genre = self._place_of(brief)
        return _told(brief, messages, Turn(variant, story, of_genre))

    def _place_of(self, brief: request.Brief) -> tuple[int, int]:
        """Return the number of the story among all, and among those of its genre."""
        if brief.kind != "part":
            return -1, -1
        card = f"{brief.language}|{brief.genre}|{brief.hero}|{brief.setting}|{brief.wishes}"
        if not self._stories:
            self._begun = number(card) % 97  # not every run begins with the same words
        if card not in self._stories:
            genre = stock(brief.language).genre(brief.genre)
            self._stories[card] = self._begun, self._genres.get(genre, 0)
            self._begun += 1
            self._genres[genre] = self._genres.get(genre, 0) + 1
            if len(self._stories) > REMEMBERED:
                self._stories.popitem(last=False)
        return self._stories[card]
