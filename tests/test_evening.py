"""A whole evening with the real bot in a real browser: from the wizard to a story on the shelf, and back to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.harness import BotHarness
from tests.page_fixtures import needs_chromium

pytestmark = needs_chromium

# Where to leave a picture of each screen; none are made where it isn't set.
PICTURES = os.environ.get("PICTURES")


class Evening:
    """The page as one reader uses it."""

    def __init__(self, page: Page, harness: BotHarness) -> None:
        self.page = page
        self.harness = harness
        self.taken = 0

    def look(self, name: str) -> None:
        if PICTURES:
            self.taken += 1
            self.page.wait_for_timeout(300)
            self.page.screenshot(path=str(Path(PICTURES) / f"{self.taken:02d}-{name}.png"))

    def press(self, label: str) -> None:
        self.page.get_by_role("button", name=label, exact=True).last.click()

    def write(self, words: str) -> None:
        box = self.page.get_by_role("textbox").last
        box.fill(words)
        box.press("Enter")

    def sees(self, text: str) -> None:
        expect(self.page.locator(".message.theirs").filter(has_text=text).last).to_be_visible()

    def gone(self, text: str) -> None:
        expect(self.page.locator(".message.theirs").filter(has_text=text)).to_have_count(0)

    def plays(self, answer: str, label: str = "▶️ Дальше", words: str = "") -> None:
        """One turn whose answer is ordered."""
        self.harness.says(answer)
        if words:
            self.write(words)
        else:
            self.press(label)
        self.sees(answer)


@pytest.fixture
def evening(make_harness: Callable[..., BotHarness], browser: Browser) -> Iterator[Evening]:
    harness = make_harness()
    harness.start()
    harness.telegram.user(1, "Анна")
    faults: list[str] = []
    with browser.new_context(viewport={"width": 420, "height": 860}, locale="ru-RU") as context:
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(harness.telegram.url)
        yield Evening(page, harness)
    assert faults == []


def test_a_whole_evening(evening: Evening) -> None:
    begin_story(evening)
    write_and_take_back(evening)
    illustrate_and_branch(evening)
    end_and_download(evening)
    open_from_the_shelf(evening)


def begin_story(page: Evening) -> None:
    page.press("Начать")
    page.sees("Напишем историю вдвоём")
    page.look("welcome")
    for label, answer in (
        ("📖 Новая история", "Шаг 1 из 5"),
        ("Сказка", "Шаг 2 из 5"),
        ("Кот-писарь Пантелей", "Шаг 3 из 5"),
        ("Лес без имён", "Шаг 4 из 5"),
        ("Пропустить", "Шаг 5 из 5"),
    ):
        page.press(label)
        page.sees(answer)
    page.look("card")
    page.plays("Жил-был кот Пантелей, и был он писарем.", "✨ Начать историю")


def write_and_take_back(page: Evening) -> None:
    page.plays("Мыши не ответили.", words="Пантелей постучал в нору.")
    page.plays("Из норы выкатилось письмо.")
    page.look("story")
    page.plays("Из норы выглянул ус.", "🔄 Другой вариант")
    page.gone("Из норы выкатилось письмо.")
    page.look("variant")
    page.press("◀")
    page.sees("Из норы выкатилось письмо.")
    page.press("↩️ Отменить ход")
    page.sees("Теперь последнее")
    page.look("undo")
    page.press("↪️ Вернуть")
    page.sees("Ход на месте")
    page.harness.says('{"options": ["Он вскрыл письмо.", "Он съел письмо.", "Он ушёл."]}')
    page.press("💡 Подскажи")
    page.sees("Выберите или напишите своё")
    page.look("suggestions")
    page.harness.says("В письме было одно слово.")
    page.press("2")
    page.sees("▸ Он съел письмо.")
    page.sees("В письме было одно слово.")


def illustrate_and_branch(page: Evening) -> None:
    page.press("⚙️ Ещё")
    page.sees("что сделать?")
    page.look("more")
    page.press("🎨 Иллюстрация")
    page.sees("Нарисую последнюю часть")
    page.harness.says("Кот с письмом во рту, лес, вечер.")
    page.press("🎨 Нарисовать")
    page.sees("часть 4")
    page.look("picture")
    page.press("⚙️ Ещё")
    page.sees("что сделать?")
    page.press("🔀 Ветка")
    page.sees("Ветка готова")
    page.plays("В ветке всё пошло иначе.")


def end_and_download(page: Evening) -> None:
    page.press("🏁 Финал")
    page.sees("Каким будет конец")
    page.look("finale")
    page.harness.says("И кот простил мышей.")
    page.harness.says("Письмо без адреса")
    page.press("😊 Счастливый")
    page.sees("Письмо без адреса")
    page.sees("Письмо_без_адреса.epub")
    page.look("end")
    page.press("📖 Скачать")
    page.sees("В каком виде")
    page.press("FB2")
    page.sees("Письмо_без_адреса.fb2")


def open_from_the_shelf(page: Evening) -> None:
    page.press("🏠 Меню")
    page.sees("Вы в меню")
    page.press("📚 Мои истории")
    page.sees("Ваши истории: 2")
    page.look("shelf")
    page.press("Кот-писарь Пантелей · 4 части · сегодня")
    page.sees("В письме было одно слово.")
    page.look("shelf-card")
    page.press("▶️ Продолжить")
    page.sees("Ваши слова продолжат её")
    page.plays("Слово было «прости».", words="Пантелей прочёл его вслух.")
    page.look("resumed")
