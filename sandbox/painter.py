"""Pictures of the stand-in for image models: a landscape by the genre that the prompt names, drawn with Pillow.

The same prompt yields the same picture. A small «demo» in the corner says that no model has drawn it.
"""

from __future__ import annotations

import hashlib
import io
import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageFilter, ImageFont

Colour = tuple[int, int, int]
Point = tuple[float, float]
MARK: Final = "demo"
_HILLS: Final = 4


@dataclass(frozen=True, slots=True)
class Scene:
    """Colours from the top of the sky to the nearest hill, and what stands on the hills."""

    high: Colour
    low: Colour
    hill: Colour
    stars: bool
    silhouette: str


SCENES: Final[tuple[tuple[str, Scene], ...]] = (
    (r"ужас|хоррор|horror|gothic", Scene((14, 16, 28), (92, 58, 74), (12, 12, 18), True, "dead_trees")),
    (
        r"фантастик|космос|киберпанк|sci-?fi|science|space",
        Scene((8, 12, 40), (70, 92, 150), (16, 22, 44), True, "domes"),
    ),
    (r"детектив|нуар|detective|noir|mystery", Scene((30, 34, 48), (168, 140, 112), (24, 24, 32), False, "city")),
    (r"сказк|fairy|tale", Scene((86, 150, 214), (250, 226, 190), (62, 128, 84), False, "cottages")),
    (r"романтик|любов|romance|love", Scene((116, 78, 130), (250, 186, 160), (88, 58, 88), False, "bridge")),
    (r"приключени|пират|adventure|pirate", Scene((34, 104, 168), (248, 218, 158), (24, 74, 98), False, "ship")),
    (r"комеди|юмор|comedy|humou?r", Scene((96, 176, 232), (255, 240, 200), (118, 160, 70), False, "cottages")),
    (r"городские легенды|urban legend", Scene((22, 26, 46), (150, 118, 96), (18, 20, 30), True, "city")),
    (
        r"попадан|литрпг|магическая школа|another world|litrpg|school of magic",
        Scene((44, 40, 104), (226, 150, 120), (40, 34, 70), True, "castle"),
    ),
    (r"мотивам классики|after the classics", Scene((110, 132, 150), (240, 222, 190), (72, 84, 70), False, "bridge")),
    (r"постапок|apocal", Scene((96, 78, 62), (224, 172, 112), (52, 42, 38), False, "city")),
    (r"фэнтези|магич|дракон|fantasy|magic|dragon", Scene((52, 34, 92), (240, 132, 98), (46, 30, 62), True, "castle")),
)
_ANY: Final = (
    Scene((36, 62, 118), (246, 186, 138), (86, 58, 92), False, "cottages"),
    Scene((74, 144, 208), (222, 238, 244), (44, 96, 72), False, "trees"),
    Scene((10, 16, 44), (64, 86, 134), (14, 24, 40), True, "trees"),
)


def draw(prompt: str, width: int = 1024, height: int = 1024) -> bytes:
    """Return a landscape for the prompt as a PNG file."""
    chance = random.Random(hashlib.sha256(prompt.encode("utf-8", "replace")).digest())
    scene = next((scene for words, scene in SCENES if re.search(words, prompt, re.I)), None) or chance.choice(_ANY)
    picture = _sky(scene, width, height)
    pen = ImageDraw.Draw(picture)
    if scene.stars:
        _stars(pen, chance, width, height)
    sun = (chance.uniform(0.2, 0.8) * width, chance.uniform(0.16, 0.36) * height, chance.uniform(0.05, 0.1) * height)
    _disc(picture, sun, _between(scene.low, (255, 250, 226), 0.75))
    pen = ImageDraw.Draw(picture)
    for layer in range(_HILLS):
        colour = _between(scene.low, scene.hill, (layer + 1.4) / (_HILLS + 0.4))
        ridge = _ridge(chance, width, height * (0.56 + 0.11 * layer), height)
        if layer == 1:
            x = (1.0 - sun[0] / width) * width  # across from the sun
            SILHOUETTES[scene.silhouette](pen, chance, x, ridge[min(width - 1, int(x))], height * 0.2, colour)
        pen.polygon([(0, height), *enumerate(ridge), (width - 1, height)], fill=colour)
    pen.text(
        (width - 12, height - 10), MARK, fill=_between(scene.hill, (255, 255, 255), 0.55), anchor="rs", font=_font()
    )
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(22)


def _sky(scene: Scene, width: int, height: int) -> Image.Image:
    rows = Image.new("RGB", (1, 256))
    for y in range(256):
        rows.putpixel((0, y), _between(scene.high, scene.low, min(1.0, y / 170)))
    return rows.resize((width, height), Image.Resampling.BILINEAR)


def _stars(pen: ImageDraw.ImageDraw, chance: random.Random, width: int, height: int) -> None:
    for _ in range(140):
        x, y, size = chance.uniform(0, width), chance.uniform(0, 0.5 * height), chance.choice((0.6, 0.9, 1.5))
        pen.ellipse((x - size, y - size, x + size, y + size), fill=(236, 236, 246))


def _disc(picture: Image.Image, sun: tuple[float, float, float], colour: Colour) -> None:
    x, y, radius = sun
    mask = Image.new("L", picture.size, 0)
    pen = ImageDraw.Draw(mask)
    pen.ellipse((x - 1.5 * radius, y - 1.5 * radius, x + 1.5 * radius, y + 1.5 * radius), fill=50)
    mask = mask.filter(ImageFilter.GaussianBlur(radius / 4))
    ImageDraw.Draw(mask).ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    picture.paste(colour, (0, 0), mask)


def _ridge(chance: random.Random, width: int, level: float, height: int) -> list[float]:
    """Return for each column how far from the top a hill begins."""
    waves = [
        (chance.uniform(0.5, 1.0) / step, step * chance.uniform(0.7, 1.4), chance.uniform(0, 2 * math.pi))
        for step in (1, 2, 4, 9)
    ]
    return [
        level
        + 0.045 * height * sum(size * math.sin(2 * math.pi * x / width * often + start) for size, often, start in waves)
        for x in range(width)
    ]


# What stands on the second hill: (pen, chance, x of its middle, y of its foot, its height, colour)
Silhouette = Callable[[ImageDraw.ImageDraw, random.Random, float, float, float, Colour], None]


def _box(pen: ImageDraw.ImageDraw, x: float, foot: float, width: float, tall: float, colour: Colour) -> None:
    pen.rectangle((x - width / 2, foot - tall, x + width / 2, foot + 60), fill=colour)


def _roof(pen: ImageDraw.ImageDraw, x: float, top: float, width: float, tall: float, colour: Colour) -> None:
    pen.polygon([(x - width / 2, top), (x, top - tall), (x + width / 2, top)], fill=colour)


def _castle(
    pen: ImageDraw.ImageDraw, chance: random.Random, x: float, foot: float, tall: float, colour: Colour
) -> None:
    _box(pen, x, foot, tall * 0.9, tall * 0.45, colour)
    for place, share in ((-0.45, 0.75), (0.0, 1.0), (0.45, 0.65)):
        width = tall * chance.uniform(0.17, 0.23)
        _box(pen, x + place * tall, foot, width, tall * share, colour)
        _roof(pen, x + place * tall, foot - tall * share, width * 1.5, tall * 0.32, colour)


def _city(pen: ImageDraw.ImageDraw, chance: random.Random, x: float, foot: float, tall: float, colour: Colour) -> None:
    for place in range(-6, 7):
        width, share = tall * chance.uniform(0.14, 0.26), chance.uniform(0.35, 1.0)
        middle = x + place * tall * 0.2
        _box(pen, middle, foot, width, tall * share, colour)
        for row in range(int(tall * share / 26)):
            if chance.random() < 0.5:
                left = middle + chance.choice((-0.25, 0.1)) * width
                top = foot - tall * share + 12 + row * 26
                pen.rectangle((left, top, left + 7, top + 10), fill=(250, 214, 130))


def _cottages(
    pen: ImageDraw.ImageDraw, chance: random.Random, x: float, foot: float, tall: float, colour: Colour
) -> None:
    for place in (-0.7, 0.0, 0.75):
        width, share = tall * chance.uniform(0.35, 0.5), chance.uniform(0.28, 0.4)
        middle = x + place * tall
        _box(pen, middle, foot, width, tall * share, colour)
        _roof(pen, middle, foot - tall * share, width * 1.35, tall * 0.3, colour)
        pen.rectangle(
            (middle - 9, foot - tall * share * 0.7, middle + 9, foot - tall * share * 0.35), fill=(255, 224, 140)
        )


def _trees(pen: ImageDraw.ImageDraw, chance: random.Random, x: float, foot: float, tall: float, colour: Colour) -> None:
    for place in range(-5, 6):
        height, middle = tall * chance.uniform(0.4, 0.95), x + place * tall * 0.24
        _box(pen, middle, foot, tall * 0.04, height * 0.3, colour)
        for step in range(3):
            _roof(pen, middle, foot - height * (0.15 + 0.25 * step), tall * (0.3 - 0.07 * step), height * 0.4, colour)


def _dead_trees(
    pen: ImageDraw.ImageDraw, chance: random.Random, x: float, foot: float, tall: float, colour: Colour
) -> None:
    def branch(start: Point, angle: float, length: float, width: float) -> None:
        if length < 9:
            return
        end = (start[0] + math.cos(angle) * length, start[1] - math.sin(angle) * length)
        pen.line((start, end), fill=colour, width=max(1, round(width)))
        for turn in (-0.55, 0.5):
            branch(end, angle + turn + chance.uniform(-0.2, 0.2), length * chance.uniform(0.62, 0.78), width * 0.65)

    for place in (-0.9, 0.0, 0.8):
        branch((x + place * tall, foot + 30), math.pi / 2 + chance.uniform(-0.1, 0.1), tall * 0.36, tall * 0.07)


def _domes(pen: ImageDraw.ImageDraw, chance: random.Random, x: float, foot: float, tall: float, colour: Colour) -> None:
    for place, share in ((-0.9, 0.4), (-0.2, 0.62), (0.7, 0.34)):
        middle, radius = x + place * tall, tall * share
        pen.pieslice((middle - radius, foot - radius, middle + radius, foot + radius), 180, 360, fill=colour)
    rocket = x + tall * 1.3
    _box(pen, rocket, foot, tall * 0.16, tall * 0.85, colour)
    _roof(pen, rocket, foot - tall * 0.85, tall * 0.16, tall * 0.3, colour)
    pen.polygon([(rocket - tall * 0.2, foot), (rocket, foot - tall * 0.35), (rocket + tall * 0.2, foot)], fill=colour)


def _bridge(
    pen: ImageDraw.ImageDraw, chance: random.Random, x: float, foot: float, tall: float, colour: Colour
) -> None:
    deck = foot - tall * 0.45
    pen.rectangle((x - tall * 1.6, deck - 10, x + tall * 1.6, deck), fill=colour)
    for place in range(-2, 3):
        middle, radius = x + place * tall * 0.64, tall * 0.3
        pen.arc((middle - radius, deck, middle + radius, deck + 2 * radius), 180, 360, fill=colour, width=12)
        _box(pen, middle - tall * 0.32, foot, tall * 0.06, tall * 0.45, colour)
    for side in (-0.5, 0.5):
        pen.line((x + side * tall, deck, x + side * tall, deck - tall * 0.35), fill=colour, width=5)
        lamp = (x + side * tall, deck - tall * 0.37)
        pen.ellipse((lamp[0] - 8, lamp[1] - 8, lamp[0] + 8, lamp[1] + 8), fill=(255, 228, 160))


def _ship(pen: ImageDraw.ImageDraw, chance: random.Random, x: float, foot: float, tall: float, colour: Colour) -> None:
    pen.polygon(
        [
            (x - tall * 0.7, foot - tall * 0.2),
            (x + tall * 0.75, foot - tall * 0.25),
            (x + tall * 0.5, foot + 40),
            (x - tall * 0.5, foot + 40),
        ],
        fill=colour,
    )
    sail = _between(colour, (255, 246, 226), 0.7)
    for place, share in ((-0.3, 0.8), (0.2, 1.0)):
        mast = x + place * tall
        pen.line((mast, foot - tall * 0.2, mast, foot - tall * (share + 0.15)), fill=colour, width=6)
        left, right = mast - tall * 0.2, mast + tall * 0.24
        top, low = foot - tall * share, foot - tall * 0.32
        pen.polygon(
            [(left, top), (right, top + 12), (right + 14, (top + low) / 2), (right, low), (left, low)], fill=sail
        )


SILHOUETTES: Final[dict[str, Silhouette]] = {
    "castle": _castle,
    "city": _city,
    "cottages": _cottages,
    "trees": _trees,
    "dead_trees": _dead_trees,
    "domes": _domes,
    "bridge": _bridge,
    "ship": _ship,
}


def _between(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
