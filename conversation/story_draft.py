"""What a person has chosen for a story that isn't begun yet, and what such a story is called. Pure.

Doesn't cover the steps of the wizard that fill it (`story`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from conversation.states import EDITS, Step

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person has chosen for a story that isn't begun. Texts as the person sees them; empty: not chosen yet."""

    genre: str = ""
    hero: str = ""
    setting: str = ""
    extra: str = ""
    step: Step = Step.GENRE  # the furthest question asked, to go on from after leaving
    page: int = 0  # which presets are shown
    lucky: bool = False  # filled by chance: the card then offers another throw

    @property
    def begun(self) -> bool:
        """Whether a genre, hero, setting or wishes are in it: something that leaving would lose."""
        return bool(self.genre or self.hero or self.setting or self.extra)

    @property
    def complete(self) -> bool:
        """Whether genre, hero and setting are chosen; wishes aren't needed."""
        return bool(self.genre and self.hero and self.setting)

    def with_extra(self, words: str) -> Draft:
        """The draft with one more message of wishes: several add up, a line each."""
        return replace(self, extra=f"{self.extra}\n{words}" if self.extra else words)


def unfinished_step(draft: Draft) -> Step:
    """The first question of the wizard that `draft` has no answer to; the card when it has all."""
    if not draft.genre:
        return Step.GENRE
    if not draft.hero:
        return Step.HERO
    if not draft.setting:
        return Step.SETTING
    return Step.SUMMARY if draft.step in (Step.SUMMARY, Step.CHANGE, *EDITS) else Step.EXTRA


def page_of(items: tuple[Item, ...], page: int, size: int = 4) -> tuple[Item, ...]:
    """`size` of `items` in a ring, the `page`-th handful; all of them where there are no more than `size`."""
    if len(items) <= size:
        return items
    return tuple(items[(page * size + place) % len(items)] for place in range(size))


def short_name(described: str, limit: int = 40) -> str:
    """The name in «Картограф Веста: карта по ночам дорисовывает дороги», or the first words, for a title."""
    line = described.strip().splitlines()[0] if described.strip() else ""
    name = line.partition(":")[0].strip() or line  # a hero may be «:)»
    if len(name) <= limit:
        return name
    cut = name[:limit].rsplit(" ", 1)[0]
    return f"{cut.rstrip(' ,.;—-')}…"


def working_title(hero: str, setting: str) -> str:
    """What a story is called until its ending names it: its hero and setting."""
    title = " · ".join(part for part in (short_name(hero, 28), short_name(setting, 28)) if part)
    capital = title[:1].upper()
    return capital + title[1:] if len(capital) == 1 else title  # «ß» has no single one
