"""EPUB: the chapters in the order of its spine, without the navigation."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from core.errors import FileUnreadable
from turns.documents import xhtml, xml_events
from turns.documents.archive import Archive
from turns.documents.document import MOST_CHARS, Document, document_of, joined

_CONTAINER: Final = "META-INF/container.xml"
_ENCRYPTION: Final = "META-INF/encryption.xml"
_TITLE_CHARS: Final = 1_000


class _Package:
    """Collects what the container and the package say: where the package is, its title, its files and their order."""

    def __init__(self) -> None:
        self.path = ""
        self.title = ""
        self.spine: list[str] = []
        self.files: dict[str, str] = {}
        self._in_title = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._in_title = name == "title" and not self.title
        if name == "rootfile" and not self.path:
            self.path = attributes.get("full-path", "")
        elif name == "item" and "nav" not in attributes.get("properties", "").split():
            self.files[attributes.get("id", "")] = attributes.get("href", "")
        elif name == "itemref" and attributes.get("linear") != "no":
            self.spine.append(attributes.get("idref", ""))

    def end(self, name: str) -> None:
        self._in_title = False

    def text(self, text: str) -> None:
        if self._in_title and len(self.title) < _TITLE_CHARS:
            self.title += text


class _Encrypted:
    """Collects the files that are encrypted."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "CipherReference":
            self.names.add(unquote(attributes.get("URI", "")))

    def end(self, name: str) -> None:
        """Nothing ends."""

    def text(self, text: str) -> None:
        """No text counts."""


def read(content: bytes) -> Document:
    """Return the book's text. Raises `FileUnreadable`."""
    with Archive(content) as archive:
        package = _package_of(archive)
        folder = posixpath.dirname(package.path)
        hrefs = (package.files.get(name, "").partition("#")[0] for name in package.spine)
        places = [posixpath.normpath(posixpath.join(folder, unquote(href))) for href in hrefs if href]
        chapters = [place for place in dict.fromkeys(places) if place in archive.names]
        if not chapters:
            raise FileUnreadable("broken")
        if not _encrypted_in(archive).isdisjoint(chapters):
            raise FileUnreadable("locked")
        paragraphs: list[str] = []
        chars = 0
        for place in chapters:
            if chars > MOST_CHARS:
                break  # too much already
            found = _paragraphs_of(archive.read(place))
            paragraphs += found
            chars += sum(map(len, found))
    return document_of(joined(paragraphs), package.title)


def _package_of(archive: Archive) -> _Package:
    if _CONTAINER not in archive.names:
        raise FileUnreadable("broken")
    container, package = _Package(), _Package()
    xml_events.read(archive.read(_CONTAINER), container)
    if container.path not in archive.names:
        raise FileUnreadable("broken")
    xml_events.read(archive.read(container.path), package)
    package.path = container.path
    return package


def _encrypted_in(archive: Archive) -> set[str]:
    if _ENCRYPTION not in archive.names:
        return set()
    found = _Encrypted()
    xml_events.read(archive.read(_ENCRYPTION), found)
    return found.names


def _paragraphs_of(content: bytes) -> list[str]:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    return xhtml.paragraphs_of(content.decode(encoding, "replace"))
