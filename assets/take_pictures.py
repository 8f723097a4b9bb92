"""Takes the pictures of `docs/pictures/` from the demo's page: `make pictures`.

Starts `python -m sandbox` with an empty folder, writes two stories there as a person would, and photographs the chat
at each place of `SHOTS`. Stories and answers are the demo's own; the storyteller is repeatable, but which genre a
«🎲 Мне повезёт» brings, and how far a draft has grown, differ from run to run. For the picture of the profile the
calls of these two minutes are spread over a month.
Needs playwright (a development dependency) and a Chromium: `CHROMIUM` names it, `/usr/bin/chromium` otherwise.
"""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:  # so that the rest can be imported where playwright isn't installed
    from playwright.sync_api import Locator, Page

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "docs" / "pictures"
WIDTH, HEIGHT = 390, 800  # of the window; a phone's
SHARPNESS = 2  # pixels of the screen for one of the page
KEPT_WIDTH = 640  # of the finished picture
LIMIT_BYTES = 120_000
WAIT_MS = 60_000  # for anything that the bot is expected to do
SHOTS = ("card", "draft", "story", "finale", "library", "chat", "characters", "character", "profile")
DATABASE = "demo.db"
HERO = "Смотритель Марк: боится темноты"
SETTING = "Маяк у мыса: он зажигается сам"


@contextmanager
def demo(folder: Path) -> Iterator[str]:
    """The address of a demo of its own, with nothing said in it yet."""
    command = [sys.executable, "-m", "sandbox", "--no-browser", "--port", "0", "--data", str(folder)]
    environment = {**os.environ, "OPENAI_BASE_URL": "", "LOG_FILE": str(folder / "log.txt"), "PYTHONUTF8": "1"}
    with subprocess.Popen(
        command, cwd=HERE.parent, env=environment, stdout=subprocess.PIPE, encoding="utf-8"
    ) as running:
        try:
            line = running.stdout.readline() if running.stdout else ""
            yield next(word for word in line.split() if word.startswith("http://"))
        finally:
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=30)


class Visitor:
    """Anna, who writes, presses and waits on the demo's page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.chat: Locator = page.locator(".chat").first

    def press(self, label: str) -> None:
        """The last button of that name: inline ones stand before the keyboard's, so a new one wins over an old."""
        self.chat.get_by_role("button", name=label, exact=True).last.click()

    def say(self, words: str) -> None:
        """Types the words into the chat's field and sends them; doesn't wait for an answer."""
        field = self.chat.get_by_label("Сообщение", exact=True)
        field.fill(words)
        field.press("Enter")

    def hears(self, words: str) -> None:
        """Until the newest messages hold these words and nothing is being written."""
        self.chat.locator(".message.theirs").filter(has_text=words).last.wait_for()
        self.chat.locator(".draft").wait_for(state="hidden")

    def reads(self) -> None:
        """Until an answer was begun and has ended."""
        self.chat.locator(".draft").wait_for(state="visible")
        self.chat.locator(".draft").wait_for(state="hidden")

    def takes(self, name: str, rest_ms: int = 700) -> None:
        """The picture `name`, when everything has come to rest."""
        if name not in SHOTS:
            raise ValueError(name)
        self.page.mouse.move(WIDTH / 2, 2)  # nothing under it lights up there
        self.page.wait_for_timeout(rest_ms)
        keep(self.chat.screenshot(), FOLDER / f"{name}.webp")


def keep(screenshot: bytes, path: Path) -> None:
    """Writes it smaller, as WebP; a picture that came out too large is refused."""
    picture = Image.open(io.BytesIO(screenshot)).convert("RGB")
    height = round(picture.height * KEPT_WIDTH / picture.width)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.resize((KEPT_WIDTH, height), Image.Resampling.LANCZOS).save(path, "WEBP", quality=82, method=6)
    size = path.stat().st_size
    if size > LIMIT_BYTES:
        raise ValueError(f"{path.name} has {size} bytes, more than {LIMIT_BYTES}")
    print(f"{path}: {size // 1000} kB")


def walk(anna: Visitor, database: Path) -> None:
    """The whole tour, in an order in which nothing has to be undone."""
    anna.press("Начать")
    anna.hears("Вы придумываете, я пишу")
    wizard(anna)
    story(anna)
    shelf(anna)
    talk(anna)
    page_inside(anna)
    anna.press("🏠 Меню")
    spread(database)
    anna.press("👤 Профиль")
    anna.press("📊 30 дней")
    anna.chat.locator(".message.theirs img").last.wait_for()
    anna.takes("profile")


def spread(database: Path) -> None:
    """Moves each call of the model to one of the last thirty days, so that their picture shows something."""
    with closing(sqlite3.connect(database, timeout=10)) as connection, connection:
        connection.execute(
            "update call set asked_at = asked_at - 86400 * (id * 11 % 29), ended_at = ended_at - 86400 * (id * 11 % 29)"
        )


def wizard(anna: Visitor) -> None:
    """Goes through the five steps of a new story, and takes `card` of the last."""
    anna.press("📖 Новая история")
    anna.hears("Шаг 1 из 5")
    anna.press("Детектив")
    anna.hears("Шаг 2 из 5")
    anna.say(HERO)
    anna.hears("Шаг 3 из 5")
    anna.say(SETTING)
    anna.hears("Шаг 4 из 5")
    anna.press("Пропустить")
    anna.hears("Шаг 5 из 5")
    anna.takes("card")


def story(anna: Visitor) -> None:
    """Writes a story to its happy end; takes `draft`, `story` and `finale`."""
    anna.press("✨ Начать историю")
    anna.page.wait_for_function("(document.querySelector('.draft .text')?.textContent || '').length > 250")
    anna.takes("draft", rest_ms=0)
    anna.chat.locator(".draft").wait_for(state="hidden")
    anna.say("Марк взял фонарь и начал подниматься.")
    anna.reads()
    anna.press("💡 Подскажи")
    anna.chat.get_by_role("button", name="🔄 Ещё три", exact=True).wait_for()
    anna.takes("story")
    anna.press("🏁 Финал")
    anna.press("😊 Счастливый")
    anna.hears(".epub")
    anna.takes("finale")


def shelf(anna: Visitor) -> None:
    """Begins three more stories at random, and takes `library` of the list."""
    for _ in range(3):
        anna.press("🏠 Меню")
        anna.press("📖 Новая история")
        anna.press("🎲 Мне повезёт")
        anna.press("✨ Начать историю")
        anna.reads()
    anna.press("🏠 Меню")
    anna.press("📚 Мои истории")
    anna.chat.get_by_role("button", name="🔎 Найти", exact=True).wait_for()
    anna.takes("library")


def talk(anna: Visitor) -> None:
    """Asks the chat for a piece of code, takes `chat` and goes back to the menu."""
    anna.press("💬 Чат")
    anna.say("Покажите пример кода: функция, которая здоровается")
    anna.hears("def greet")
    anna.takes("chat")
    anna.press("🏠 Меню")


def page_inside(anna: Visitor) -> None:
    """The Web App, opened by the button beside the words; then the one who was chosen there."""
    anna.press("Персонажи")
    inside = anna.page.frame_locator(".sheet iframe")
    inside.get_by_text("Кот-писарь Пантелей").first.wait_for()
    anna.takes("characters")
    inside.get_by_text("Кот-писарь Пантелей").first.click()
    anna.chat.locator(".sheet").wait_for(state="hidden")
    anna.hears("Кто здесь?")
    anna.say("Пантелей, помогите написать извинение соседу")
    anna.reads()
    anna.takes("character")


def main() -> None:
    """Runs the demo in a temporary folder and takes all pictures; `CHROMIUM` names the browser."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with tempfile.TemporaryDirectory() as folder, demo(Path(folder)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT},
            device_scale_factor=SHARPNESS,
            color_scheme="light",
            locale="ru-RU",
        )
        page.set_default_timeout(WAIT_MS)
        page.goto(address)
        walk(Visitor(page), Path(folder) / DATABASE)
        browser.close()


if __name__ == "__main__":
    main()
