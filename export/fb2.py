"""A book as FictionBook 2.1, the format of Russian e-readers.

The elements' order is the schema's (`xs:sequence` throughout); readers reject any other. It writes one body with
sections, a JPEG cover and JPEG pictures; stories have no notes, tables or poems.
"""

from __future__ import annotations

from base64 import encodebytes
from collections.abc import Iterator
from typing import Final

from conversation.game_words import is_status
from export.book import Book, Chapter, Picture, escaped, joined, line_of, paragraphs_of
from export.cover import cover

VERSION: Final = "1.0"
# FictionBook's codes of our genres; a user's own genre is a short story.
GENRES: Final = {
    "fantasy": "sf_fantasy",
    "detective": "detective",
    "horror": "sf_horror",
    "comedy": "humor_prose",
    "tale": "child_tale",
    "romance": "love_contemporary",
    "scifi": "sf",
    "adventure": "adventure",
    "isekai": "sf_fantasy",
    "litrpg": "sf_litrpg",
    "academy": "sf_fantasy",
    "romantasy": "love_sf",
    "postapoc": "sf_postapocalyptic",
    "urban": "sf_horror",
    "classics": "prose_contemporary",
}
ANY_GENRE: Final = "short_story"


def fb2(book: Book) -> bytes:
    """Return the book as one XML file with its cover."""
    return joined(
        (
            '<?xml version="1.0" encoding="utf-8"?>',
            '<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0" xmlns:l="http://www.w3.org/1999/xlink">',
            "<description>",
            *_title_info(book),
            *_document_info(book),
            "</description>",
            *_body(book),
            *_binary("cover", cover(book)),
            *(line for picture in book.pictures for line in _binary(picture.name, picture.jpeg)),
            "</FictionBook>",
            "",
        )
    ).encode()


def _title_info(book: Book) -> Iterator[str]:
    yield "<title-info>"
    yield _element("genre", GENRES.get(book.genre, ANY_GENRE))
    yield from (_author(name) for name in book.authors)
    yield _element("book-title", book.name)
    if book.annotation:
        yield "<annotation>"
        yield from (_element("p", line) for line in book.annotation)
        yield "</annotation>"
    if line_of(book.genre_label):
        yield _element("keywords", line_of(book.genre_label))
    yield _date(book)
    yield '<coverpage><image l:href="#cover.jpg"/></coverpage>'
    yield _element("lang", book.language)
    yield "</title-info>"


def _document_info(book: Book) -> Iterator[str]:
    yield "<document-info>"
    yield _author(book.authors[-1])
    yield _date(book)
    yield _element("id", book.uuid)
    yield _element("version", VERSION)
    yield "</document-info>"


def _body(book: Book) -> Iterator[str]:
    chapters = book.shown_chapters or (Chapter(()),)
    yield "<body>"
    yield f"<title>{_element('p', ', '.join(book.authors))}{_element('p', book.name)}</title>"
    for number, chapter in enumerate(chapters, 1):
        yield "<section>"
        caption = chapter.title or (line_of(book.wording.scene_break) if number > 1 else "")
        if caption:
            yield f"<title>{_element('p', caption)}</title>"
        for one in chapter.content:
            yield _picture(book, one) if isinstance(one, Picture) else _paragraph(one)
        if number == len(chapters):
            yield "<empty-line/>"
            yield _element("subtitle", book.ending)
            for line in paragraphs_of(book.wording.colophon):
                yield f"<p>{_element('emphasis', line)}</p>"
        yield "</section>"
    yield "</body>"


def _paragraph(text: str) -> str:
    return f"<p>{_element('emphasis', text)}</p>" if is_status(text) else _element("p", text)


def _picture(book: Book, picture: Picture) -> str:
    return f'<image l:href="#{picture.name}.jpg" alt="{escaped(line_of(book.wording.picture))}"/>'


def _binary(name: str, jpeg: bytes) -> Iterator[str]:
    yield f'<binary id="{name}.jpg" content-type="image/jpeg">'
    yield encodebytes(jpeg).decode().rstrip()  # in lines of 76 characters
    yield "</binary>"


def _author(name: str) -> str:
    """Return an author with first and last name, the last one maybe empty: many readers hide a nickname."""
    first, _, last = name.partition(" ")
    return f"<author>{_element('first-name', first)}{_element('last-name', last)}</author>"


def _date(book: Book) -> str:
    return f'<date value="{book.date.isoformat()}">{book.date.isoformat()}</date>'


def _element(name: str, text: str) -> str:
    return f"<{name}>{escaped(text)}</{name}>"
