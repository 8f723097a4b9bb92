"""The Web App's page for everybody: the keyboard, contrast, languages, a server that is away, the way into the chat."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.harness import BotHarness
from tests.page_fixtures import needs_chromium
from tests.webapp_page_fixtures import NOBODYS_SCRIPT, Opens, look, opens, site
from tests.webapp_site import SCRIPT, Site, init_data

__all__ = ["opens", "site"]


pytestmark = needs_chromium


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


OUTSIDE = """() => [...document.querySelectorAll("body *")]
  .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .filter((one) => one.checkVisibility() && !one.closest("main, nav, dialog, [role=status], [role=alert], noscript"))
  .map((one) => one.textContent.trim())"""


def test_everything_on_the_page_stands_in_a_landmark(opens: Opens) -> None:
    page = opens()
    expect(page.locator(".card").first).to_be_visible()
    assert page.get_by_role("navigation").get_by_role("tab").count() == 3
    assert page.evaluate(OUTSIDE) == []


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
        (init_data(age_s=-3600), "Часы у бота отстают"),
        (init_data({"id": 99, "first_name": "Кто-то"}), "Мы ещё не знакомы"),
        ("", "Эту страницу открывает кнопка"),
    ],
    ids=["forged", "stale", "from the future", "stranger", "reply keyboard"],
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
            page.get_by_role("dialog").get_by_label(label).fill(text)
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
