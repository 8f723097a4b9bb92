"""A story as a book: what every format of the export is made from.

Covers the book's shape, the words printed around the story, cleaning text for XML, and dividing a long story into
chapters. Knows no format; `export` is the way in. Whatever text comes in, what `Book` gives out is clean.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from html import escape
from typing import Final, Literal
from uuid import NAMESPACE_URL, uuid5

Writer = Literal["user", "model"]

CHAPTER_CHARS: Final = 9_000  # about five pages: a reader's evening, and a file that old readers open at once
LAST_SECOND: Final = 253_402_300_799  # the end of the year 9999
NOBODY: Final = "—"

_LINE_ENDS: Final = re.compile(r"\r\n?|[\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_NOT_TEXT: Final = re.compile(
    # XML 1.0 forbids or discourages these; a lone surrogate can't even be written
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17))
    # invisible, or turning the rest of the line around
    + r"\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]"
)


@dataclass(frozen=True, slots=True)
class Part:
    """One turn's text. Who wrote it is never shown; it only keeps an answer in the chapter of its question."""

    paragraphs: tuple[str, ...]
    by: Writer = "model"

    @classmethod
    def of(cls, text: str, by: Writer = "model") -> Part:
        """The part of a message as it was sent: a paragraph a line."""
        return cls(paragraphs_of(text), by)


@dataclass(frozen=True, slots=True)
class Chapter:
    """Parts under one caption; without a `title` it is set off by `Wording.scene_break`."""

    parts: tuple[Part, ...]
    title: str = ""

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """What is read, in order, clean and without empty ones."""
        return tuple(line for part in self.parts for text in part.paragraphs for line in paragraphs_of(text))


@dataclass(frozen=True, slots=True)
class Wording:
    """The words around the story, in its language; they come from the locale."""

    untitled: str  # a title for a book that has none
    the_end: str  # after the last line of a finished story
    unfinished: str  # the same of one that isn't
    colophon: str  # who wrote it and how, at the very end
    contents: str  # the heading of the table of contents
    cover: str  # the cover's name in the table of landmarks
    hero: str  # labels of the annotation's lines, without a colon
    setting: str
    extra: str
    scene_break: str = "* * *"


@dataclass(frozen=True, slots=True)
class Book:
    """A story to be exported. `id` names it for ever: the same book exported twice replaces itself in a reader."""

    id: str
    title: str
    genre: str  # a key of the ready genres, or empty
    genre_label: str  # what is printed
    hero: str
    setting: str
    extra: str
    language: Literal["ru", "en"]
    author_names: tuple[str, ...]
    created_at: int  # Unix seconds UTC
    finished_at: int  # when its last part was written, finished or not
    chapters: tuple[Chapter, ...]
    finished: bool
    wording: Wording

    @property
    def name(self) -> str:
        """The title on one line, or the locale's words for a book without one."""
        return line_of(self.title) or line_of(self.wording.untitled)

    @property
    def authors(self) -> tuple[str, ...]:
        """At least one: FictionBook demands it."""
        return tuple(name for name in map(line_of, self.author_names) if name) or (NOBODY,)

    @property
    def shown_chapters(self) -> tuple[Chapter, ...]:
        """The chapters that have anything to read, their titles clean."""
        return tuple(Chapter(one.parts, line_of(one.title)) for one in self.chapters if one.paragraphs)

    @property
    def ending(self) -> str:
        """The line after the story's last one: that it is over, or that it isn't finished."""
        return line_of(self.wording.the_end if self.finished else self.wording.unfinished)

    @property
    def annotation(self) -> tuple[str, ...]:
        """«Label: text», for what is known of the story."""
        known = (
            (self.wording.hero, self.hero),
            (self.wording.setting, self.setting),
            (self.wording.extra, self.extra),
        )
        return tuple(f"{line_of(label)}: {line_of(text)}" for label, text in known if line_of(text))

    @property
    def uuid(self) -> str:
        """A UUID made of `id` alone: the same for every export of this story."""
        return str(uuid5(NAMESPACE_URL, f"story:{line_of(self.id)}"))

    @property
    def date(self) -> date:
        """The day of `changed`, in UTC."""
        return self.changed.date()

    @property
    def years(self) -> str:
        """«2024», or «2024–2025» where the last part was written in a later year than the first."""
        first = _moment(self.created_at).year
        return str(first) if first >= self.date.year else f"{first}–{self.date.year}"

    @property
    def changed(self) -> datetime:
        """When its last part was written, or, where that is 0, when it was begun; in UTC."""
        return _moment(self.finished_at or self.created_at)


def in_chapters(parts: Sequence[Part], caption: str, chapter_chars: int = CHAPTER_CHARS) -> tuple[Chapter, ...]:
    """The parts as chapters of at least `chapter_chars` each, titled by `caption`, which has `{number}` in it.

    A chapter never ends between the reader's words and their answer. A story too short for two has one, untitled.
    """
    groups: list[list[Part]] = [[]]
    length = 0
    for before, part in zip([None, *parts], parts, strict=False):
        answers = before is not None and before.by == "user" and part.by == "model"
        if length >= chapter_chars and not answers:
            groups.append([])
            length = 0
        groups[-1].append(part)
        length += sum(map(len, part.paragraphs))
    if len(groups) > 1 and length < chapter_chars // 3:  # a last chapter of a few lines belongs to the one before
        groups[-2:] = [groups[-2] + groups[-1]]
    if len(groups) == 1:
        return (Chapter(tuple(parts)),)
    return tuple(Chapter(tuple(group), caption.format(number=number)) for number, group in enumerate(groups, 1))


def paragraphs_of(text: str) -> tuple[str, ...]:
    """The text's lines, clean, without empty ones. Dashes and quotes stay as they are."""
    return tuple(line for line in map(_cleaned, _LINE_ENDS.split(text)) if line)


def line_of(text: str) -> str:
    """The text as one clean line."""
    return " ".join(paragraphs_of(text))


def escaped(text: str) -> str:
    """The text for an element or an attribute of XML or HTML."""
    return escape(text, quote=True)


def joined(lines: Iterable[str]) -> str:
    """The lines as one text, a line break between each two and none at the end."""
    return "\n".join(lines)


def _cleaned(line: str) -> str:
    return re.sub(r"[ \t]+", " ", unicodedata.normalize("NFC", _NOT_TEXT.sub("", line))).strip()


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(min(max(seconds, 0), LAST_SECOND), UTC)
