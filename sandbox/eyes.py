"""What the models on this machine see: a picture's size, light and main colours. No neural network is at work.

A model without eyes refuses a picture as llama.cpp does.
"""

from __future__ import annotations

import base64
import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from core.schemas import Message, MessageRole, Picture
from sandbox.yandex_api import Refused

PIXELS_PER_TOKEN: Final = 1_024
BLIND: Final = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
_PREFIX: Final = "data:image/jpeg;base64,"
_COLOURS: Final[Mapping[tuple[int, int, int], tuple[str, str]]] = {
    (20, 20, 25): ("чёрный", "black"),
    (128, 128, 128): ("серый", "grey"),
    (245, 245, 245): ("белый", "white"),
    (200, 40, 40): ("красный", "red"),
    (235, 140, 40): ("оранжевый", "orange"),
    (235, 215, 70): ("жёлтый", "yellow"),
    (50, 150, 60): ("зелёный", "green"),
    (110, 190, 235): ("голубой", "light blue"),
    (40, 70, 180): ("синий", "blue"),
    (130, 60, 160): ("фиолетовый", "purple"),
    (235, 150, 180): ("розовый", "pink"),
    (120, 80, 50): ("коричневый", "brown"),
    (225, 205, 170): ("бежевый", "beige"),
}

# Russian, then English: square, wide, tall; dark to light.
_SHAPES: Final = (
    ("квадратный снимок", "широкий снимок", "высокий снимок"),
    ("a square picture", "a wide picture", "a tall picture"),
)
_LIGHTS: Final = (("тёмный", "не тёмный и не светлый", "светлый"), ("dark", "neither dark nor light", "light"))
_SEEN: Final = (
    "{shape} {width} на {height}, {light}; цвета: {main}",
    "{shape}, {width} by {height}, {light}; the colours are {main}",
)


def read(role: MessageRole, parts: Sequence[Any], *, sees: bool) -> Message:
    """Return a message of texts and pictures. Raises `Refused`, as a server does that can't read it."""
    texts, pictures = [], []
    for part in parts:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif kind == "image_url" and role == "user" and isinstance(part.get("image_url"), dict):
            if not sees:
                raise Refused(13, BLIND, "C")
            pictures.append(_picture(str(part["image_url"].get("url", ""))))
        else:
            raise Refused(3, f"Invalid content part of type {kind!r}", "C")
    return Message(role, "\n".join(texts), tuple(pictures))


def _picture(url: str) -> Picture:
    from PIL import Image

    try:
        jpeg = base64.b64decode(url.removeprefix(_PREFIX), validate=True) if url.startswith(_PREFIX) else b""
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as opened:
            opened.load()
            return Picture(jpeg, math.ceil(opened.width * opened.height / PIXELS_PER_TOKEN))
    except (ValueError, OSError):
        raise Refused(3, "Failed to decode image_url: not a JPEG in base64", "C") from None


def describe(pictures: Sequence[Picture], *, english: bool) -> str:
    """Return what is seen in pictures."""
    seen = [_described(picture, english) for picture in pictures]
    if len(seen) == 1:
        return f"In the photo I see {seen[0]}." if english else f"На фото вижу вот что: {seen[0]}."
    number = "I see {n} photos." if english else "Вижу столько фото: {n}."
    return "\n".join([number.format(n=len(seen)), *(f"{place}. {one}." for place, one in enumerate(seen, 1))])


def _described(picture: Picture, english: bool) -> str:
    from PIL import Image

    with Image.open(io.BytesIO(picture.jpeg)) as opened:
        width, height = opened.size
        bands = opened.convert("RGB").resize((24, 24)).tobytes()
    pixels = [bands[place : place + 3] for place in range(0, len(bands), 3)]
    names = Counter(_name_of(pixel, english) for pixel in pixels)
    main = [name for name, number in names.most_common(3) if number >= len(pixels) / 12]
    light = sum(map(sum, pixels)) / (3 * 255 * len(pixels))
    return _SEEN[english].format(
        shape=_SHAPES[english][(width > height) - (width < height)],
        width=width,
        height=height,
        light=_LIGHTS[english][int(light * 2.99)],
        main=", ".join(main),
    )


def _name_of(pixel: Sequence[int], english: bool) -> str:
    nearest = min(_COLOURS, key=lambda colour: sum((a - b) ** 2 for a, b in zip(colour, pixel, strict=True)))
    return _COLOURS[nearest][english]
