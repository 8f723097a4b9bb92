"""The Web App's page in Firefox and WebKitGTK, with the running bot behind it.

WebKit is what iPhones show a Web App with. Telegram's script is a small stand-in, which also keeps what goes wrong in
the page: errors, refused sources, lines of the console.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from sandbox.http_wire import HttpRequest, HttpResponse, HttpServer
from sandbox.users import ChatUser
from tests.harness import BotHarness, until
from tests.real.webdriver import Browser, firefox, webkit
from tests.webapp_page_fixtures import NOBODYS_SCRIPT

FAULTS = """
window.faults = [];
for (const name of ["error", "unhandledrejection", "securitypolicyviolation"]) {
  window.addEventListener(name, (event) => {
    const target = event.target?.src || event.target?.href || "";
    window.faults.push(`${name} ${event.message || event.reason || event.blockedURI || ""} ${target}`);
  }, true);
}
for (const name of ["error", "warn"]) {
  const real = console[name];
  console[name] = (...words) => { window.faults.push(`console ${words.join(" ")}`); real(...words); };
}
"""
Opens = Callable[[Path], AbstractContextManager[Browser]]
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(
    params=[
        pytest.param(firefox, marks=pytest.mark.real("firefox"), id="Firefox"),
        pytest.param(webkit, marks=pytest.mark.real("webkit", "xvfb"), id="WebKitGTK"),
    ]
)
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Browser]:
    """Run one of the browsers."""
    with request.param(tmp_path) as running:
        yield running


@pytest.fixture
def harness(make_harness: Callable[..., BotHarness]) -> Iterator[BotHarness]:
    """Return a harness whose bot serves its page."""

    def script(request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, (FAULTS + NOBODYS_SCRIPT).encode(), "text/javascript")

    with HttpServer(script) as scripts:
        address = f"{scripts.url}/telegram-web-app.js"
        made = make_harness(WEBAPP_URL="http://127.0.0.1:8080", WEBAPP_PORT=0, WEBAPP_SCRIPT_URL=address)
        made.start()
        yield made


def opened(harness: BotHarness, browser: Browser) -> ChatUser:
    """Return somebody who has opened the page by the button of the chat."""
    assert harness.app is not None and harness.app.page is not None
    person = harness.writer(words="Жил-был на краю света маяк.")
    person.send("/characters")
    person.wait("С кем поговорим")
    here = f"http://127.0.0.1:{harness.app.page.port}"
    browser.resize(400, 800)
    browser.open(person.tap("🎭 Открыть персонажей").url.replace("http://127.0.0.1:8080", here))
    until(lambda: browser.run("return document.querySelectorAll('#built-in .card').length") == 14, 20)
    return person


def look(browser: Browser, request: pytest.FixtureRequest) -> None:
    """Leave a screenshot in the folder PICTURES, if that is set."""
    if folder := os.environ.get("PICTURES"):
        browser.screenshot(Path(folder) / f"{request.node.name}.png")


def test_a_character_is_found_chosen_and_answers_in_the_chat(
    harness: BotHarness, browser: Browser, request: pytest.FixtureRequest
) -> None:
    person = opened(harness, browser)
    drawn = "return [...document.querySelectorAll('#built-in .face img')].filter((one) => one.naturalWidth).length"
    until(lambda: browser.run(drawn) == 14, 20)
    look(browser, request)
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
    browser.write("#search", "сократ")
    shown = "return [...document.querySelectorAll('.card')].filter((card) => card.offsetParent).length"
    until(lambda: browser.run(shown) == 1)
    browser.run("[...document.querySelectorAll('.card')].find((card) => card.offsetParent).id = 'found-card'")
    browser.click("#found-card")
    person.wait("🎭 Отвечает Сократ")
    until(lambda: browser.run("return document.documentElement.dataset.closed") == "yes")
    assert browser.run("return window.faults") == []


def test_an_own_character_is_written_and_kept(
    harness: BotHarness, browser: Browser, request: pytest.FixtureRequest
) -> None:
    opened(harness, browser)
    browser.click("#create")
    for field, text in (
        ("name", "Пёс Трезор"),
        ("line", "Верит всем"),
        ("greeting", "Гав!"),
        ("personality", "Ты пёс Трезор."),
    ):
        browser.write(f"#form [name={field}]", text)
    look(browser, request)
    browser.click("#form [type=submit]")
    until(lambda: "Пёс Трезор" in browser.run("return document.querySelector('#own').innerText"))
    assert harness.db.count("character", owner_id=1) == 1
    assert browser.run("return window.faults") == []


def test_a_story_is_read_and_the_usage_is_drawn(
    harness: BotHarness, browser: Browser, request: pytest.FixtureRequest
) -> None:
    opened(harness, browser)
    browser.click("#tab-stories")
    until(lambda: browser.run("return document.querySelectorAll('#stories li').length") == 1)
    browser.click("#tab-usage")
    until(lambda: browser.run("return document.querySelector('#left').innerText"))
    look(browser, request)
    assert browser.run("return window.faults") == []
