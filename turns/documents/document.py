"""What is read of a document."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from core.errors import FileUnreadable

MOST_CHARS: Final = 200_000  # of text
# Control characters, and what is invisible or changes the direction of writing.
_UNSEEN: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_LINE_ENDS: Final = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SPACE_ENDS: Final = re.compile(r"(?<![^\S\n])[^\S\n]+\n")  # looked for at the first space of a run only
_GAPS: Final = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Document:
    """A document's text, its paragraphs apart by an empty line or as they were; `title` is empty if it tells none."""

    text: str
    title: str = ""


def document_of(text: str, title: str = "") -> Document:
    """Return the document with clean text. Raises `FileUnreadable` if there is none, or too much."""
    clean = _GAPS.sub("\n\n", _SPACE_ENDS.sub("\n", _UNSEEN.sub("", _LINE_ENDS.sub("\n", text)))).strip()
    if not any(letter.isalnum() for letter in clean):
        raise FileUnreadable("empty")
    if len(clean) > MOST_CHARS:
        raise FileUnreadable("too_long")
    return Document(clean, " ".join(_UNSEEN.sub("", title).split()))


def joined(paragraphs: Iterable[str]) -> str:
    """Return paragraphs as one text; white space within one becomes a space, but for line ends."""
    lines = ("\n".join(" ".join(line.split()) for line in paragraph.split("\n")).strip() for paragraph in paragraphs)
    return "\n\n".join(line for line in lines if line)
