"""Take the pictures of `docs/pictures/` from the demo's page, and the English ones of `docs/pictures/en/`.

`make pictures` starts `python -m sandbox` with an empty folder, uses the chat as a person would, and takes a picture at
each name of `SHOTS`. A second demo gives the animation `writing.webp`: a part grows and is rewritten. The texts are the
demo's own; which genre «🎲 Мне повезёт» brings, and how far a draft has grown, differ from run to run. For the picture
of the profile the model calls of this run are spread over a month.
`CHROMIUM` names the browser, the system's otherwise. `python -m assets.take_pictures writing` takes only the
animation, `… chat` only the other pictures; `en` or `ru` beside it only those of the language.
"""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from assets.animation import WIDTH as ANIMATION_WIDTH
from assets.animation import Animation
from conversation.localization import Locales

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
TEXTS = Locales.load(HERE.parent / "locales")


@dataclass(frozen=True, slots=True)
class Script:
    """What is said and heard in one language. `locale` is the browser's, by which the page chooses who writes."""

    language: str
    locale: str
    folder: Path
    message: str  # the name of the input
    start: str
    welcome: str
    step: str
    genre: str
    hero: str
    setting: str
    own_words: str
    code: str
    characters: str  # the button that opens the page inside
    character: str
    greeting: str
    letter: str

    def label(self, key: str) -> str:
        """Return the label of a button."""
        return TEXTS[self.language].label(key)


RUSSIAN = Script(
    language="ru",
    locale="ru-RU",
    folder=FOLDER,
    message="Сообщение",
    start="Начать",
    welcome="Напишем историю вдвоём",
    step="Шаг {} из 5",
    genre="Детектив",
    hero="Смотритель Марк: боится темноты",
    setting="Маяк у мыса: он зажигается сам",
    own_words="Марк взял фонарь и начал подниматься.",
    code="Покажите пример кода: функция, которая здоровается",
    characters="Открыть",
    character="Кот-писарь Пантелей",
    greeting="Кто здесь?",
    letter="Пантелей, помогите написать извинение соседу",
)
ENGLISH = Script(
    language="en",
    locale="en-US",
    folder=FOLDER / "en",
    message="Message",
    start="Start",
    welcome="write a story together",
    step="Step {} of 5",
    genre="Mystery",
    hero="Mark the Keeper: afraid of the dark",
    setting="Lighthouse at the Cape: it lights by itself",
    own_words="Mark took the lantern and began to climb.",
    code="Show me an example in code: a function that greets",
    characters="Open",
    character="Panteley the Clerk Cat",
    greeting="at your service",
    letter="Please help me with an apology to my neighbour",
)
SCRIPTS = (RUSSIAN, ENGLISH)


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
            running.terminate()  # a shell makes what it starts in the background ignore an interrupt
            running.communicate(timeout=30)


class Reader:
    """The person of a language, who writes, presses and waits on the demo's page."""

    def __init__(self, page: Page, script: Script) -> None:
        self.page = page
        self.script = script
        self.chat: Locator = page.locator(".chat").first

    def push(self, key: str) -> None:
        """Press the last button with the label of that key."""
        self.press(self.script.label(key))

    def press(self, label: str) -> None:
        """Press the last button of that name: the newest message's, or the keyboard's."""
        self.chat.get_by_role("button", name=label, exact=True).last.click()

    def say(self, words: str) -> None:
        """Send the words; don't wait for an answer."""
        field = self.chat.get_by_label(self.script.message, exact=True)
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
        keep(self.chat.screenshot(), self.script.folder / f"{name}.webp")


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
    anna.press(anna.script.start)
    anna.hears(anna.script.welcome)
    wizard(anna)
    anna.takes("card")
    story(anna)
    shelf(anna)
    talk(anna)
    page_inside(anna)
    anna.push("menu")
    spread(database)
    anna.push("profile")
    anna.push("days")
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
    anna.push("new_story")
    anna.hears(anna.script.step.format(1))
    anna.press(anna.script.genre)
    anna.hears(anna.script.step.format(2))
    anna.say(anna.script.hero)
    anna.hears(anna.script.step.format(3))
    anna.say(anna.script.setting)
    anna.hears(anna.script.step.format(4))
    anna.push("skip")
    anna.hears(anna.script.step.format(5))


def story(anna: Reader) -> None:
    """Write a story to its happy end; take `draft`, `story` and `finale`."""
    anna.push("begin")
    anna.page.wait_for_function("(document.querySelector('.draft .text')?.textContent || '').length > 250")
    anna.takes("draft", rest_ms=0)
    anna.chat.locator(".draft").wait_for(state="hidden")
    anna.say(anna.script.own_words)
    anna.reads()
    anna.push("suggest")
    anna.chat.get_by_role("button", name=anna.script.label("suggest_again"), exact=True).wait_for()
    anna.takes("story")
    anna.push("finale")
    anna.push("ending_happy")
    anna.hears(".epub")
    anna.takes("finale")


def shelf(anna: Reader) -> None:
    """Begin three more stories at random; take `library`."""
    for _ in range(3):
        anna.push("menu")
        anna.push("new_story")
        anna.push("lucky")
        anna.push("begin")
        anna.reads()
    anna.push("menu")
    anna.push("stories")
    anna.chat.get_by_role("button", name=anna.script.label("find"), exact=True).wait_for()
    anna.takes("library")


def talk(anna: Reader) -> None:
    """Ask the assistant for a piece of code; take `chat`."""
    anna.push("chat")
    anna.say(anna.script.code)
    anna.hears("def greet")
    anna.takes("chat")
    anna.push("menu")


def page_inside(anna: Reader) -> None:
    """Choose a character in the Web App and write to it; take `characters` and `character`."""
    anna.press(anna.script.characters)
    inside = anna.page.frame_locator(".sheet iframe")
    inside.get_by_text(anna.script.character).first.wait_for()
    anna.takes("characters")
    inside.get_by_text(anna.script.character).first.click()
    anna.chat.locator(".sheet").wait_for(state="hidden")
    anna.hears(anna.script.greeting)
    anna.say(anna.script.letter)
    anna.reads()
    anna.takes("character")


def writing(anna: Reader) -> None:
    """Write the first part of a story and rewrite it; save the animation `writing`."""
    anna.press(anna.script.start)
    anna.hears(anna.script.welcome)
    wizard(anna)
    draft = anna.chat.locator(".draft")
    animation = Animation(anna.chat)
    animation.record(at_least_ms=900)
    for label, pause_ms in (("begin", 1400), ("variant", 2600)):
        anna.push(label)
        anna.page.mouse.move(WIDTH / 2, 2)
        animation.record(until=draft.is_visible)
        animation.record(until=draft.is_hidden)
        animation.record(at_least_ms=pause_ms)
    animation.save(anna.script.folder / "writing.webp")


@contextmanager
def reader(browser: Browser, folder: Path, script: Script, height: int, sharpness: float) -> Iterator[Reader]:
    """Open the page of a new demo as the person of the script's language."""
    with demo(folder) as address:
        page = browser.new_page(
            viewport={"width": WIDTH, "height": height},
            device_scale_factor=sharpness,
            color_scheme="light",
            locale=script.locale,
        )
        page.set_default_timeout(WAIT_MS)
        page.goto(address)
        yield Reader(page, script)
        page.close()


def main() -> None:
    """Take the pictures that the command line names, or all."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-headless-shell") or ""
    wanted = [name for name in ("chat", "writing") if name in sys.argv] or ["chat", "writing"]
    scripts = [script for script in SCRIPTS if script.language in sys.argv] or SCRIPTS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for script, name in ((script, name) for script in scripts for name in wanted):
            with tempfile.TemporaryDirectory() as folder:
                if name == "writing":
                    with reader(browser, Path(folder), script, WRITING_HEIGHT, ANIMATION_WIDTH / WIDTH) as anna:
                        writing(anna)
                else:
                    with reader(browser, Path(folder), script, HEIGHT, SHARPNESS) as anna:
                        walk(anna, Path(folder) / DATABASE)
        browser.close()


if __name__ == "__main__":
    main()
