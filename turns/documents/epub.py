"""EPUB: the chapters in the order of its spine, without the navigation."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Final
from urllib.parse import unquote

from core.errors import FileUnreadable
from turns.documents import xml_events
from turns.documents.archive import Archive
from turns.documents.document import MOST_CHARS, Document, document_of, joined

_CONTAINER: Final = "META-INF/container.xml"
_ENCRYPTION: Final = "META-INF/encryption.xml"
_BLOCKS: Final = frozenset(
    {"p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "blockquote", "section", "tr", "dd", "dt", "pre", "figure"}
)
_PASSED_OVER: Final = frozenset({"head", "script", "style", "svg", "nav", "template"})


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
        if self._in_title:
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


class _Chapter(HTMLParser):
    """Collects the paragraphs of a chapter. Chapters are XHTML, but not always well-formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.paragraphs: list[str] = [""]
        self._passed_over: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _PASSED_OVER:
            self._passed_over.append(tag)
        elif tag == "br":
            self.paragraphs[-1] += "\n"
        elif tag in _BLOCKS:
            self.paragraphs.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _PASSED_OVER:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._passed_over:
            del self._passed_over[self._passed_over.index(tag) :]
        elif tag in _BLOCKS:
            self.paragraphs.append("")

    def handle_data(self, data: str) -> None:
        if not self._passed_over:
            self.paragraphs[-1] += data.replace("\n", " ")


def read(content: bytes) -> Document:
    """Return the book's text. Raises `FileUnreadable`."""
    with Archive(content) as archive:
        package = _package_of(archive)
        folder = posixpath.dirname(package.path)
        hrefs = (package.files.get(name, "").partition("#")[0] for name in package.spine)
        places = [posixpath.normpath(posixpath.join(folder, unquote(href))) for href in hrefs if href]
        chapters = [place for place in places if place in archive.names]
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
    chapter = _Chapter()
    chapter.feed(content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace"))
    chapter.close()
    return chapter.paragraphs
