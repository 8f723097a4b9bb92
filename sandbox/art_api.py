"""Check requests for images, of OpenAI's and Yandex's form, and draw landscapes. Pure.

The same prompt yields the same picture. Real Yandex sends JPEG, this sends PNG: it needs nothing but zlib.
"""

from __future__ import annotations

import base64
import hashlib
import math
import random
import re
import struct
import zlib
from collections.abc import Sequence
from typing import Any, Final

from sandbox.yandex_api import Refused

YANDEX_MODEL: Final = "aliceai-image-art-3.0"
YANDEX_PROMPT: Final = 500
OPENAI_PROMPT: Final = 32_000
REFUSAL: Final = "The prompt was rejected: it doesn't comply with the rules of image generation"
_FIELDS: Final = frozenset({"model", "prompt", "n", "size", "quality", "user"})
_SIDES: Final = frozenset({1024, 1536})
_LAYERS: Final = 5
_SHADES: Final = 192  # of the sky
_SUN: Final = _SHADES + _LAYERS


def check_image(body: Any, folder_id: str) -> tuple[str, int, int]:
    """Return prompt, width and height. Raises `Refused`."""
    if not isinstance(body, dict):
        raise Refused(3, "We could not parse the JSON body of your request.", "C")
    for name in body:
        if name not in _FIELDS:
            raise Refused(3, f"Unknown parameter: '{name}'.", "C")
    model, prompt, size = body.get("model"), body.get("prompt"), body.get("size", "1024x1024")
    if not isinstance(model, str) or not model:
        raise Refused(3, "you must provide a model parameter", "C")
    longest = OPENAI_PROMPT
    if model.startswith("art://"):
        longest = YANDEX_PROMPT
        if model != f"art://{folder_id}/{YANDEX_MODEL}":
            raise Refused(7, f"Access to model {model} denied", "C")
    if not isinstance(prompt, str) or not 0 < len(prompt) <= longest:
        raise Refused(3, f"prompt must have 1 to {longest} characters", "C")
    found = re.fullmatch(r"(\d+)x(\d+)", size) if isinstance(size, str) else None
    if found is None or not {int(found[1]), int(found[2])} <= _SIDES:
        raise Refused(3, f"Invalid size: {size!r}", "C")
    return prompt, int(found[1]), int(found[2])


def answer(prompt: str, width: int, height: int, address: str) -> dict[str, Any]:
    """Return the answer's body: the picture itself, or `address` if one is given."""
    if address:
        return {"created": 0, "data": [{"url": address}]}
    coded = base64.b64encode(draw(prompt, width, height)).decode()
    return {"created": 0, "data": [{"b64_json": coded}]}


def draw(prompt: str, width: int = 1024, height: int = 1024) -> bytes:
    """Return a landscape as a PNG file: sky, sun and hills, by the prompt's hash."""
    chance = random.Random(hashlib.sha256(prompt.encode("utf-8", "replace")).digest())
    hills = [_ridge(chance, width, height * (0.45 + 0.12 * layer), height) for layer in range(_LAYERS)]
    shades = bytes(min(_SHADES - 1, y * _SHADES * 10 // (height * 6)) for y in range(height))
    sun_x, sun_y = chance.uniform(0.2, 0.8) * width, chance.uniform(0.18, 0.42) * height
    radius = chance.uniform(0.05, 0.11) * height
    columns = []
    for x in range(width):
        sky = bytearray(shades)
        half = int(math.sqrt(max(0.0, radius**2 - (x - sun_x) ** 2)))
        sky[int(sun_y) - half : int(sun_y) + half] = bytes([_SUN]) * (2 * half)
        top = height
        for layer in reversed(range(_LAYERS)):
            crest = min(hills[layer][x], top)
            sky[crest:top] = bytes([_SHADES + layer]) * (top - crest)
            top = crest
        columns.append(bytes(sky))
    pixels = b"".join(columns)
    rows = b"".join(b"\x00" + pixels[y::height] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = [(b"IHDR", header), (b"PLTE", _palette(chance)), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_part(name, data) for name, data in parts)


def _ridge(chance: random.Random, width: int, level: float, height: int) -> list[int]:
    """Return for each column how far from the top a hill begins."""
    waves = [
        (chance.uniform(0.5, 1.0) / step, step * chance.uniform(0.7, 1.4), chance.uniform(0, 2 * math.pi))
        for step in (1, 2, 4, 9, 17)
    ]
    crests = []
    for x in range(width):
        turn = 2 * math.pi * x / width
        rise = sum(size * math.sin(often * turn + start) for size, often, start in waves)
        crests.append(min(height, max(0, int(level + 0.06 * height * rise))))
    return crests


def _palette(chance: random.Random) -> bytes:
    """Return the colours of one time of day: the sky's shades, the hills from far to near, the sun."""
    high, low, hill = chance.choice(
        (
            ((36, 62, 118), (246, 186, 138), (86, 58, 92)),  # dawn
            ((74, 144, 208), (222, 238, 244), (44, 96, 72)),  # day
            ((52, 30, 84), (238, 108, 86), (46, 26, 58)),  # sunset
            ((10, 16, 44), (64, 86, 134), (14, 24, 40)),  # night
        )
    )
    colours = [_between(high, low, shade / (_SHADES - 1)) for shade in range(_SHADES)]
    colours += [_between(low, hill, (layer + 1.5) / (_LAYERS + 0.5)) for layer in range(_LAYERS)]
    colours.append(_between(low, (255, 250, 226), 0.75))
    return b"".join(bytes(colour) for colour in colours)


def _between(one: Sequence[int], other: Sequence[int], share: float) -> list[int]:
    return [round(a + (b - a) * share) for a, b in zip(one, other, strict=True)]


def _part(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
