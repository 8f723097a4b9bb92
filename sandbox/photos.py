"""Photos as Telegram keeps them: JPEG, at most 1,280 pixels a side."""

from __future__ import annotations

import io
from typing import Final

SIDE_PX: Final = 1_280


def as_telegram_keeps(content: bytes) -> tuple[bytes, tuple[int, int] | None]:
    """Return the photo and its width and height; a file that can't be opened as it is, without them."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as opened:
            photo = opened.convert("RGB")
    except (OSError, ValueError):
        return content, None
    photo.thumbnail((SIDE_PX, SIDE_PX))
    kept = io.BytesIO()
    photo.save(kept, "JPEG", quality=87)
    return kept.getvalue(), photo.size
