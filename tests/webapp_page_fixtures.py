"""Fixtures of the tests of the Web App's page in a real browser. Telegram's script is a small stand-in.

They need the system's Chromium and are skipped where there is none. With `PICTURES` set, screenshots are left there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.webapp_site import SCRIPT, Site, running

PICTURES = os.environ.get("PICTURES")


NOBODYS_SCRIPT = """
const data = new URLSearchParams(location.hash.slice(1)).get("tgWebAppData") || "";
window.Telegram = { WebApp: {
  initData: data, colorScheme: new URLSearchParams(location.search).get("scheme") || "light",
  ready() {}, expand() {}, onEvent() {}, close() { document.documentElement.dataset.closed = "yes"; },
  enableClosingConfirmation() { document.documentElement.dataset.confirms = "yes"; },
  disableClosingConfirmation() { document.documentElement.dataset.confirms = "no"; },
  BackButton: { show() {}, hide() {}, onClick(press) { window.goBack = press; } },
} };
"""


THEMES = {
    "light": {"bg": "#ffffff", "secondary-bg": "#f1f1f4", "text": "#000000", "button": "#3390ec"},
    "dark": {"bg": "#212121", "secondary-bg": "#0f0f0f", "text": "#ffffff", "button": "#8774e1"},
}


ON_TOP = """(selector) => {
  const shown = document.querySelector(selector);
  const { x, y, width, height } = shown.getBoundingClientRect();
  return document.elementFromPoint(x + width / 2, y + height / 2) === shown;
}"""  # whether nothing covers an element


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path) as made:
        made.register()
        yield made


Opens = Callable[..., Page]


@pytest.fixture
def opens(browser: Browser, site: Site) -> Iterator[Opens]:
    """Open the page; nothing foreign may be asked for, and nothing may go wrong inside."""
    faults: list[str] = []
    context = browser.new_context(viewport={"width": 360, "height": 700}, locale="ru-RU", device_scale_factor=2)

    def script(route: Route) -> None:
        route.fulfill(content_type="text/javascript", body=NOBODYS_SCRIPT)

    context.route(SCRIPT, script)

    def open_page(address: str = "", scheme: str = "light") -> Page:
        page = context.new_page()
        page.set_default_timeout(8_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
        own = (site.url, SCRIPT, "blob:", "about:")
        page.on("request", lambda asked: None if asked.url.startswith(own) else faults.append(asked.url))
        page.goto((address or site.page()).replace("/#", f"/?scheme={scheme}#"))
        colours = "".join(
            f"r.style.setProperty('--tg-theme-{name}-color', '{value}');" for name, value in THEMES[scheme].items()
        )
        page.evaluate(f"() => {{ const r = document.documentElement; {colours} }}")
        return page

    yield open_page
    context.close()
    assert faults == []


def look(page: Page, name: str) -> None:
    if PICTURES:
        page.wait_for_timeout(300)
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


def fits(page: Page) -> bool:
    """Whether nothing sticks out at the side."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))
