"""DOCX: the paragraphs of the main document, without notes, headers and what was deleted under review."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.errors import FileUnreadable
from turns.documents import xml_events
from turns.documents.archive import Archive
from turns.documents.document import Document, document_of, joined

_MAIN: Final = "word/document.xml"
_PROPERTIES: Final = "docProps/core.xml"
_TITLE_CHARS: Final = 1_000
_ENCRYPTED: Final = b"\xd0\xcf\x11\xe0"  # a document with a password is no ZIP archive


class _Paragraphs:
    """Collects what stands in `w:t`. A paragraph within another one, as in a text box, ends first."""

    def __init__(self) -> None:
        self.paragraphs: list[str] = []
        self._open: list[list[str]] = []
        self._in_text = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "p":
            self._open.append([])
        self._in_text = name == "t"
        if self._open and name in ("br", "cr", "tab"):
            self._open[-1].append(" " if name == "tab" else "\n")

    def end(self, name: str) -> None:
        self._in_text = False
        if name == "p" and self._open:
            self.paragraphs.append("".join(self._open.pop()))

    def text(self, text: str) -> None:
        if self._in_text and self._open:
            self._open[-1].append(text)


class _Title:
    def __init__(self) -> None:
        self.title = ""
        self._is_open = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._is_open = name == "title"

    def end(self, name: str) -> None:
        self._is_open = False

    def text(self, text: str) -> None:
        if self._is_open and len(self.title) < _TITLE_CHARS:
            self.title += text


def read(content: bytes) -> Document:
    """Return the document's text. Raises `FileUnreadable`."""
    if content.startswith(_ENCRYPTED):
        raise FileUnreadable("locked")
    with Archive(content) as archive:
        if _MAIN not in archive.names:
            raise FileUnreadable("broken")
        found, title = _Paragraphs(), _Title()
        xml_events.read(archive.read(_MAIN), found)
        if _PROPERTIES in archive.names:
            xml_events.read(archive.read(_PROPERTIES), title)
    return document_of(joined(found.paragraphs), title.title)
