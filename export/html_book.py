"""A book as one HTML page, for any screen, light or dark, and for printing.

Self-contained: cover and pictures are embedded, nothing is fetched or run, and a content security policy enforces
that. Fonts are the reader's own.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Final

from conversation.game_words import is_status
from export.book import Book, Picture, escaped, joined, line_of, paragraphs_of
from export.cover import SIZE, cover

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

STYLE: Final = """\
:root { color-scheme: light dark; --paper: #fbf8f1; --ink: #23201b; --quiet: #6f675b; --line: #d9d0bf; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16151a; --ink: #d8d3c8; --quiet: #968f83; --line: #3a3731; }
}
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%; text-size-adjust: 100%;
  font: 1.1875rem/1.62 Literata, Charter, "Bitstream Charter", "PT Serif", "Source Serif 4", "Source Serif Pro",
    Georgia, "Noto Serif", "Liberation Serif", serif; font-kerning: normal; font-variant-numeric: oldstyle-nums; }
body { margin: 0 auto; padding: 3.5rem 1.5rem 6rem; max-width: 36rem; overflow-wrap: break-word; }
h1, h2, header p, nav, .break, footer { text-align: center; hyphens: manual; }
h1, h2 { font-weight: 600; text-wrap: balance; line-height: 1.18; }
.cover { display: block; width: min(17rem, 70%); height: auto; margin: 0 auto 3.5rem; border-radius: 3px;
  box-shadow: 0 1px 2px rgb(0 0 0 / .25), 0 14px 34px rgb(0 0 0 / .28); }
header p { margin: 0; }
.by { color: var(--quiet); font-size: 1.05em; }
h1 { margin: .5em 0 .35em; font-size: clamp(2rem, 8vw, 3rem); letter-spacing: -.01em; }
.genre { font-style: italic; }
.years { color: var(--quiet); font-size: .85em; margin-top: .4em !important; }
.about { margin: 2.5rem auto 0; padding: 1.1rem 0; max-width: 30rem; border: solid var(--line); border-width: 1px 0;
  color: var(--quiet); font-size: .85em; line-height: 1.5; }
.about p { margin: .35em 0; }
nav { margin: 2.5rem 0 0; font-size: .9em; }
nav h2 { margin: 0 0 .8em; font-size: 1.05em; }
nav ol { margin: 0; padding: 0; list-style: none; line-height: 1.9; }
nav a { color: inherit; text-decoration-color: var(--line); text-underline-offset: .2em; }
h2 { margin: 5rem 0 2.2rem; font-size: 1.45em; }
main p { margin: 0; text-indent: 1.5em; text-align: justify; hyphens: auto; text-wrap: pretty;
  orphans: 2; widows: 2; hanging-punctuation: first allow-end last; }
main section:first-child > p:first-child { margin-top: 4.5rem; }
main p.opening { text-indent: 0; }
main p.opening::first-letter { -webkit-initial-letter: 3; initial-letter: 3; font-weight: 600; margin-right: .3rem; }
main .break { margin: 2em 0; text-align: center; text-indent: 0; color: var(--quiet); letter-spacing: .2em; }
main .status { margin: 1em 0; text-align: center; text-indent: 0; hyphens: manual; color: var(--quiet);
  font-size: .85em; }
figure { margin: 2.2rem 0; text-align: center; }
figure img { max-width: 100%; max-height: 90vh; height: auto; border-radius: 3px; }
footer { margin-top: 4rem; }
footer p { margin: 0; }
.end { font-weight: 600; letter-spacing: .06em; }
.end::after { content: ""; display: block; width: 4rem; margin: 1.4rem auto; border-top: 1px solid var(--line); }
.colophon { color: var(--quiet); font-size: .85em; font-style: italic; }

@page { margin: 22mm 27mm 24mm; @top-center { content: RUNNING-TITLE; font: italic 9pt Georgia, serif; color: #555; }
  @bottom-center { content: counter(page); font: 9.5pt Georgia, serif; } }
@page front { @top-center { content: none; } @bottom-center { content: none; } }
@media print {
  :root { color-scheme: light; --paper: #fff; --ink: #000; --quiet: #444; --line: #999; }
  html { font-size: 11.5pt; line-height: 1.45; background: none; }
  body { max-width: none; margin: 0; padding: 0; }
  .front { page: front; break-after: page; }
  .cover { width: auto; max-width: 100%; height: 225mm; max-height: 90vh; margin: 0 auto; object-fit: contain;
    border-radius: 0; box-shadow: none; break-after: page; }
  header { padding-top: min(40mm, 12vh); }
  .about, nav { break-inside: avoid; }
  h1 { font-size: 28pt; }
  h2 { margin: 0 0 12mm; padding-top: min(22mm, 8vh); break-after: avoid; break-inside: avoid; }
  main section.titled { break-before: page; }
  main section.titled:first-child { break-before: auto; }
  main section:first-child > p:first-child { margin-top: 0; }
  .break { break-after: avoid; }
  figure { break-inside: avoid; }
  footer { break-inside: avoid; margin-top: 14mm; }
  nav a { text-decoration: none; }
  nav h2 { margin-bottom: 4mm; padding-top: 0; }
}
/* A5 and smaller: narrow margins and tight front matter, which must not spill a few lines on a page of their own */
@media print and (max-width: 150mm) {
  @page { margin: 14mm 15mm 16mm; }
  html { font-size: 10.5pt; }
  header { padding-top: 4vh; }
  h1 { font-size: 22pt; }
  .about, nav { margin-top: 5vh; padding: .6rem 0; }
  nav { margin-top: 3vh; }
  nav ol { line-height: 1.6; }
}
"""


def html(book: Book) -> bytes:
    """Return the book as one page in UTF-8."""
    style = STYLE.replace("RUNNING-TITLE", _css_string(book.name))
    return joined(
        (
            "<!DOCTYPE html>",
            f'<html lang="{book.language}">',
            '<head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta name="author" content="{escaped(", ".join(book.authors))}">',
            f"<title>{escaped(book.name)}</title>",
            f"<style>\n{style}</style></head>",
            "<body>",
            *_front(book),
            "<main>",
            *_chapters(book),
            "</main>",
            *_end(book),
            "</body>",
            "</html>",
            "",
        )
    ).encode()


def _front(book: Book) -> Iterator[str]:
    width, height = SIZE
    picture = b64encode(cover(book)).decode()
    yield '<div class="front">'
    # alt is empty: the text below says the same
    yield f'<img class="cover" alt="" width="{width}" height="{height}" src="data:image/jpeg;base64,{picture}">'
    yield f'<header><p class="by">{escaped(", ".join(book.authors))}</p>'
    yield f"<h1>{escaped(book.name)}</h1>"
    if line_of(book.genre_label):
        yield f'<p class="genre">{escaped(line_of(book.genre_label))}</p>'
    yield f'<p class="years">{book.years}</p>'
    if book.annotation:
        yield f'<div class="about">{joined(f"<p>{escaped(line)}</p>" for line in book.annotation)}</div>'
    yield "</header>"
    titled = [(number, one.title) for number, one in enumerate(book.shown_chapters, 1) if one.title]
    if len(titled) > 1:
        yield f"<nav><h2>{escaped(line_of(book.wording.contents))}</h2><ol>"
        yield from (f'<li><a href="#chapter-{number}">{escaped(title)}</a></li>' for number, title in titled)
        yield "</ol></nav>"
    yield "</div>"


def _chapters(book: Book) -> Iterator[str]:
    for number, chapter in enumerate(book.shown_chapters, 1):
        if chapter.title:
            yield f'<section id="chapter-{number}" class="titled"><h2>{escaped(chapter.title)}</h2>'
        else:
            yield f'<section id="chapter-{number}">'
            if number > 1:
                yield f'<p class="break">{escaped(line_of(book.wording.scene_break))}</p>'
        for place, one in enumerate(chapter.content):
            if isinstance(one, Picture):
                yield _picture(book, one)
                continue
            opens = place == 0 and (number == 1 or chapter.title) and _takes_initial(one)
            name = "opening" if opens else "status" if is_status(one) else ""
            yield (f'<p class="{name}">' if name else "<p>") + f"{escaped(one)}</p>"
        yield "</section>"


def _picture(book: Book, picture: Picture) -> str:
    alt, data = escaped(line_of(book.wording.picture)), b64encode(picture.jpeg).decode()
    return f'<figure><img alt="{alt}" src="data:image/jpeg;base64,{data}"></figure>'


def _end(book: Book) -> Iterator[str]:
    yield f'<footer><p class="end">{escaped(book.ending)}</p>'
    yield from (f'<p class="colophon">{escaped(line)}</p>' for line in paragraphs_of(book.wording.colophon))
    yield "</footer>"


def _takes_initial(paragraph: str) -> bool:
    """Return whether a drop cap suits the paragraph: it starts with a letter and is long enough."""
    return paragraph[0].isalpha() and len(paragraph) >= 200


def _css_string(text: str) -> str:
    """Return the text as a CSS string.

    All but letters and digits are escaped, so that nothing can end the string or the style.
    """
    return '"' + "".join(char if char.isalnum() else f"\\{ord(char):x} " for char in text) + '"'
