"""Pillow, which is imported when a picture is first read: a bot that draws nothing stays smaller."""

from __future__ import annotations


def load_pillow() -> None:
    """Import Pillow, and the formats that the bot reads and writes.

    Raises `OSError` if the disk fails. Called before a picture is read, whose fault that isn't.
    """
    from PIL import Image, WebPImagePlugin  # noqa: F401 - `preinit` leaves WebP out

    Image.preinit()
