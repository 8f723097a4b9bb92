"""Take the pictures of `docs/pictures/` from the demo's page: `make pictures`.

Start `python -m sandbox` with an empty folder, use the chat as a person would, and take a picture at each name of
`SHOTS`. A second demo gives the animation `writing.webp`: a part grows and is rewritten. The texts are the demo's own;
which genre «🎲 Мне повезёт» brings, and how far a draft has grown, differ from run to run. For the picture of the
profile the model calls of this run are spread over a month.
`CHROMIUM` names the browser, `/usr/bin/chromium` otherwise. `python -m assets.take_pictures writing` takes only the
animation, `… chat` only the other pictures.
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

from assets.animation import Animation

if TYPE_CHECKING:  # playwright is a development dependency
    from playwright.sync_api import Browser, Locator, Page

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "docs" / "pictures"
WIDTH, HEIGHT = 390, 800  # of the window; a phone's
WRITING_HEIGHT = 720  # of the window for the animation
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
    """Run a demo with an empty chat; give its address."""
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


class Reader:
    """Anna, who writes, presses and waits on the demo's page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.chat: Locator = page.locator(".chat").first

    def press(self, label: str) -> None:
        """Press the last button of that name: the newest message's, or the keyboard's."""
        self.chat.get_by_role("button", name=label, exact=True).last.click()

    def say(self, words: str) -> None:
        """Send the words; don't wait for an answer."""
        field = self.chat.get_by_label("Сообщение", exact=True)
        field.fill(words)
        field.press("Enter")

    def hears(self, words: str) -> None:
        """Wait until a message of the bot holds these words and nothing is being written."""
        self.chat.locator(".message.theirs").filter(has_text=words).last.wait_for()
        self.chat.locator(".draft").wait_for(state="hidden")

    def reads(self) -> None:
        """Wait until an answer has begun and ended."""
        self.chat.locator(".draft").wait_for(state="visible")
        self.chat.locator(".draft").wait_for(state="hidden")

    def takes(self, name: str, rest_ms: int = 700) -> None:
        """Save the picture `name` after a pause in which the page stops moving."""
        if name not in SHOTS:
            raise ValueError(name)
        self.page.mouse.move(WIDTH / 2, 2)  # no button is highlighted
        self.page.wait_for_timeout(rest_ms)
        keep(self.chat.screenshot(), FOLDER / f"{name}.webp")


def keep(screenshot: bytes, path: Path) -> None:
    """Save the screenshot as a smaller WebP; refuse a file larger than `LIMIT_BYTES`."""
    picture = Image.open(io.BytesIO(screenshot)).convert("RGB")
    height = round(picture.height * KEPT_WIDTH / picture.width)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.resize((KEPT_WIDTH, height), Image.Resampling.LANCZOS).save(path, "WEBP", quality=82, method=6)
    size = path.stat().st_size
    if size > LIMIT_BYTES:
        raise ValueError(f"{path.name} has {size} bytes, more than {LIMIT_BYTES}")
    print(f"{path}: {size // 1000} kB")


def walk(anna: Reader, database: Path) -> None:
    """Use every feature of `SHOTS` in turn."""
    anna.press("Начать")
    anna.hears("Напишем историю вдвоём")
    wizard(anna)
    anna.takes("card")
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
    """Move each model call to one of the last thirty days."""
    with closing(sqlite3.connect(database, timeout=10)) as connection, connection:
        connection.execute(
            "update call set asked_at = asked_at - 86400 * (id * 11 % 29), ended_at = ended_at - 86400 * (id * 11 % 29)"
        )


def wizard(anna: Reader) -> None:
    """Go through the five steps of a new story."""
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


def story(anna: Reader) -> None:
    """Write a story to its happy end; take `draft`, `story` and `finale`."""
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


def shelf(anna: Reader) -> None:
    """Begin three more stories at random; take `library`."""
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


def talk(anna: Reader) -> None:
    """Ask the assistant for a piece of code; take `chat`."""
    anna.press("💬 Чат")
    anna.say("Покажите пример кода: функция, которая здоровается")
    anna.hears("def greet")
    anna.takes("chat")
    anna.press("🏠 Меню")


def page_inside(anna: Reader) -> None:
    """Choose a character in the Web App and write to it; take `characters` and `character`."""
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


def writing(anna: Reader) -> None:
    """Write the first part of a story and rewrite it; save the animation `writing`."""
    anna.press("Начать")
    anna.hears("Напишем историю вдвоём")
    wizard(anna)
    draft = anna.chat.locator(".draft")
    animation = Animation(anna.chat)
    animation.record(at_least_ms=900)
    for label, pause_ms in (("✨ Начать историю", 1400), ("🔄 Другой вариант", 2600)):
        anna.press(label)
        anna.page.mouse.move(WIDTH / 2, 2)
        animation.record(until=draft.is_visible)
        animation.record(until=draft.is_hidden)
        animation.record(at_least_ms=pause_ms)
    animation.save(FOLDER / "writing.webp")


@contextmanager
def reader(browser: Browser, folder: Path, height: int) -> Iterator[Reader]:
    """Open the page of a new demo as Anna."""
    with demo(folder) as address:
        page = browser.new_page(
            viewport={"width": WIDTH, "height": height},
            device_scale_factor=SHARPNESS,
            color_scheme="light",
            locale="ru-RU",
        )
        page.set_default_timeout(WAIT_MS)
        page.goto(address)
        yield Reader(page)
        page.close()


def main() -> None:
    """Take the pictures that the command line names, or all."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    wanted = sys.argv[1:] or ["chat", "writing"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in wanted:
            with tempfile.TemporaryDirectory() as folder:
                if name == "writing":
                    with reader(browser, Path(folder), WRITING_HEIGHT) as anna:
                        writing(anna)
                else:
                    with reader(browser, Path(folder), HEIGHT) as anna:
                        walk(anna, Path(folder) / DATABASE)
        browser.close()


if __name__ == "__main__":
    main()
