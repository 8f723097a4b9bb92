"""Draws `avatar.jpg`, the bot's picture in Telegram, from `avatar.svg`: `python assets/draw_avatar.py`.

Needs playwright (a development dependency) and a Chromium: `CHROMIUM` names it, the system's otherwise.
Telegram wants a JPG and shows a circle cut from the middle: nothing of the drawing may stand in the corners.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

SIDE_PX = 640
HERE = Path(__file__).resolve().parent


def draw(svg: Path, jpg: Path, chromium: str) -> None:
    """Render `svg` into `jpg`, a square of `SIDE_PX`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": SIDE_PX, "height": SIDE_PX})
        page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{svg.read_text('utf-8')}")
        page.screenshot(path=jpg, type="jpeg", quality=92)
        browser.close()


if __name__ == "__main__":
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-headless-shell") or ""
    draw(HERE / "avatar.svg", HERE / "avatar.jpg", browser)
