"""Record a part of the page as an animated WebP."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:  # playwright is a development dependency
    from playwright.sync_api import Locator

WIDTH = 440  # pixels of the finished picture
LENGTH_MS = 12_000
INTERVAL_MS = 80  # between two frames
LIMIT_BYTES = 1_500_000
QUALITY = 60


class Animation:
    """Collect screenshots of an element; equal neighbours become one longer frame."""

    def __init__(self, element: Locator) -> None:
        self._element = element
        self._frames: list[Image.Image] = []
        self._shown_ms: list[float] = []
        self._last = b""

    def record(self, *, until: Callable[[], bool] = lambda: True, at_least_ms: int = 0) -> None:
        """Take a frame every `INTERVAL_MS` until the condition holds and the time has passed."""
        began = time.monotonic()
        while True:
            started = time.monotonic()
            self._take()
            self._element.page.wait_for_timeout(max(0, INTERVAL_MS - (time.monotonic() - started) * 1000))
            self._shown_ms[-1] += (time.monotonic() - started) * 1000
            if until() and (time.monotonic() - began) * 1000 >= at_least_ms:
                return

    def save(self, path: Path) -> None:
        """Write the frames, played in `LENGTH_MS`; refuse a file larger than `LIMIT_BYTES`."""
        pace = LENGTH_MS / sum(self._shown_ms)
        durations = [round(shown * pace) for shown in self._shown_ms]
        path.parent.mkdir(parents=True, exist_ok=True)
        first, *rest = self._frames
        first.save(
            path, "WEBP", save_all=True, append_images=rest, duration=durations, loop=0, quality=QUALITY, method=4
        )
        size = path.stat().st_size
        if size > LIMIT_BYTES:
            raise ValueError(f"{path.name} has {size} bytes, more than {LIMIT_BYTES}")
        print(f"{path}: {size // 1000} kB, {len(self._frames)} frames, recorded in {sum(self._shown_ms) / 1000:.1f} s")

    def _take(self) -> None:
        shot = self._element.screenshot(animations="allow", type="jpeg", quality=95)  # a PNG takes far longer
        if shot == self._last:
            return
        self._last = shot
        picture = Image.open(io.BytesIO(shot)).convert("RGB")
        height = round(picture.height * WIDTH / picture.width)
        self._frames.append(picture.resize((WIDTH, height), Image.Resampling.LANCZOS))
        self._shown_ms.append(0)
