"""A story as a TXT, FB2, EPUB or HTML file, and the file's name.

Pure functions: the same `Book` gives the same bytes, without clock, network or disk except the cover's font.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from core.graphemes import whole_end
from export.book import Book, line_of, paragraphs_of
from export.epub import epub
from export.fb2 import fb2
from export.html_book import html

NAME_BYTES: Final = 60  # a Cyrillic letter takes two; phones shorten longer names
# Windows opens a device under these names, with any extension
RESERVED: Final = {"con", "prn", "aux", "nul", "conin", "conout", "clock"} | {
    f"{port}{number}" for port in ("com", "lpt") for number in range(10)
}


def txt(book: Book) -> bytes:
    """Return the book as UTF-8 text. The byte order mark keeps old Windows programs from guessing the encoding."""
    lines = [
        ", ".join(book.authors),
        book.name.upper(),
        *filter(None, [line_of(book.genre_label)]),
        "",
        *book.annotation,
    ]
    for number, chapter in enumerate(book.shown_chapters, 1):
        caption = chapter.title or (book.wording.scene_break if number > 1 else "")
        lines += ["", "", *([caption] if caption else [])]
        for paragraph in chapter.paragraphs:
            lines += ["", paragraph]
    lines += ["", "", book.ending, "", *paragraphs_of(book.wording.colophon), book.years]
    text = re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip("\n") + "\n"
    return text.encode("utf-8-sig")


def file_name(book: Book, extension: str) -> str:
    """Return a file name that Telegram and every file system accept: the title's letters and digits, and `_`.

    It is never empty, a path, hidden or a Windows device, and has at most `NAME_BYTES` of UTF-8 with its extension.
    """
    return name_of(book.title, book.wording.untitled, extension)


def name_of(title: str, untitled: str, extension: str) -> str:
    """Return the file name of a document with this title, or if nothing of that can stand in a name, of `untitled`."""
    ending = f".{extension}"
    stem = _stem(title, NAME_BYTES - len(ending.encode()))
    stem = stem or _stem(untitled, NAME_BYTES - len(ending.encode())) or "book"
    return stem + ending


def _stem(title: str, most_bytes: int) -> str:
    plain = unicodedata.normalize("NFKC", title)
    kept = "".join(char if unicodedata.category(char)[0] in "LNM" else "_" for char in plain)
    # a combining mark without a letter would attach to the character before the name
    kept = re.sub(r"_+", "_", "".join(_without_stray_marks(kept))).strip("_")
    cut = _cut(kept, most_bytes - 1)  # one byte is left for the reserved names' `_`
    return f"{cut}_" if cut.casefold() in RESERVED else cut


def _without_stray_marks(text: str) -> list[str]:
    return [
        char
        for before, char in zip("_" + text, text, strict=False)
        if before != "_" or not unicodedata.category(char).startswith("M")
    ]


def _cut(text: str, most_bytes: int) -> str:
    """Cut the text to `most_bytes` of UTF-8 at a word, or at a letter if the first word is too long."""
    if len(text.encode()) <= most_bytes:
        return text
    start = text.encode()[: most_bytes + 1].decode(errors="ignore")
    words = start.rpartition("_")[0]
    fits = start.encode()[:most_bytes].decode(errors="ignore")
    return words or text[: whole_end(text, 0, len(fits))]


# Writers of the formats, by file extension.
FORMATS: Final[dict[str, Callable[[Book], bytes]]] = {"txt": txt, "fb2": fb2, "epub": epub, "html": html}
