"""A story as a book: the common source of every export format.

Defines the book's structure and the words printed around the story, cleans text for XML, and divides a long story into
chapters. All text that `Book` returns is clean. `export.formats` writes the files.
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

CHAPTER_CHARS: Final = 9_000  # about five pages, a file that old e-readers open quickly
LAST_SECOND: Final = 253_402_300_799  # the end of the year 9999
NOBODY: Final = "—"

_LINE_ENDS: Final = re.compile(r"\r\n?|[\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_NOT_TEXT: Final = re.compile(
    # XML 1.0 forbids or discourages these; a lone surrogate can't even be written
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17))
    # invisible, or changing the writing direction
    + r"\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]"
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG. `name` is its file name without the extension, unique in its book."""

    name: str
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One turn's text. `by` is not printed: it keeps an answer in the chapter of its question.

    A `picture` is printed after the text.
    """

    paragraphs: tuple[str, ...]
    by: Writer = "model"
    picture: Picture | None = None

    @classmethod
    def of(cls, text: str, by: Writer = "model", picture: Picture | None = None) -> Part:
        """Make a part from a message: a paragraph per line."""
        return cls(paragraphs_of(text), by, picture)

    @property
    def content(self) -> tuple[str | Picture, ...]:
        """The paragraphs, clean and without empty ones, and the picture; nothing of a part without text."""
        lines = tuple(line for text in self.paragraphs for line in paragraphs_of(text))
        return (*lines, self.picture) if lines and self.picture is not None else lines


@dataclass(frozen=True, slots=True)
class Chapter:
    """Parts under one heading. Without a `title` it is set off by `Wording.scene_break`."""

    parts: tuple[Part, ...]
    title: str = ""

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The paragraphs in order, clean and without empty ones."""
        return tuple(line for line in self.content if isinstance(line, str))

    @property
    def content(self) -> tuple[str | Picture, ...]:
        """The paragraphs in order, each part's picture after its last one."""
        return tuple(one for part in self.parts for one in part.content)


@dataclass(frozen=True, slots=True)
class Wording:
    """Words around the story, in its language; they come from the locale."""

    untitled: str  # title of a book without one
    the_end: str  # after the last line of a finished story
    unfinished: str  # after the last line of an unfinished story
    colophon: str  # who wrote it and how, on the last line
    contents: str  # the heading of the table of contents
    cover: str  # the cover's name in the table of landmarks
    hero: str  # labels of the annotation's lines, without a colon
    setting: str
    picture: str  # what a picture is called for those who can't see it
    scene_break: str = "* * *"


@dataclass(frozen=True, slots=True)
class Book:
    """A story to export. `id` never changes: a reader app replaces the book when it is exported again."""

    id: str
    title: str
    genre: str  # key of a ready genre, or empty
    genre_label: str  # the printed genre
    hero: str
    setting: str
    language: Literal["ru", "en"]
    author_names: tuple[str, ...]
    created_at: int  # Unix seconds UTC
    finished_at: int  # when the last part was written, even if unfinished
    chapters: tuple[Chapter, ...]
    finished: bool
    wording: Wording
    cover_picture: bytes = b""  # a JPEG; empty: the cover is drawn by `export.cover` alone

    @property
    def name(self) -> str:
        """The title on one line, or the locale's words for a book without one."""
        return line_of(self.title) or line_of(self.wording.untitled)

    @property
    def authors(self) -> tuple[str, ...]:
        """The authors' names, at least one: FictionBook requires it."""
        return tuple(name for name in map(line_of, self.author_names) if name) or (NOBODY,)

    @property
    def shown_chapters(self) -> tuple[Chapter, ...]:
        """The chapters that have text, with clean titles."""
        return tuple(Chapter(one.parts, line_of(one.title)) for one in self.chapters if one.paragraphs)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures in order."""
        return tuple(one for chapter in self.shown_chapters for one in chapter.content if isinstance(one, Picture))

    @property
    def ending(self) -> str:
        """The line after the story: that it has ended, or that it is unfinished."""
        return line_of(self.wording.the_end if self.finished else self.wording.unfinished)

    @property
    def annotation(self) -> tuple[str, ...]:
        """Lines of the form «Label: text» for hero and setting."""
        known = ((self.wording.hero, self.hero), (self.wording.setting, self.setting))
        return tuple(f"{line_of(label)}: {line_of(text)}" for label, text in known if line_of(text))

    @property
    def uuid(self) -> str:
        """A UUID derived from `id` alone: the same for every export of this story."""
        return str(uuid5(NAMESPACE_URL, f"story:{line_of(self.id)}"))

    @property
    def date(self) -> date:
        """The day of `changed`, in UTC."""
        return self.changed.date()

    @property
    def years(self) -> str:
        """«2024», or «2024–2025» if it was written over several years."""
        first = _moment(self.created_at).year
        return str(first) if first >= self.date.year else f"{first}–{self.date.year}"

    @property
    def changed(self) -> datetime:
        """When the last part was written, or when the story was begun; in UTC."""
        return _moment(self.finished_at or self.created_at)


def in_chapters(parts: Sequence[Part], caption: str, chapter_chars: int = CHAPTER_CHARS) -> tuple[Chapter, ...]:
    """Group parts into chapters of at least `chapter_chars`, titled by `caption` with its `{number}`.

    A chapter never ends between the reader's words and their answer. A short story is one chapter without a title.
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
    if len(groups) > 1 and length < chapter_chars // 3:  # a very short last chapter joins the one before
        groups[-2:] = [groups[-2] + groups[-1]]
    if len(groups) == 1:
        return (Chapter(tuple(parts)),)
    return tuple(Chapter(tuple(group), caption.format(number=number)) for number, group in enumerate(groups, 1))


def paragraphs_of(text: str) -> tuple[str, ...]:
    """Return the text's lines, clean and without empty ones. Dashes and quotes stay as they are."""
    return tuple(line for line in map(_cleaned, _LINE_ENDS.split(text)) if line)


def clean_text(text: str) -> str:
    """Return the text with its line breaks, without characters that no document may have."""
    return _NOT_TEXT.sub("", _LINE_ENDS.sub("\n", text))


def line_of(text: str) -> str:
    """Return the text as one clean line."""
    return " ".join(paragraphs_of(text))


def escaped(text: str) -> str:
    """Escape the text for an element or attribute of XML or HTML."""
    return escape(text, quote=True)


def joined(lines: Iterable[str]) -> str:
    """Join lines with line breaks, without one at the end."""
    return "\n".join(lines)


def _cleaned(line: str) -> str:
    return re.sub(r"[ \t]+", " ", unicodedata.normalize("NFC", _NOT_TEXT.sub("", line))).strip()


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(min(max(seconds, 0), LAST_SECOND), UTC)
