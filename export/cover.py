"""A cover: title, genre and authors over the story's picture, or over a landscape drawn in the genre's colours.

It is a JPEG: FictionBook takes no vector image, and e-readers' libraries show no SVG. Pillow draws it. The letters come
from the Source Serif Pro package, since Pillow's own font has no Cyrillic and a server may have no fonts. Letters that
the font lacks (Arabic, Hebrew, Chinese) are spelled in Latin ones; emoji are left out. The book has all of them.
"""

from __future__ import annotations

import io
import unicodedata
from bisect import bisect_right
from functools import lru_cache, partial
from importlib.resources import files
from math import sin, tau
from random import Random
from typing import TYPE_CHECKING, Final

from core.errors import is_disk_failure
from core.pillow import load_pillow
from export.book import Book, line_of

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

SIZE: Final = (640, 960)
SCALE: Final = 2  # drawn larger and scaled down, for smooth edges
MARGIN: Final = 64
TITLE_LINES: Final = 6
SMALLEST: Final = 34
SHORT_WORD: Final = 3
LETTERS: Final = 160  # more than fits
QUALITY: Final = 86
FONT: Final = "SourceSerifPro-{}.otf"
NO_TITLE: Final = "Соавтор"  # the bot's name, on the cover of a book whose title has nothing but emoji

# top of the sky, horizon, sun or moon, nearest hills, letters
Palette = tuple[str, str, str, str, str]
PALETTES: Final[dict[str, Palette]] = {
    "fantasy": ("#1f1b4b", "#7b5ea7", "#f6e3a1", "#120f33", "#fbf3dc"),
    "detective": ("#10161f", "#4c5a66", "#e9b44c", "#080b10", "#f4ead3"),
    "horror": ("#14070a", "#6e1622", "#e8d8c4", "#070203", "#f3e4d8"),
    "comedy": ("#f2a541", "#f9d98c", "#fff6df", "#b4452f", "#4a1f14"),
    "tale": ("#17635a", "#a7cf8f", "#fff1b8", "#0c3b38", "#fffbe8"),
    "romance": ("#8a2f4f", "#f2a897", "#ffe6cf", "#4d1730", "#fff3ea"),
    "scifi": ("#061a2e", "#1f7a8c", "#d9f2f1", "#030d18", "#eafaf9"),
    "adventure": ("#0f4c6b", "#f0a35e", "#fff0c9", "#0a2c3d", "#fff7e6"),
    "isekai": ("#27315f", "#8f7fc4", "#ffe2a6", "#151b3a", "#fdf4e0"),
    "litrpg": ("#0d2b33", "#2f8f83", "#c9f5e3", "#06171c", "#e9fbf4"),
    "academy": ("#33204f", "#9a7bb8", "#f7d99a", "#1c1030", "#fbf1dd"),
    "romantasy": ("#4d1f4f", "#d98aa6", "#ffe3d1", "#2b0f2e", "#fff1ea"),
    "postapoc": ("#3b2f25", "#b98754", "#f0d9b0", "#1f1812", "#f7ead3"),
    "urban": ("#121820", "#3f5a78", "#f2c96b", "#080c12", "#f1ecd9"),
    "classics": ("#4a3524", "#b59a74", "#f7ecd0", "#281c12", "#fbf4e2"),
}
ON_PICTURE: Final = "#fffaf0"  # letters over a picture
SHADE: Final = 205  # of 255, at the top of a picture, under the letters
SHADE_ENDS: Final = 170  # of 255, from the top
ANY_PALETTE: Final[Palette] = ("#25324a", "#8b9bb4", "#f3ead7", "#141c2b", "#f8f4ea")


def cover(book: Book) -> bytes:
    """Return the cover as a JPEG of `SIZE`, always the same for the same book. Takes about 0.1 s of CPU."""
    words = (", ".join(book.authors), book.name, line_of(book.genre_label))
    return (_printed(book.cover_picture, *words) if book.cover_picture else b"") or _drawn(
        book.uuid, book.genre, *words
    )


@lru_cache(maxsize=4)  # readers often download a second format of the same book
def _drawn(seed: str, genre: str, authors: str, title: str, label: str) -> bytes:
    from PIL import ImageDraw

    palette = PALETTES.get(genre, ANY_PALETTE)
    width, height = (side * SCALE for side in SIZE)
    picture = _sky(palette, width, height)
    _landscape(ImageDraw.Draw(picture), palette, Random(seed), width, height)
    return _lettered(picture, (authors, title, label), palette[4])


@lru_cache(maxsize=4)
def _printed(jpeg: bytes, authors: str, title: str, label: str) -> bytes:
    """Return the cover over a picture, which is cut to its middle; empty if the picture can't be read."""
    load_pillow()
    from PIL import Image, ImageOps

    size = (SIZE[0] * SCALE, SIZE[1] * SCALE)
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as opened:
            picture = ImageOps.fit(opened.convert("RGB"), size, Image.Resampling.LANCZOS)
    except (OSError, ValueError) as error:
        if is_disk_failure(error):  # as Pillow imports a module
            raise
        return b""
    shade = Image.linear_gradient("L").resize(size).point(_shade)
    return _lettered(Image.composite(Image.new("RGB", size), picture, shade), (authors, title, label), ON_PICTURE)


def _shade(depth: int) -> int:
    """Return how dark a picture is made at a depth, both of 255: dark as far as the letters go, then less and less."""
    return max(0, round(SHADE * (1 - (depth / SHADE_ENDS) ** 2)))


def _lettered(picture: Image, words: tuple[str, str, str], colour: str) -> bytes:
    from PIL import Image, ImageDraw

    known = partial(_drawable, font=_font("Bold", 20))
    authors, title, label = map(known, words)
    _letters(ImageDraw.Draw(picture), (authors, title or NO_TITLE, label), colour, *picture.size)
    small = picture.resize(SIZE, Image.Resampling.LANCZOS)
    content = io.BytesIO()
    small.save(content, "JPEG", quality=QUALITY, optimize=True)
    return content.getvalue()


def _sky(palette: Palette, width: int, height: int) -> Image:
    from PIL import Image, ImageOps

    shades = Image.linear_gradient("L").resize((width, height))
    return ImageOps.colorize(shades, palette[0], palette[1])


def _landscape(draw: ImageDraw, palette: Palette, random: Random, width: int, height: int) -> None:
    from PIL import ImageColor

    sky, disc, near = (ImageColor.getrgb(palette[number])[:3] for number in (1, 2, 3))
    if sum(ImageColor.getrgb(palette[0])[:3]) < 240:  # a dark sky has stars
        for _ in range(90):
            x, y, size = random.randrange(width), random.randrange(height * 6 // 10), random.choice((2, 2, 3, 4))
            draw.ellipse((x, y, x + size, y + size), fill=disc)
    radius = random.randint(width // 9, width // 7)
    x, y = random.randint(width // 4, width * 3 // 4), int(height * random.uniform(0.64, 0.67))
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=disc)
    ranges = 4
    for number in range(ranges):
        share = (number + 1) / ranges
        colour = tuple(round(start + (end - start) * share) for start, end in zip(sky, near, strict=True))
        waves = [(random.uniform(0.4, 3.2), random.random(), random.uniform(0.2, 1)) for _ in range(4)]
        line = [
            (x, height * (0.66 + 0.075 * number) + _hill(x / width, waves) * height * 0.022)
            for x in range(0, width + 8, 8)
        ]
        draw.polygon([(0, height), *line, (width, height)], fill=colour)


def _hill(x: float, waves: list[tuple[float, float, float]]) -> float:
    return sum(height * sin(tau * (frequency * x + phase)) for frequency, phase, height in waves)


def _letters(draw: ImageDraw, words: tuple[str, str, str], colour: str, width: int, height: int) -> None:
    authors, title, genre = words
    margin, middle = MARGIN * SCALE, width // 2
    inner = width - 2 * margin
    frame = MARGIN * SCALE // 2
    draw.rectangle((frame, frame, width - frame, height - frame), outline=colour, width=SCALE)
    small = _font("Regular", 26)
    _line(draw, _fitted(authors, small, inner), small, middle, margin + 30, colour)
    font, lines = _title(title, inner, height * 33 // 100)
    step = round(font.size * 1.14)
    top = height * 29 // 100 - step * len(lines) // 2
    for number, line in enumerate(lines):
        _line(draw, line, font, middle, top + number * step + step // 2, colour)
    below = max(top + step * len(lines), height * 34 // 100) + 30 * SCALE
    draw.line((middle - 40 * SCALE, below, middle + 40 * SCALE, below), fill=colour, width=SCALE)
    label = _font("Semibold", 28)
    _line(draw, _fitted(genre, label, inner), label, middle, below + 34 * SCALE, colour)


def _line(draw: ImageDraw, text: str, font: FreeTypeFont, x: int, y: int, colour: str) -> None:
    draw.text((x, y), text, font=font, fill=colour, anchor="mm")


def _title(title: str, width: int, height: int) -> tuple[FreeTypeFont, list[str]]:
    """Return the largest font in which the title fits, and its lines.

    A title too long for the smallest font is cut.
    """
    lines: list[str] = []
    for size in (84, 72, 62, 54, 46, 40, SMALLEST):
        font = _font("Bold", size)
        if size > SMALLEST and any(font.getlength(word) > width for word in title.split()):
            continue
        lines = _wrapped(title, font, width)
        if len(lines) <= TITLE_LINES and len(lines) * font.size * 1.14 <= height:
            return font, lines
    return font, [*lines[: TITLE_LINES - 1], _fitted(" ".join(lines[TITLE_LINES - 1 :]), font, width)]


def _wrapped(text: str, font: FreeTypeFont, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in _bound(text.split(), font, width):
        if line and font.getlength(f"{line} {word}") <= width:
            line = f"{line} {word}"
            continue
        lines += [line] if line else []
        line = word
        while font.getlength(line) > width:  # a word wider than the cover is broken anywhere
            most = max(1, bisect_right(range(1, len(line)), float(width), key=partial(_length, font, line)))
            lines.append(line[:most])
            line = line[most:]
    return [*lines, line] if line else lines


def _bound(words: list[str], font: FreeTypeFont, width: int) -> list[str]:
    """Join short words to the next one, so that no line of a title ends with a preposition."""
    bound: list[str] = []
    for word in words:
        last = bound[-1].rpartition(" ")[2] if bound else ""
        if bound and len(last) <= SHORT_WORD and last.islower() and font.getlength(f"{bound[-1]} {word}") <= width:
            bound[-1] += f" {word}"
        else:
            bound.append(word)
    return bound


def _length(font: FreeTypeFont, text: str, letters: int) -> float:
    return font.getlength(text[:letters])


def _fitted(text: str, font: FreeTypeFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    most = bisect_right(range(1, len(text)), width - font.getlength("…"), key=partial(_length, font, text))
    return f"{text[:most].rstrip()}…"


def _drawable(text: str, font: FreeTypeFont) -> str:
    """Return the text in characters that the font has: other letters in Latin ones, other signs left out."""
    from anyascii import anyascii

    missing = bytes(font.getmask("\uffff"))

    def has(char: str) -> bool:
        return char == " " or (char.isprintable() and bytes(font.getmask(char)) != missing)

    drawn = "".join(
        char if has(char) else anyascii(char) if unicodedata.category(char)[0] in "LMN" else ""
        for char in text[:LETTERS]
    )
    return " ".join("".join(filter(has, drawn)).split())[:LETTERS]


def _font(weight: str, size: int) -> FreeTypeFont:
    from PIL import ImageFont

    with (files("font_source_serif_pro") / "files" / FONT.format(weight)).open("rb") as file:
        return ImageFont.truetype(io.BytesIO(file.read()), size * SCALE, layout_engine=ImageFont.Layout.BASIC)
