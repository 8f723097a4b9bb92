"""A talk as a Markdown or an HTML file.

Pure functions. Code stays code in both. What users wrote is no markup, except for fenced code; a model's Markdown is
kept, without tags of HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from export.book import clean_text, escaped, joined
from export.html_book import POLICY
from export.rich_html import html_of
from export.talk_record import Formatter, Said, TalkRecord

_FENCE: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
_INLINE_CODE: Final = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_MARKS: Final = re.compile(r"([\\`*_\[\]<>#|~])")
_LIST: Final = re.compile(r"^([^\S\n]*)([-+]|\d{1,9}[.)])(?=\s)", re.MULTILINE)
_RULES: Final = re.compile(r"^([^\S\n]*)([-=]+[^\S\n]*)$", re.MULTILINE)

STYLE: Final = """\
:root { color-scheme: light dark; --paper: #fff; --ink: #1d2024; --quiet: #69707a; --mine: #e3f1ff; --theirs: #f1f2f4;
  --code: #e7e9ec; }
@media (prefers-color-scheme: dark) { :root { --paper: #15171a; --ink: #dfe2e6; --quiet: #8d949e; --mine: #1d3b57;
  --theirs: #23262b; --code: #0f1113; } }
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%; text-size-adjust: 100%;
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
body { margin: 0 auto; padding: 2.5rem 1rem 4rem; max-width: 46rem; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; text-wrap: balance; }
.about, h2 { color: var(--quiet); font-size: .85rem; }
h2 { margin: 2.2rem 0 .8rem; text-align: center; font-weight: 500; }
article { margin: .8rem 3rem .8rem 0; padding: .6rem .9rem .7rem; border-radius: .9rem; background: var(--theirs);
  break-inside: avoid; }
article.mine { margin: .8rem 0 .8rem 3rem; background: var(--mine); }
header { display: flex; gap: .8em; justify-content: space-between; font-size: .85rem; }
header time { color: var(--quiet); }
.text { white-space: pre-wrap; }
blockquote { margin: .4rem 0; padding: .1rem .8rem; border-left: 3px solid var(--quiet); white-space: pre-wrap; }
blockquote.quoted { color: var(--quiet); font-size: .9rem; }
code { font: .9em ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", Menlo, monospace; }
pre { margin: .5rem 0; padding: .7rem .8rem; border-radius: .5rem; background: var(--code); overflow-x: auto;
  white-space: pre; overflow-wrap: normal; }
a { color: inherit; }
@media print { html { background: none; font-size: 10.5pt; } article { border: 1px solid #bbb; } pre {
  white-space: pre-wrap; } }
"""


def markdown(record: TalkRecord, _: Formatter) -> bytes:
    """Return the talk as Markdown in UTF-8."""
    lines = [f"# {_escaped(record.title)}", "", f"_{_escaped(record.about)}_"]
    day = ""
    for message in record.messages:
        if message.day != day:
            lines += ["", f"## {_escaped(message.day)}"]
            day = message.day
        lines += ["", f"**{_escaped(message.name)}** · {message.clock}", ""]
        if message.quoted:
            lines += [*(f"> {line}" for line in _escaped(message.quoted).split("\n")), ""]
        lines.append(_written(message))
    return (joined(clean_text(line) for line in lines) + "\n").encode()


def html(record: TalkRecord, formatter: Formatter) -> bytes:
    """Return the talk as one HTML page in UTF-8, which fetches and runs nothing."""
    return (
        joined(
            (
                "<!DOCTYPE html>",
                f'<html lang="{record.language}">',
                '<head><meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                f"<title>{_text(record.title)}</title>",
                f"<style>\n{STYLE}</style></head>",
                f'<body><h1>{_text(record.title)}</h1><p class="about">{_text(record.about)}</p>',
                *_articles(record, formatter),
                "</body></html>",
            )
        )
        + "\n"
    ).encode()


def _articles(record: TalkRecord, formatter: Formatter) -> Iterator[str]:
    day = ""
    for message in record.messages:
        if message.day != day:
            yield f"<h2>{_text(message.day)}</h2>"
            day = message.day
        mine = ' class="mine"' if message.by_user else ""
        yield f"<article{mine}><header><b>{_text(message.name)}</b><time>{message.clock}</time></header>"
        if message.quoted:
            yield f'<blockquote class="quoted">{_text(message.quoted)}</blockquote>'
        yield f'<div class="text">{_shown(message, formatter)}</div></article>'


def _shown(message: Said, formatter: Formatter) -> str:
    if not message.by_user:
        pieces = formatter(clean_text(message.text))
        return _tight("\n".join(html_of(text, entities) for text, entities in pieces))
    shown = []
    for is_code, piece in _segments(clean_text(message.text)):
        code = joined(piece.split("\n")[1:-1])
        shown.append(f"<pre><code>{escaped(code)}</code></pre>" if is_code else escaped(piece))
    return _tight("\n".join(shown))


def _tight(html_text: str) -> str:
    """Drop the line breaks beside a block, which has its own distance."""
    html_text = re.sub(r"(?<!\n)\n+(?=<(?:pre|blockquote)>)", "", html_text)
    return re.sub(r"(?<=</pre>)\n+|(?<=</blockquote>)\n+", "", html_text)


def _written(message: Said) -> str:
    """Return a message's text as Markdown that ends where the message does."""
    plain = _escaped if message.by_user else _without_tags
    return "\n".join(piece if is_code else plain(piece) for is_code, piece in _segments(message.text))


def _segments(text: str) -> Iterator[tuple[bool, str]]:
    """Return the text's pieces in order, each with whether it is a fenced block; the last block is closed."""
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark is None or (fence and (mark[1][0] != fence[0] or len(mark[1]) < len(fence) or mark[2].strip())):
            lines.append(line)
        elif fence:
            yield True, "\n".join([*lines, line])
            fence, lines = "", []
        else:
            if lines:
                yield False, "\n".join(lines)
            fence, lines = mark[1], [line]
    if fence:
        yield True, "\n".join([*lines, fence])
    elif lines:
        yield False, "\n".join(lines)


def _escaped(text: str) -> str:
    """Return text without markup as Markdown that shows it as it is; its line breaks stay."""
    text = _MARKS.sub(r"\\\1", text)
    text = _RULES.sub(r"\1\\\2", _LIST.sub(_escaped_item, text))
    return re.sub(r"(?<=\S) *\n(?=\S)", "  \n", text)


def _escaped_item(mark: re.Match[str]) -> str:
    sign = mark[2]
    return f"{mark[1]}{sign[:-1]}\\{sign[-1]}"


def _without_tags(text: str) -> str:
    """Return Markdown in which no `<` begins a tag; code stays as it is."""
    found, place = [], 0
    for code in _INLINE_CODE.finditer(text):
        found += [text[place : code.start()].replace("<", "&lt;"), code[0]]
        place = code.end()
    return "".join([*found, text[place:].replace("<", "&lt;")])


def _text(text: str) -> str:
    return escaped(clean_text(text))


# Writers of the formats, by file extension.
FORMATS: Final[Mapping[str, Callable[[TalkRecord, Formatter], bytes]]] = {"md": markdown, "html": html}
