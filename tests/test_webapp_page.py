"""The Web App's page in a real browser, at the width of a narrow phone: characters, stories and usage."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from conversation.personas import Persona
from tests.page_fixtures import needs_chromium
from tests.webapp_fixtures import picture
from tests.webapp_page_fixtures import Opens, fits, look, opens, site
from tests.webapp_site import Site

__all__ = ["opens", "site"]


pytestmark = needs_chromium


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


NEWER_CLIENT = """async () => {
  const { offerWindow } = await import("/page/window.js");
  const { say } = await import("/page/words.js");
  const heard = {};
  const app = {
    isFullscreen: false,
    isVersionAtLeast: (version) => version === "8.0",
    onEvent: (name, listener) => { heard[name] = listener; },
    requestFullscreen() { app.isFullscreen = true; heard.fullscreenChanged(); },
    exitFullscreen() { app.isFullscreen = false; heard.fullscreenChanged(); },
    addToHomeScreen() { heard.homeScreenAdded(); },
    checkHomeScreenStatus(tell) { tell("missed"); },
  };
  offerWindow(app, { full: document.getElementById("full-screen"), home: document.getElementById("home-screen") }, say);
}"""


def test_full_screen_and_the_home_screen_are_offered_where_telegram_has_them(opens: Opens) -> None:
    page = opens()
    expect(page.get_by_role("button", name="Баба-яга на пенсии")).to_be_visible()
    expect(page.locator("#full-screen, #home-screen").filter(visible=True)).to_have_count(0)  # an older client
    page.evaluate(NEWER_CLIENT)
    page.get_by_role("button", name="На весь экран").click()
    expect(page.locator("html.full")).to_be_attached()
    page.get_by_role("button", name="Обычный размер").click()
    expect(page.locator("html.full")).to_have_count(0)
    page.get_by_role("button", name="На главный экран").click()
    expect(page.locator("#home-screen")).to_be_hidden()


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
    page.locator("#form [data-does=delete]").click()
    page.locator("#form [data-does=really]").click()
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
