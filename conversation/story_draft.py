"""The draft of a story that is not started yet, and the story's working title."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, count
from typing import TypeVar

from conversation.phrases import any_of
from conversation.steps import EDITS, Step
from core.graphemes import first_letters

Item = TypeVar("Item")

_BRACKETS = re.compile(r"\((?:[^()]|\([^()]*\))*\)")
_MARKS = " ,.;!?…—–-"


@dataclass(frozen=True, slots=True)
class Draft:
    """A user's choices for a new story, as the user sees them; empty: not chosen yet."""

    genre: str = ""
    hero: str = ""
    setting: str = ""
    extra: str = ""
    step: Step = Step.GENRE  # the last question asked, to resume at
    page: int = 0  # the page of presets that is shown
    lucky: bool = False  # filled at random: the summary then offers another random draft

    @property
    def begun(self) -> bool:
        """Whether it has anything that leaving the wizard would lose."""
        return bool(self.genre or self.hero or self.setting or self.extra)

    @property
    def complete(self) -> bool:
        """Whether genre, hero and setting are chosen; wishes are optional."""
        return bool(self.genre and self.hero and self.setting)

    def with_extra(self, words: str) -> Draft:
        """Return the draft with one more wish, on a line of its own."""
        return replace(self, extra=f"{self.extra}\n{words}" if self.extra else words)


def unfinished_step(draft: Draft) -> Step:
    """Return the first question that `draft` has no answer to, or the summary if it has all."""
    if not draft.genre:
        return Step.GENRE
    if not draft.hero:
        return Step.HERO
    if not draft.setting:
        return Step.SETTING
    return Step.SUMMARY if draft.step in (Step.SUMMARY, Step.CHANGE, *EDITS) else Step.EXTRA


def page_of(items: tuple[Item, ...], page: int, size: int = 4) -> tuple[Item, ...]:
    """Return page `page` of `items`, `size` each, wrapping around; all items if they fit on one page."""
    if len(items) <= size:
        return items
    return tuple(items[(page * size + place) % len(items)] for place in range(size))


def short_name(described: str, limit: int = 40) -> str:
    """Return a short name for a title: «Картограф Веста» of «Картограф Веста: карта …».

    Of a description in the user's own words: what stands before its first clause, and no word after a proper name.
    What stands in brackets is a wish, and no part of the name.
    """
    line = described.strip().splitlines()[0] if described.strip() else ""
    if (bare := _BRACKETS.sub(" ", line)) != line:
        line = " ".join(bare.split()).replace(" :", ":").strip(" :") or line
    name = line.partition(":")[0].strip()
    if not name:
        return _cut(line, limit)  # a hero may be «:)»
    if name == line:
        name = _before_a_clause(name) or name
    return _cut(name, limit)


@cache
def _clause() -> re.Pattern[str]:
    """Return where a description goes on from a name to what the hero does."""
    return re.compile(rf"[,.;!?…()\n]|\s[—–-]\s|\s(?={any_of('clause')}\b)|\s(?={any_of('verb')}\b)", re.IGNORECASE)


def _before_a_clause(line: str) -> str:
    """Return the words of `line` that may be a name: none of its clauses, and nothing after a word with a capital."""
    words = _clause().split(line, maxsplit=1)[0].split()
    named = [place for place, word in enumerate(words) if place and word[:1].isupper()]
    if named:
        end = named[0] + 1
        while end < len(words) and words[end][:1].isupper():
            end += 1
        words = words[:end]
    return " ".join(words)


def _cut(name: str, limit: int) -> str:
    """Return as many whole words of `name` as fit, without a preposition at the end."""
    if len(name) <= limit:
        return name
    words = name[: limit + 1].split(" ")[:-1]
    while len(words) > 1 and len(words[-1].strip(_MARKS)) <= 3:
        words.pop()
    return " ".join(words).rstrip(_MARKS) or f"{first_letters(name, limit)}…"


def working_title(hero: str, setting: str, taken: Collection[str] = ()) -> str:
    """Return the story's title until its ending gives it another: the hero's name.

    If another story has it (`taken`), the setting's name follows, and if need be a number.
    """
    name, place = short_name(hero, 28), short_name(setting, 28)
    both = " · ".join(part for part in (name, place) if part)
    numbered = (f"{both} ({number})" for number in count(2))
    return next(title for title in map(_capital, chain((name or place, both), numbered)) if title not in taken)


def _capital(title: str) -> str:
    capital = title[:1].upper()
    return capital + title[1:] if len(capital) == 1 else title  # the capital of «ß» is two letters
