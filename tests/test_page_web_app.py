"""A Web App on the chat page: opened by every kind of button, with signed init data, themed, closed, and heard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import FrameLocator, Page, expect
from telebot.util import validate_web_app_data

from sandbox.http_wire import HttpRequest, HttpResponse, HttpServer
from sandbox.telegram import TelegramServer
from tests.harness import until
from tests.page_fixtures import ScriptedBot, bot, needs_chromium, page, phone, server, started

__all__ = ["bot", "page", "phone", "server"]

pytestmark = needs_chromium

APP = """<!doctype html><meta charset="utf-8"><body>
<p id="out"></p><p id="who"></p>
<script src="%s/js/telegram-web-app.js"></script>
<script>
  const app = window.Telegram.WebApp;
  const out = (text) => { document.getElementById("out").textContent = text; };
  document.getElementById("who").textContent = app.initDataUnsafe.user?.first_name || "nobody";
  document.body.style.background = "var(--tg-theme-bg-color)";
  app.MainButton.setText("Готово").onClick(() => out("main pressed")).show();
  app.BackButton.onClick(() => { out("back pressed"); app.BackButton.hide(); }).show();
  app.onEvent("themeChanged", () => out(app.colorScheme));
  app.HapticFeedback.impactOccurred("light");
  app.ready();
  app.expand();
</script>"""


@pytest.fixture
def app(server: TelegramServer) -> Iterator[str]:
    """Return the address of a small Web App."""

    def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, (APP % server.url).encode(), "text/html")

    with HttpServer(answer) as running:
        yield f"{running.url}/"


def opened_inline(page: Page, bot: ScriptedBot, app: str) -> FrameLocator:
    started(page)
    markup = {"inline_keyboard": [[{"text": "Открыть", "web_app": {"url": app}}]]}
    bot.call("sendMessage", chat_id=1, text="Вот оно", reply_markup=markup)
    page.get_by_role("button", name="Открыть").click()
    frame = page.frame_locator(".sheet iframe")
    expect(frame.locator("#who")).to_have_text("Анна")
    return frame


def inside(page: Page, script: str) -> object:
    """Return what the script yields in the Web App."""
    return page.frames[-1].evaluate(script)


def test_an_inline_button_opens_it_with_signed_init_data(page: Page, bot: ScriptedBot, app: str) -> None:
    opened_inline(page, bot, app)
    data = str(inside(page, "Telegram.WebApp.initData"))
    assert validate_web_app_data(bot.server.token, data)
    assert not validate_web_app_data(bot.server.token, data.replace("auth_date=1", "auth_date=2"))
    assert inside(page, "Telegram.WebApp.initDataUnsafe.auth_date > 1e9") is True
    assert inside(page, "['6.0', '9.1', '9.2', '10'].map((version) => Telegram.WebApp.isVersionAtLeast(version))") == [
        True, True, False, False,
    ]  # fmt: skip


def test_the_menu_button_opens_it_too_and_closing_leads_back(page: Page, bot: ScriptedBot, app: str) -> None:
    started(page)
    bot.call("setChatMenuButton", menu_button={"type": "web_app", "text": "Персонажи", "web_app": {"url": app}})
    page.get_by_role("button", name="Персонажи").click()
    expect(page.frame_locator(".sheet iframe").locator("#who")).to_have_text("Анна")
    inside(page, "Telegram.WebApp.close()")
    expect(page.locator(".sheet")).to_be_hidden()


def test_main_and_back_buttons_are_drawn_around_it_and_heard_in_it(page: Page, bot: ScriptedBot, app: str) -> None:
    frame = opened_inline(page, bot, app)
    page.get_by_role("button", name="Готово").click()
    expect(frame.locator("#out")).to_have_text("main pressed")
    inside(page, "Telegram.WebApp.MainButton.disable()")
    expect(page.get_by_role("button", name="Готово")).to_be_disabled()
    inside(page, "Telegram.WebApp.MainButton.hide()")
    expect(page.get_by_role("button", name="Готово")).to_have_count(0)
    page.get_by_role("button", name="Назад", exact=True).click()
    expect(frame.locator("#out")).to_have_text("back pressed")
    expect(page.get_by_role("button", name="Назад", exact=True)).to_be_hidden()


def test_it_takes_over_the_theme_also_when_it_changes(page: Page, bot: ScriptedBot, app: str) -> None:
    frame = opened_inline(page, bot, app)
    background = "getComputedStyle(document.body).backgroundColor"
    assert (inside(page, "Telegram.WebApp.colorScheme"), inside(page, background)) == ("light", "rgb(255, 255, 255)")
    page.get_by_role("button", name="Светлая или тёмная тема").click()
    expect(frame.locator("#out")).to_have_text("dark")
    assert inside(page, background) == "rgb(33, 33, 33)"
    assert inside(page, "Telegram.WebApp.viewportHeight === innerHeight") is True


def test_alerts_and_confirmations_are_asked_by_the_page(page: Page, bot: ScriptedBot, app: str) -> None:
    frame = opened_inline(page, bot, app)
    inside(page, "Telegram.WebApp.showConfirm('Удалить героя?', (sure) => out(String(sure)))")
    expect(page.locator("#question")).to_contain_text("Удалить героя?")
    page.get_by_role("button", name="Хорошо").click()
    expect(frame.locator("#out")).to_have_text("true")
    inside(page, "Telegram.WebApp.showConfirm('Ещё раз?', (sure) => out(String(sure)))")
    page.get_by_role("button", name="Отмена").click()
    expect(frame.locator("#out")).to_have_text("false")
    inside(page, "Telegram.WebApp.showAlert('Готово!', () => out('seen'))")
    page.locator("#question").get_by_role("button", name="Закрыть").click()
    expect(frame.locator("#out")).to_have_text("seen")


def test_it_fills_the_screen_and_goes_to_the_home_screen(page: Page, bot: ScriptedBot, app: str) -> None:
    frame = opened_inline(page, bot, app)
    inside(page, "Telegram.WebApp.onEvent('fullscreenChanged', () => out(String(Telegram.WebApp.isFullscreen)))")
    inside(page, "Telegram.WebApp.requestFullscreen()")
    expect(frame.locator("#out")).to_have_text("true")
    expect(page.locator(".sheet.full")).to_be_visible()
    inside(page, "Telegram.WebApp.exitFullscreen()")
    expect(frame.locator("#out")).to_have_text("false")
    inside(page, "Telegram.WebApp.onEvent('homeScreenAdded', () => Telegram.WebApp.checkHomeScreenStatus(out))")
    inside(page, "Telegram.WebApp.addToHomeScreen()")
    expect(frame.locator("#out")).to_have_text("added")


def test_closing_is_confirmed_where_it_was_asked_for(page: Page, bot: ScriptedBot, app: str) -> None:
    opened_inline(page, bot, app)
    inside(page, "Telegram.WebApp.enableClosingConfirmation()")
    page.get_by_role("button", name="Закрыть приложение").click()
    page.get_by_role("button", name="Остаться").click()
    expect(page.locator(".sheet")).to_be_visible()
    page.get_by_role("button", name="Закрыть приложение").click()
    page.locator("#question").get_by_role("button", name="Закрыть").click()
    expect(page.locator(".sheet")).to_be_hidden()


def test_a_link_to_the_bot_closes_it_and_goes_to_the_chat(page: Page, bot: ScriptedBot, app: str) -> None:
    opened_inline(page, bot, app)
    inside(page, "Telegram.WebApp.openTelegramLink('https://t.me/soavtor_demo_bot?start=new')")
    expect(page.locator(".sheet")).to_be_hidden()
    expect(page.locator(".message.mine").last).to_contain_text("/start new")


def test_a_reply_keyboards_one_has_no_init_data_and_may_send_data(page: Page, bot: ScriptedBot, app: str) -> None:
    started(page)
    markup = {"keyboard": [[{"text": "Выбрать", "web_app": {"url": app}}]]}
    bot.call("sendMessage", chat_id=1, text="Снизу", reply_markup=markup)
    page.get_by_role("button", name="Выбрать").click()
    expect(page.frame_locator(".sheet iframe").locator("#who")).to_have_text("nobody")
    assert inside(page, "Telegram.WebApp.initData") == ""
    inside(page, "Telegram.WebApp.sendData('кот')")
    expect(page.locator(".service")).to_contain_text("Выбрать")
    sent = until(lambda: bot.messages[-1].get("web_app_data"))
    assert sent == {"button_text": "Выбрать", "data": "кот"}


def test_it_fits_a_phone(phone: Page, bot: ScriptedBot, app: str) -> None:
    opened_inline(phone, bot, app)
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    assert inside(phone, "innerWidth") == 360
    assert 480 < int(str(inside(phone, "innerHeight"))) < 700
