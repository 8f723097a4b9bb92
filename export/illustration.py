"""A picture of a part, made small enough for a book."""

from __future__ import annotations

import io
from typing import Final

SIDE_PX: Final = 1024  # of the longer side; sharp on an e-reader's whole screen
MOST_BYTES: Final = 160_000
MOST_PIXELS: Final = 8_000_000  # decoding takes three bytes a pixel
_TRIES: Final = ((SIDE_PX, 84), (SIDE_PX, 72), (SIDE_PX, 60), (768, 60), (512, 60))  # side and JPEG quality


def small_jpeg(picture: bytes) -> bytes | None:
    """Return the picture as a JPEG of at most `MOST_BYTES`; None if it can't be read. Takes about 0.1 s of CPU."""
    try:
        from PIL import Image

        with Image.open(io.BytesIO(picture), formats=("JPEG", "PNG", "WEBP")) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return None
            opened.draft("RGB", (SIDE_PX, SIDE_PX))  # a JPEG is decoded smaller at once
            whole = opened.convert("RGB")
        for side, quality in _TRIES:
            whole.thumbnail((side, side))
            content = io.BytesIO()
            whole.save(content, "JPEG", quality=quality, optimize=True)
            if content.tell() <= MOST_BYTES:
                return content.getvalue()
    except Exception:  # Pillow raises errors of many types at a broken file; the book does without the picture
        return None
    return None
