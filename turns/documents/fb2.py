"""FB2, alone or as the only such file of a ZIP archive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.errors import FileUnreadable
from turns.documents import xml_events
from turns.documents.archive import Archive
from turns.documents.document import Document, document_of, joined

_PARAGRAPHS: Final = frozenset({"p", "v", "subtitle", "text-author", "date", "td", "th"})
_PASSED_OVER: Final = frozenset({"binary", "stylesheet"})


class _Fb2:
    """Collects the title and the paragraphs of the first body; later bodies are notes."""

    def __init__(self) -> None:
        self.paragraphs: list[str] = []
        self.title = ""
        self._path: list[str] = []
        self._bodies = 0
        self._open_bodies = 0
        self._piece: list[str] | None = None

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._path.append(name)
        if name == "body":
            self._bodies += 1
            self._open_bodies += 1
        if name == "book-title" or (name in _PARAGRAPHS and self._open_bodies and self._bodies == 1):
            self._piece = []

    def end(self, name: str) -> None:
        self._open_bodies -= self._path.pop() == "body"
        if self._piece is None:
            return
        text = "".join(self._piece)
        if name == "book-title":
            self.title, self._piece = self.title or text, None
        elif name in _PARAGRAPHS:
            self.paragraphs.append(" ".join(text.split()))
            self._piece = None

    def text(self, text: str) -> None:
        if self._piece is not None and self._path[-1] not in _PASSED_OVER:
            self._piece.append(text)


def read(content: bytes) -> Document:
    """Return the book's text. Raises `FileUnreadable`."""
    if content.startswith(b"PK"):
        content = _unpacked(content)
    book = _Fb2()
    xml_events.read(content, book)
    return document_of(joined(book.paragraphs), book.title)


def _unpacked(content: bytes) -> bytes:
    with Archive(content) as archive:
        books = sorted(name for name in archive.names if name.lower().endswith(".fb2"))
        if not books:
            raise FileUnreadable("broken")
        return archive.read(books[0])
