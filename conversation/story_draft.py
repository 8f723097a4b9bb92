"""The draft of a story that is not started yet, and the story's working title."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from conversation.states import EDITS, Step

Item = TypeVar("Item")


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
    """Return a short name for a title: «Картограф Веста» of «Картограф Веста: карта …», or the first words."""
    line = described.strip().splitlines()[0] if described.strip() else ""
    name = line.partition(":")[0].strip() or line  # a hero may be «:)»
    if len(name) <= limit:
        return name
    cut = name[:limit].rsplit(" ", 1)[0]
    return f"{cut.rstrip(' ,.;—-')}…"


def working_title(hero: str, setting: str) -> str:
    """Return the story's title until its ending gives it another: hero and setting."""
    title = " · ".join(part for part in (short_name(hero, 28), short_name(setting, 28)) if part)
    capital = title[:1].upper()
    return capital + title[1:] if len(capital) == 1 else title  # the capital of «ß» is two letters
