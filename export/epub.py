"""A book as EPUB 3.3, with an EPUB 2 table of contents for old e-readers.

Follows the container's rules (mimetype first and uncompressed) and writes metadata with accessibility, a cover, a title
page and one file per chapter. Fonts are the reader's own. The same book gives the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Final

from conversation.game_words import is_status
from export.book import Book, Chapter, Picture, escaped, joined, line_of, paragraphs_of
from export.cover import SIZE, cover

FOLDER: Final = "EPUB"
ZIP_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the earliest time of a zip: archives don't depend on the clock

CONTAINER: Final = f"""<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="{FOLDER}/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""
STYLE: Final = """\
body { margin: 0 5%; line-height: 1.4; }
h1, h2, .by, .genre, .years, .end, .break, .colophon { text-align: center; text-indent: 0; hyphens: none; }
h1 { margin: 0.6em 0; font-size: 1.9em; line-height: 1.15; }
h2 { margin: 3em 0 1.6em; font-size: 1.3em; page-break-after: avoid; break-after: avoid; }
p { margin: 0; text-indent: 1.4em; text-align: justify; hyphens: auto; orphans: 2; widows: 2; }
.title-page { margin-top: 22%; }
.genre, .colophon { font-style: italic; }
.years { margin-top: 1.5em; }
.about { margin: 3em 6% 0; font-size: 0.9em; }
.about p { margin-bottom: 0.4em; text-indent: 0; text-align: left; }
.break { margin: 1.6em 0; }
.status { margin: 0.8em 0; text-align: center; text-indent: 0; hyphens: none; font-size: 0.85em; }
.end { margin: 2.4em 0 1.2em; font-weight: bold; }
figure { margin: 1.6em 0; text-align: center; page-break-inside: avoid; break-inside: avoid; }
figure img { max-width: 100%; max-height: 90vh; }
.cover { margin: 0; text-align: center; }
.cover img { max-width: 100%; max-height: 100%; }
"""


def epub(book: Book) -> bytes:
    """Return the book as an EPUB archive."""
    pages = _pages(book)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        _write(archive, "mimetype", b"application/epub+zip", zipfile.ZIP_STORED)
        _write(archive, "META-INF/container.xml", CONTAINER.encode())
        _write(archive, f"{FOLDER}/package.opf", _package(book, pages).encode())
        _write(archive, f"{FOLDER}/nav.xhtml", _navigation(book, pages).encode())
        _write(archive, f"{FOLDER}/toc.ncx", _old_contents(book, pages).encode())
        _write(archive, f"{FOLDER}/style.css", STYLE.encode())
        _write(archive, f"{FOLDER}/cover.jpg", cover(book), zipfile.ZIP_STORED)
        _write(archive, f"{FOLDER}/cover.xhtml", _cover_page(book).encode())
        _write(archive, f"{FOLDER}/title.xhtml", _title_page(book).encode())
        for picture in book.pictures:
            _write(archive, f"{FOLDER}/{picture.name}.jpg", picture.jpeg, zipfile.ZIP_STORED)
        for name, chapter in pages.items():
            _write(archive, f"{FOLDER}/{name}.xhtml", _chapter_page(book, chapter, list(pages), name).encode())
    return content.getvalue()


def _write(archive: zipfile.ZipFile, name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> None:
    entry = zipfile.ZipInfo(name, ZIP_EPOCH)
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content, method)


def _pages(book: Book) -> dict[str, Chapter]:
    """Return the chapters by file name. A book without text still has one, with its ending."""
    chapters = book.shown_chapters or (Chapter(()),)
    return {f"chapter-{number:03}": chapter for number, chapter in enumerate(chapters, 1)}


def _entries(book: Book, pages: dict[str, Chapter]) -> list[tuple[str, str]]:
    """Return (file, caption) of each entry of the contents. A single chapter takes the book's name."""
    single = len(pages) == 1
    captions = [one.title or (book.name if single else str(number)) for number, one in enumerate(pages.values(), 1)]
    return [(f"{name}.xhtml", caption) for name, caption in zip(pages, captions, strict=True)]


def _package(book: Book, pages: Iterable[str]) -> str:
    names = ["title", *pages]
    items = [f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>' for name in names]
    items += [f'<item id="{one.name}" href="{one.name}.jpg" media-type="image/jpeg"/>' for one in book.pictures]
    modes = ["textual", "visual"] if book.pictures else ["textual"]
    return f"""<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="book-id" xml:lang="{book.language}">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="book-id">urn:uuid:{book.uuid}</dc:identifier>
<dc:title>{escaped(book.name)}</dc:title>
<dc:language>{book.language}</dc:language>
{joined(_optional(book))}
<dc:date>{book.date.isoformat()}</dc:date>
<meta property="dcterms:modified">{book.changed:%Y-%m-%dT%H:%M:%SZ}</meta>
{joined(f'<meta property="schema:accessMode">{mode}</meta>' for mode in modes)}
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityFeature">readingOrder</meta>
<meta property="schema:accessibilityHazard">none</meta>
<meta name="cover" content="cover-image"/>
</metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>
<item id="style" href="style.css" media-type="text/css"/>
<item id="cover-image" href="cover.jpg" media-type="image/jpeg" properties="cover-image"/>
<item id="cover" href="cover.xhtml" media-type="application/xhtml+xml"/>
{joined(items)}
</manifest>
<spine toc="ncx">
<itemref idref="cover" linear="no"/>
{joined(f'<itemref idref="{name}"/>' for name in names)}
</spine>
<guide><reference type="cover" title="{escaped(line_of(book.wording.cover))}" href="cover.xhtml"/></guide>
</package>
"""


def _optional(book: Book) -> Iterator[str]:
    for name in book.authors:
        yield f"<dc:creator>{escaped(name)}</dc:creator>"
    if line_of(book.genre_label):
        yield f"<dc:subject>{escaped(line_of(book.genre_label))}</dc:subject>"
    if book.annotation:
        yield f"<dc:description>{escaped(joined(book.annotation))}</dc:description>"


def _navigation(book: Book, pages: dict[str, Chapter]) -> str:
    heading = escaped(line_of(book.wording.contents))
    entries = joined(f'<li><a href="{file}">{escaped(text)}</a></li>' for file, text in _entries(book, pages))
    first = f"{next(iter(pages))}.xhtml"
    return _page(
        book,
        f"""<nav epub:type="toc" id="toc"><h2>{heading}</h2><ol>
{entries}
</ol></nav>
<nav epub:type="landmarks" hidden="hidden"><ol>
<li><a epub:type="cover" href="cover.xhtml">{escaped(line_of(book.wording.cover))}</a></li>
<li><a epub:type="bodymatter" href="{first}">{escaped(book.name)}</a></li>
</ol></nav>""",
    )


def _old_contents(book: Book, pages: dict[str, Chapter]) -> str:
    points = joined(
        f'<navPoint id="point-{order}" playOrder="{order}"><navLabel><text>{escaped(text)}</text></navLabel>'
        f'<content src="{file}"/></navPoint>'
        for order, (file, text) in enumerate(_entries(book, pages), 1)
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1" xml:lang="{book.language}">
<head><meta name="dtb:uid" content="urn:uuid:{book.uuid}"/></head>
<docTitle><text>{escaped(book.name)}</text></docTitle>
<navMap>
{points}
</navMap>
</ncx>
"""


def _cover_page(book: Book) -> str:
    text = escaped(", ".join([*book.authors, book.name]))
    width, height = SIZE
    image = f'<img src="cover.jpg" alt="{text}" width="{width}" height="{height}"/>'
    return _page(book, f'<section class="cover" epub:type="cover">{image}</section>')


def _title_page(book: Book) -> str:
    about = joined(f"<p>{escaped(line)}</p>" for line in book.annotation)
    lines = [
        f'<p class="by">{escaped(", ".join(book.authors))}</p>',
        f"<h1>{escaped(book.name)}</h1>",
        f'<p class="genre">{escaped(line_of(book.genre_label))}</p>' if line_of(book.genre_label) else "",
        f'<p class="years">{book.years}</p>',
        f'<div class="about">{about}</div>' if about else "",
    ]
    return _page(book, f'<section class="title-page" epub:type="titlepage">{joined(filter(None, lines))}</section>')


def _chapter_page(book: Book, chapter: Chapter, names: list[str], name: str) -> str:
    lines = []
    if chapter.title:
        lines.append(f"<h2>{escaped(chapter.title)}</h2>")
    elif name != names[0]:
        lines.append(f'<p class="break">{escaped(line_of(book.wording.scene_break))}</p>')
    lines += [_picture(book, one) if isinstance(one, Picture) else _paragraph(one) for one in chapter.content]
    if name == names[-1]:
        lines.append(f'<p class="end">{escaped(book.ending)}</p>')
        lines += [f'<p class="colophon">{escaped(line)}</p>' for line in paragraphs_of(book.wording.colophon)]
    return _page(book, f'<section epub:type="chapter">\n{joined(lines)}\n</section>', chapter.title)


def _paragraph(text: str) -> str:
    return ('<p class="status">' if is_status(text) else "<p>") + f"{escaped(text)}</p>"


def _picture(book: Book, picture: Picture) -> str:
    return f'<figure><img src="{picture.name}.jpg" alt="{escaped(line_of(book.wording.picture))}"/></figure>'


def _page(book: Book, body: str, title: str = "") -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" \
xml:lang="{book.language}" lang="{book.language}">
<head><meta charset="utf-8"/><title>{escaped(title or book.name)}</title>\
<link rel="stylesheet" type="text/css" href="style.css"/></head>
<body>
{body}
</body>
</html>
"""
