"""The Web App's page in a real browser, at the width of a narrow phone: choosing, one's own characters, reading,
usage, both themes, the keyboard, and what is said when it can't be opened. Telegram's script is a small stand-in.

Needs the system's Chromium and is skipped where there is none. With `PICTURES` set, screenshots are left there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from conversation.personas import Persona
from tests.harness import BotHarness
from tests.test_page import CHROMIUM
from tests.test_webapp import picture
from tests.webapp_site import SCRIPT, Site, init_data, running

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing: the page can't be tried in a browser")

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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running_browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield running_browser
        running_browser.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path) as made:
        made.register()
        yield made


Opens = Callable[..., Page]


@pytest.fixture
def opens(browser: Browser, site: Site) -> Iterator[Opens]:
    """Opens the page; nothing foreign may be asked for, and nothing may go wrong inside."""
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


# ---------------------------------------------------------------------- characters


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_character_is_found_and_chosen_and_the_page_closes(scheme: str, opens: Opens, site: Site) -> None:
    page = opens(scheme=scheme)
    expect(page.get_by_role("button", name="Баба-яга на пенсии")).to_be_visible()
    expect(page.locator("#built-in .card")).to_have_count(14)
    expect(page.locator("#built-in .face img").first).to_be_visible()
    look(page, f"characters-{scheme}")
    assert fits(page)
    page.get_by_label("Найти персонажа").fill("дракон")
    expect(page.locator(".card:visible")).to_have_count(1)
    expect(page.get_by_text("Найдено: 1")).to_be_attached()
    page.get_by_role("button", name="Дракон Евстигней").click()
    expect(page.locator("html[data-closed=yes]")).to_be_attached()
    [(chat_id, update)] = site.told
    assert chat_id == 7 and update["message"]["web_app_data"]["data"].startswith("character:")


def test_nobody_found_offers_to_invent_one(opens: Opens) -> None:
    page = opens()
    page.get_by_label("Найти персонажа").fill("жираф")
    expect(page.get_by_text("Никого похожего")).to_be_visible()
    expect(page.get_by_role("button", name="Придумать своего")).to_be_visible()


def test_who_is_on_is_marked(opens: Opens, site: Site) -> None:
    cat = site.db.characters.offered(7, "ru")[0]
    site.db.characters.choose(7, cat.id)
    page = opens()
    expect(page.locator("li.on")).to_contain_text(cat.name)
    expect(page.locator("li.on")).to_contain_text("Сейчас отвечает")


def test_an_own_character_is_made_with_a_picture_changed_and_deleted(opens: Opens, site: Site, tmp_path: Path) -> None:
    page = opens()
    page.get_by_role("button", name="Придумать своего").click()
    form = page.get_by_role("dialog", name="Новый персонаж")
    expect(form.get_by_label("Имя")).to_be_focused()
    form.get_by_role("button", name="Сохранить").click()
    expect(form.locator("#fault-name")).to_have_text("Заполните это поле.")
    expect(form.get_by_label("Имя")).to_have_attribute("aria-invalid", "true")
    look(page, "form-fault")
    form.get_by_label("Имя").fill("Пёс Трезор")
    form.get_by_label("Одной строкой").fill("Верит всем, даже почтальону")
    form.get_by_label("Первые слова").fill("Гав! Ты вернулся! Где был?")
    form.get_by_label("Характер").fill("Ты пёс Трезор.")
    file = tmp_path / "dog.png"
    file.write_bytes(picture("PNG", (900, 600)))
    form.get_by_label("Выбрать картинку").set_input_files(file)
    expect(form.locator(".face img")).to_be_visible()
    look(page, "form")
    assert fits(page)
    form.get_by_role("button", name="Сохранить").click()
    expect(form).to_be_hidden()
    card = page.locator("#own li")
    expect(card).to_contain_text("Пёс Трезор")
    expect(card.locator(".face img")).to_be_visible()
    look(page, "own")
    page.get_by_role("button", name="Изменить: Пёс Трезор").click()
    form = page.get_by_role("dialog", name="Ваш персонаж")
    expect(form.get_by_label("Характер")).to_have_value("Ты пёс Трезор.")
    form.get_by_label("Одной строкой").fill("Больше не верит")
    form.get_by_role("button", name="Убрать картинку").click()
    form.get_by_role("button", name="Сохранить").click()
    expect(card).to_contain_text("Больше не верит")
    expect(card.locator(".face img")).to_have_count(0)
    page.get_by_role("button", name="Изменить: Пёс Трезор").click()
    page.get_by_role("button", name="Удалить").click()
    expect(page.get_by_role("button", name="Оставить")).to_be_focused()
    look(page, "sure")
    page.get_by_role("group", name="Удалить навсегда").get_by_role("button", name="Удалить").click()
    expect(page.locator("#own")).to_be_hidden()
    assert site.db.characters.count_of(7) == 0


def test_a_file_that_is_no_picture_is_told_beside_it(opens: Opens, tmp_path: Path) -> None:
    page = opens()
    page.get_by_role("button", name="Придумать своего").click()
    file = tmp_path / "dog.png"
    file.write_bytes(b"nonsense")
    page.get_by_label("Выбрать картинку").set_input_files(file)
    expect(page.locator("#fault-picture")).to_contain_text("не открыть")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_what_is_written_is_not_lost_by_a_slip(opens: Opens) -> None:
    page = opens()
    page.get_by_role("button", name="Придумать своего").click()
    form = page.get_by_role("dialog", name="Новый персонаж")
    expect(form.get_by_label("Имя")).to_be_focused()
    page.evaluate("goBack()")
    expect(form).to_be_hidden()  # nothing is written yet
    page.get_by_role("button", name="Придумать своего").click()
    form.get_by_label("Имя").fill("Пёс Трезор")
    expect(page.locator("html[data-confirms=yes]")).to_be_attached()
    for leave in ("goBack()", "document.querySelector('#form .shut').click()"):
        page.evaluate(leave)
        expect(form.get_by_role("group", name="Закрыть без сохранения?")).to_be_visible()
        expect(form.get_by_role("button", name="Писать дальше")).to_be_focused()
        look(page, "unsaved")
        form.get_by_role("button", name="Писать дальше").click()
        expect(form.get_by_label("Имя")).to_have_value("Пёс Трезор")
    page.keyboard.press("Escape")
    form.get_by_role("button", name="Не сохранять").click()
    expect(form).to_be_hidden()
    expect(page.locator("html[data-confirms=no]")).to_be_attached()


def test_the_focus_comes_back_from_the_form(opens: Opens, site: Site) -> None:
    site.db.characters.add(7, "ru", Persona("Пёс", "Верит всем", "Гав!", "Ты пёс."), 1)
    page = opens()
    change = page.get_by_role("button", name="Изменить: Пёс")
    change.click()
    page.get_by_label("Одной строкой").fill("Не верит")
    page.get_by_role("button", name="Сохранить").click()
    expect(page.locator("#own")).to_contain_text("Не верит")
    expect(change).to_be_focused()
    change.click()
    page.locator("#delete").click()
    page.locator("#really").click()
    expect(page.locator("#own")).to_be_hidden()
    expect(page.get_by_role("button", name="Придумать своего")).to_be_focused()


# ---------------------------------------------------------------------- stories and usage


def test_a_shelf_that_is_asked_for_twice_is_shown_once(opens: Opens, site: Site) -> None:
    site.story()
    page = opens()
    expect(page.locator(".card").first).to_be_visible()
    page.evaluate("() => { const tab = document.getElementById('tab-stories'); tab.click(); tab.click(); }")
    page.wait_for_load_state("networkidle")
    expect(page.locator(".story")).to_have_count(1)


def test_a_story_is_read_as_a_book_and_ordered_as_a_file(opens: Opens, site: Site) -> None:
    text = "\n\n".join(["Жил-был на краю света маяк, и никто не помнил, кто его зажигает."] * 12)
    number = site.story(title="Маяк на краю света", text=text)
    page = opens()
    page.get_by_role("tab", name="Истории").click()
    expect(page.locator(".story")).to_contain_text("1 часть")
    look(page, "stories")
    page.get_by_role("button", name="Маяк на краю света").click()
    book = page.get_by_role("dialog", name="Маяк на краю света")
    expect(book.locator(".text p")).to_have_count(12)
    look(page, "book")
    assert fits(page)
    book.get_by_role("button", name="Прислать FB2").click()
    expect(book.get_by_text("FB2 придёт в чат")).to_be_visible()
    assert site.told[0][1]["message"]["web_app_data"]["data"] == f"fb2:{number}"
    book.get_by_role("button", name="Закрыть").click()
    expect(book).to_be_hidden()


def test_an_empty_shelf_says_where_to_begin(opens: Opens) -> None:
    page = opens()
    page.get_by_role("tab", name="Истории").click()
    expect(page.get_by_text("Историй пока нет")).to_be_visible()


def test_usage_is_a_picture_to_see_and_a_table_to_read(opens: Opens, site: Site) -> None:
    session_id = site.story()
    for days in range(0, 25, 2):
        site.tables.add_settled_call(7, 300 + (days * 731) % 1900, days_ago=days, session_id=session_id)
    page = opens()
    page.get_by_role("tab", name="Расход").click()
    expect(page.locator(".bars span")).to_have_count(30)
    assert "Токены по дням за 30 дней" in (page.locator(".bars").get_attribute("aria-label") or "")
    expect(page.locator("#left")).to_have_text("30 000")
    page.get_by_text("Показать таблицей").click()
    expect(page.get_by_role("row")).to_have_count(14)
    look(page, "usage")
    assert fits(page)


# ---------------------------------------------------------------------- for everybody


def test_the_keyboard_alone_is_enough(opens: Opens, site: Site) -> None:
    page = opens()
    expect(page.locator(".card").first).to_be_visible()
    page.get_by_role("tab", name="Персонажи").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Истории")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Истории")).to_be_visible()
    page.keyboard.press("End")
    expect(page.get_by_role("tabpanel", name="Расход")).to_be_visible()
    page.keyboard.press("Home")
    page.locator(".card").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("html[data-closed=yes]")).to_be_attached()
    assert len(site.told) == 1


CONTRAST = """() => {
  const rgb = (colour) => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (colour) => {
    const [r, g, b] = rgb(colour).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (rgb(colour)[3] === 255) return colour;
    }
    return "#fff";
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.closest("[aria-hidden=true], .unseen, noscript")) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${element.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_can_be_read_and_every_button_be_hit(scheme: str, opens: Opens, site: Site) -> None:
    site.story()
    site.db.characters.choose(7, site.db.characters.offered(7, "ru")[0].id)
    page = opens(scheme=scheme)
    expect(page.locator(".badge")).to_be_visible()
    assert page.evaluate(CONTRAST) == []
    small = "[...document.querySelectorAll('button')].filter((b) => b.checkVisibility() && b.offsetHeight < 44)"
    assert page.evaluate(f"{small}.length") == 0
    page.get_by_role("tab", name="Расход").click()
    expect(page.locator("#left")).not_to_be_empty()
    assert page.evaluate(CONTRAST) == []
    page.get_by_role("tab", name="Истории").click()
    page.get_by_role("button", name="Маяк").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate(CONTRAST) == []
    page.get_by_role("button", name="Закрыть").click()
    page.get_by_role("tab", name="Персонажи").click()
    page.get_by_role("button", name="Придумать своего").click()
    page.get_by_role("button", name="Сохранить").click()
    expect(page.locator("#fault-name")).not_to_be_empty()
    look(page, f"form-{scheme}")
    assert page.evaluate(CONTRAST) == []


def test_the_page_speaks_the_users_language_whatever_the_browsers_is(opens: Opens, site: Site) -> None:
    site.register(9, "en")
    page = opens(site.page(init_data({"id": 9, "first_name": "Ann"})))
    expect(page.get_by_role("tab", name="Characters")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("button", name="Panteley the Clerk Cat")).to_be_visible()
    look(page, "english")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (init_data(token="123456:AAE-the-token-of-another-bot"), "не подтвердил, что это вы"),
        (init_data(age_s=90_000), "открыта слишком давно"),
        (init_data({"id": 99, "first_name": "Кто-то"}), "Мы ещё не знакомы"),
        ("", "Эту страницу открывает кнопка"),
    ],
    ids=["forged", "stale", "stranger", "reply keyboard"],
)
def test_who_may_not_come_in_reads_why(data: str, sentence: str, opens: Opens, site: Site) -> None:
    page = opens(site.page(data))
    expect(page.get_by_role("alert").first).to_contain_text(sentence)
    expect(page.locator("#page")).to_be_hidden()


def test_a_script_that_cannot_load_is_said_and_tried_again(browser: Browser, site: Site) -> None:
    with browser.new_context(viewport={"width": 360, "height": 700}, locale="ru-RU") as context:
        context.route(SCRIPT, lambda route: route.abort())
        page = context.new_page()
        page.goto(site.page())
        expect(page.get_by_role("alert").first).to_contain_text("Не получилось загрузить скрипт Telegram")
        look(page, "no-script")
        context.unroute(SCRIPT)
        context.route(SCRIPT, lambda route: route.fulfill(content_type="text/javascript", body=NOBODYS_SCRIPT))
        page.get_by_role("button", name="Повторить").click()
        expect(page.get_by_role("button", name="Баба-яга на пенсии")).to_be_visible()


def test_a_server_that_is_away_is_told_and_nothing_breaks(opens: Opens, site: Site) -> None:
    page = opens()
    expect(page.locator(".card").first).to_be_visible()
    page.route("**/api/**", lambda route: route.abort())
    page.locator(".card").first.click()
    expect(page.get_by_text("Сервер не отвечает")).to_be_visible()
    assert site.told == []


def test_a_server_that_is_silent_is_given_up(opens: Opens, site: Site) -> None:
    page = opens()
    expect(page.locator(".card").first).to_be_visible()
    page.clock.install()
    page.route("**/choose", lambda route: None)
    page.locator(".card").first.click()
    expect(page.get_by_text("Зову: Кот-писарь Пантелей")).to_be_visible()
    page.clock.fast_forward(31_000)
    expect(page.get_by_text("Сервер не отвечает")).to_be_visible()


def test_from_the_page_into_the_chat_with_the_real_bot(
    browser: Browser, make_harness: Callable[..., BotHarness]
) -> None:
    """Choose, greet, talk, create one's own, talk to it, read a story: the whole way."""
    harness = make_harness(WEBAPP_URL="http://127.0.0.1:8080", WEBAPP_PORT=0, WEBAPP_SCRIPT_URL=SCRIPT)
    app = harness.start()
    person = harness.writer(words="Жил-был на краю света маяк.")
    assert app.page is not None
    with browser.new_context(viewport={"width": 360, "height": 700}, locale="ru-RU") as context:
        context.route(SCRIPT, lambda route: route.fulfill(content_type="text/javascript", body=NOBODYS_SCRIPT))
        page = context.new_page()
        here = f"http://127.0.0.1:{app.page.port}"
        person.send("/characters")
        person.wait("С кем поговорим")
        address = person.tap("🎭 Открыть персонажей").url.replace("http://127.0.0.1:8080", here)
        page.goto(address)
        page.get_by_role("button", name="Сократ").click()
        person.wait("🎭 Отвечает Сократ")
        person.wait("Радуйся!")
        harness.says("А что такое добро?")
        person.send("Я добрый.")
        person.wait("А что такое добро?")
        page.goto("about:blank")
        page.goto(address)
        expect(page.locator("li.on")).to_contain_text("Сократ")
        page.get_by_role("button", name="Придумать своего").click()
        for label, text in (
            ("Имя", "Пёс Трезор"),
            ("Одной строкой", "Верит всем"),
            ("Первые слова", "Гав! Ты вернулся!"),
            ("Характер", "Ты пёс Трезор."),
        ):
            page.get_by_label(label).fill(text)
        page.get_by_role("button", name="Сохранить").click()
        page.get_by_role("button", name="Пёс Трезор Верит всем").click()
        person.wait("Гав! Ты вернулся!")
        harness.says("Гав!")
        person.send("Сидеть")
        person.wait(lambda message: message.text == "Гав!")
        assert "Ты пёс Трезор." in harness.prompts()[-1][0]["text"]
        page.get_by_role("tab", name="Истории").click()
        page.locator(".story").click()
        expect(page.get_by_role("dialog")).to_contain_text("Жил-был на краю света маяк.")
        page.get_by_role("button", name="Прислать TXT").click()
        person.wait(lambda message: message.attachment is not None)
