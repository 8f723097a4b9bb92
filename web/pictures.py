"""Uploaded pictures: each becomes a small square JPEG.

A picture is decoded and encoded again, so that nothing but its pixels is kept: no metadata, no hidden content. One
with more pixels than the page sends is refused before it is decoded, and one is decoded at a time: a PNG of a hundred
kilobytes may hold a hundred megabytes of pixels, and the bot runs in the same process.
"""

from __future__ import annotations

import io
import threading
from typing import Final

from core.errors import is_disk_failure
from core.pillow import load_pillow

MOST_BYTES: Final = 3_000_000
MOST_PIXELS: Final = 4_000_000  # the page sends 640 × 640
SIDE_PX: Final = 320
FORMATS: Final = ("JPEG", "PNG", "WEBP")
QUALITY: Final = 82
PAPER: Final = (255, 255, 255)  # behind what is transparent
_ONE_AT_A_TIME: Final = threading.Lock()


class PictureError(Exception):
    """The file is no picture; `large`: it is one, but has too many pixels."""

    def __init__(self, reason: str, *, large: bool = False) -> None:
        super().__init__(reason)
        self.large = large


def square(content: bytes) -> bytes:
    """Return the middle of a picture as a JPEG, `SIDE_PX` on each side. Raises `PictureError`."""
    load_pillow()
    from PIL import Image, ImageOps

    try:
        with _ONE_AT_A_TIME, Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise PictureError(f"{picture.width} × {picture.height} pixels", large=True)
            picture.draft("RGB", (2 * SIDE_PX, 2 * SIDE_PX))  # a JPEG is decoded smaller at once
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
            small = ImageOps.fit(upright, (SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
        flat = Image.new("RGB", small.size, PAPER)
        flat.paste(small, mask=small.getchannel("A"))
        out = io.BytesIO()
        flat.save(out, "JPEG", quality=QUALITY, optimize=True)
    except PictureError:
        raise
    except Image.DecompressionBombError as error:  # Pillow's own limit is checked first
        raise PictureError(str(error), large=True) from error
    except Exception as error:  # Pillow raises errors of many types at a broken file
        if is_disk_failure(error):
            raise
        raise PictureError(f"{type(error).__name__}: {error}") from error
    return out.getvalue()
