"""The chat page in a real browser, with a small scripted bot behind the stand-in of Telegram."""

from __future__ import annotations

import re

import requests
from playwright.sync_api import Browser, Page, expect

from sandbox.page_api import STATIC
from sandbox.telegram import TelegramServer
from tests.page_fixtures import (
    NOTICE,
    ScriptedBot,
    bot,
    needs_chromium,
    page,
    phone,
    server,
    started,
)

__all__ = ["bot", "page", "phone", "server"]

pytestmark = needs_chromium


def test_an_unstarted_chat_shows_the_description_and_a_start_button(page: Page) -> None:
    expect(page.get_by_text("Пишу истории вместе с вами")).to_be_visible()
    expect(page.locator("#notice")).to_have_text(NOTICE)
    expect(page.get_by_label("Сообщение", exact=True)).to_be_hidden()
    started(page)
    expect(page.locator(".message.theirs strong")).to_have_text("Здравствуйте!")


def test_a_reply_keyboard_sends_its_label_and_gives_the_placeholder(page: Page) -> None:
    started(page)
    assert page.get_by_label("Сообщение", exact=True).get_attribute("placeholder") == "Нажмите или напишите"
    page.get_by_role("button", name="❓ Помощь").click()
    expect(page.locator(".message.theirs").last).to_contain_text("Эхо: ❓ Помощь")
    page.get_by_role("button", name="Кнопки бота").click()
    expect(page.locator(".keyboard")).to_be_hidden()


def test_an_inline_button_edits_its_message_and_shows_the_answer(page: Page) -> None:
    started(page)
    page.get_by_role("button", name="📖 Новая история").click()
    page.get_by_role("button", name="Сказка").click()
    expect(page.get_by_role("status").filter(has_text="Выбрано")).to_be_visible()
    expect(page.locator(".message.theirs").last).to_contain_text("Вы выбрали Сказка")
    expect(page.locator(".message.theirs").last).to_contain_text("изменено")
    expect(page.get_by_role("button", name="Ужасы")).to_have_count(0)


def test_a_draft_grows_and_its_stop_button_stops_it(page: Page, bot: ScriptedBot) -> None:
    started(page)
    page.get_by_role("button", name="✍️ Пиши").click()
    draft = page.locator(".draft .text")
    expect(draft).to_have_text("Думает…")
    for text in ("Жил-был", "Жил-был кот и ловил"):
        address = f"{bot.server.url}/bot{bot.server.token}/sendMessageDraft"
        requests.post(address, json={"chat_id": 1, "draft_id": 1, "text": text, "can_stop": True}, timeout=10)
        expect(draft).to_have_text(text)
    page.get_by_role("button", name="Остановить").click()
    expect(page.locator(".message.theirs").last).to_contain_text("Остановлено")
    expect(page.locator(".draft")).to_be_hidden()


def test_words_commands_and_own_edits_reach_the_bot(page: Page, server: TelegramServer) -> None:
    started(page)
    words = page.get_by_label("Сообщение", exact=True)
    words.fill("Жил-был <b>кот</b>")
    words.press("Enter")
    expect(page.locator(".message.theirs").last).to_contain_text("Эхо: Жил-был <b>кот</b>")
    words.press("ArrowUp")
    words.fill("Жил-был кит")
    words.press("Enter")
    expect(page.locator(".message.mine").last).to_contain_text("Жил-был кит")
    words.fill("/n")
    page.get_by_role("option", name="/new_story").click()
    expect(page.locator(".message.theirs").last).to_contain_text("Эхо: /new_story")
    assert [message.text for message in server.user(1).messages if message.edited] == ["Жил-был кит"]


def test_two_users_stand_side_by_side_and_do_not_mix(page: Page) -> None:
    started(page)
    page.get_by_role("button", name="пользователь").click()
    expect(page.locator(".chat")).to_have_count(2)
    boris = page.get_by_role("region", name="Чат: Борис")
    boris.get_by_role("button", name="Начать").click()
    expect(boris.locator(".message.theirs")).to_have_count(1)
    boris.get_by_label("Сообщение", exact=True).fill("только Борис")
    boris.get_by_role("button", name="Отправить").click()
    expect(boris.locator(".message.theirs").last).to_contain_text("Эхо: только Борис")
    expect(page.get_by_role("region", name="Чат: Анна").locator(".message")).to_have_count(2)


def test_messages_of_a_hidden_chat_are_counted_on_its_chip(phone: Page, server: TelegramServer) -> None:
    started(phone)
    server.user(2, "Борис").send("/start")
    expect(phone.locator(".chip[data-chat='2'] b")).to_have_text("1")
    phone.locator(".chip[data-chat='2']").click()
    expect(phone.get_by_role("region", name="Чат: Борис").locator(".message")).to_have_count(2)


def test_nothing_sticks_out_at_360_pixels(phone: Page, bot: ScriptedBot, server: TelegramServer) -> None:
    started(phone)
    phone.get_by_role("button", name="📖 Новая история").click()
    expect(phone.locator(".message.theirs").last).to_contain_text("Жанр?")
    server.user(1).send("Одно" + "о" * 200 + "чень длинное слово")
    expect(phone.locator(".message.theirs").last).to_contain_text("длинное слово")
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    assert phone.evaluate(
        "document.querySelector('.scroll').scrollWidth <= document.querySelector('.scroll').clientWidth"
    )


def test_deleted_messages_files_and_a_block_show_at_once(page: Page, bot: ScriptedBot, server: TelegramServer) -> None:
    started(page)
    address = f"{server.url}/bot{server.token}"
    document = {"document": ("Маяк.txt", "Жил-был".encode())}
    requests.post(f"{address}/sendDocument", data={"chat_id": 1}, files=document, timeout=10)
    with page.expect_download() as download:
        page.get_by_text("Маяк.txt").click()
    assert download.value.suggested_filename == "Маяк.txt"
    message_id = server.user(1).last.id
    requests.post(f"{address}/deleteMessage", json={"chat_id": 1, "message_id": message_id}, timeout=10)
    expect(page.get_by_text("Маяк.txt")).to_have_count(0)
    page.get_by_role("button", name="Ещё", exact=True).click()
    page.get_by_role("menuitem", name="Заблокировать бота").click()
    page.get_by_role("button", name="Разблокировать").click()
    expect(page.get_by_label("Сообщение", exact=True)).to_be_visible()


def test_the_page_shows_the_conversation_again_after_a_reload(page: Page) -> None:
    started(page)
    page.reload()
    expect(page.locator(".message")).to_have_count(2)
    expect(page.get_by_role("button", name="📖 Новая история")).to_be_visible()


def test_a_foreign_site_cannot_post_to_the_page(server: TelegramServer) -> None:
    answer = requests.post(f"{server.url}/page/send", data='{"user": 1, "text": "x"}', timeout=5)
    assert answer.status_code == 415
    assert requests.post(f"{server.url}/page/file", data={"user": "1"}, timeout=5).status_code == 400
    assert requests.get(f"{server.url}/page/..%2fpage_api.py", timeout=5).status_code == 404


def test_a_block_of_code_brings_no_empty_lines_of_its_own(page: Page, bot: ScriptedBot) -> None:
    started(page)
    entities = [{"type": "pre", "offset": 7, "length": 4, "language": "python"}]
    bot.call("sendMessage", chat_id=1, text="Пример\ncode\nГотово", entities=entities)
    expect(page.locator(".message.theirs pre")).to_have_text("code")
    shown = page.locator(".message.theirs .text").last.evaluate(
        "(node) => [...node.childNodes].map((c) => c.textContent)"
    )
    assert shown[:3] == ["Пример", "code", "Готово"]


def test_the_page_speaks_both_languages(browser: Browser, server: TelegramServer, bot: ScriptedBot) -> None:
    server.user(3, "Emma", "emma", "en")
    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        page.goto(server.url)
        expect(page.locator(".chat")).to_have_attribute("data-chat", "3")  # an English page begins with who is English
        expect(page.locator(".chat .start")).to_have_text("Start")
        assert _cyrillic_on(page) == []
        page.get_by_role("button", name="Page in English").click()
        expect(page.locator(".chat .start")).to_have_text("Начать")
        expect(page.locator("html")).to_have_attribute("lang", "ru")


def _cyrillic_on(page: Page) -> list[str]:
    """Return what an English page says in Russian: texts and labels, but for names and what the bot itself has said."""
    said: list[str] = page.evaluate(
        """[...document.querySelectorAll('body *')]
            .filter((node) => !node.closest('.people, .language, .messages, .avatar, .welcome p, .name, noscript'))
            .flatMap((node) => [...node.childNodes].filter(({ nodeType }) => nodeType === 3).map(({ data }) => data)
                .concat(['aria-label', 'title', 'placeholder'].map((name) => node.getAttribute(name) || '')))"""
    )
    return [text for text in said if any("а" <= letter <= "я" for letter in text.lower())]


def test_the_page_has_every_text_in_both_languages() -> None:
    text = (STATIC / "texts.js").read_text("utf-8")
    russian, _, english = text.partition("\n  en: {")
    keys = [re.findall(r"^    (\w+): ", part, re.M) for part in (russian, english)]
    assert keys[0] == keys[1] and len(keys[0]) > 50
    used = {
        key
        for file in STATIC.iterdir()
        for key in re.findall(r'\bt\("(\w+)"|data-t(?:-\w+)?="(\w+)"', file.read_text("utf-8"))
    }
    assert {one or other for one, other in used} <= set(keys[0])


def test_a_chat_stays_at_its_end_when_a_picture_loads_and_leaves_it_when_scrolled_up(page: Page) -> None:
    started(page)
    grow = """(scroll) => {
        const box = document.createElement("li");
        box.style.cssText = "display:block;height:1500px;flex:none";
        scroll.querySelector(".messages").append(box);
        scroll.dispatchEvent(new Event("scroll"));
    }"""
    rest = "(scroll) => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight"
    scroll = page.locator(".scroll").first
    scroll.evaluate(grow)
    page.wait_for_function(f"() => ({rest})(document.querySelector('.scroll')) < 2")
    scroll.hover()
    page.mouse.wheel(0, -600)
    page.wait_for_function(f"() => ({rest})(document.querySelector('.scroll')) > 400")
    scroll.evaluate(grow)
    page.wait_for_function(f"() => ({rest})(document.querySelector('.scroll')) > 1900")
