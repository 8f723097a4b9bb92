"""Several people on the chat page: groups, who writes in them, replies, voice messages, two languages, the theme."""

from __future__ import annotations

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

from sandbox.recording import record, words_in
from sandbox.telegram import TelegramServer
from tests.page_fixtures import NOTICE, ScriptedBot, bot, needs_chromium, opened, page, phone, server, started

__all__ = ["bot", "page", "phone", "server"]

pytestmark = needs_chromium


def group_of(page: Page, server: TelegramServer) -> Locator:
    """Return a group of Anna and Emma, made on the page."""
    server.user(2, "Emma", language_code="en")
    page.get_by_role("button", name="группа").click()
    page.get_by_label("Название").fill("Клуб")
    page.get_by_role("button", name="Создать").click()
    made = page.get_by_role("region", name="Группа: Клуб")
    expect(made.locator(".service")).to_be_visible()
    return made


def say(chat: Locator, text: str) -> None:
    chat.get_by_role("textbox").fill(text)
    chat.get_by_role("textbox").press("Enter")


def test_a_member_is_chosen_and_what_isnt_meant_for_the_bot_stays_private(page: Page, server: TelegramServer) -> None:
    club = group_of(page, server)
    expect(club.locator(".service")).to_contain_text("Анна: в группе теперь Соавтор")
    say(club, "между нами")
    club.get_by_role("radio", name="Emma").click()
    club.get_by_role("button", name="Упомянуть бота").click()
    club.get_by_role("textbox").press_sequentially("hello")
    club.get_by_role("textbox").press("Enter")
    expect(club.locator(".message.theirs").last).to_contain_text("Эхо: @soavtor_demo_bot hello")
    expect(club.locator(".message.mine")).to_have_count(1)
    assert [message.sender_id for message in server.state.chats[-1_001_000_000_001].messages.values()][:3] == [1, 1, 2]
    assert "Эхо: между нами" not in club.inner_text()


def test_a_reply_reaches_the_bot_with_its_message_also_by_a_tap(
    browser: Browser, server: TelegramServer, bot: ScriptedBot
) -> None:
    for touched in opened(browser, server, 360, 700, touch=True):
        started(touched)
        touched.locator(".message.theirs .text").last.tap()
        touched.get_by_role("menuitem", name="Ответить").tap()
        expect(touched.locator(".mode")).to_contain_text("Здравствуйте!")
        say(touched.locator(".chat"), "вот ответ")
        expect(touched.locator(".message.mine").last.locator(".quote")).to_contain_text("Здравствуйте!")
        expect(touched.locator(".message.theirs").last).to_contain_text("Эхо: вот ответ")
    replied = bot.messages[-1]["reply_to_message"]
    assert (replied["text"], replied["from"]["is_bot"]) == ("Здравствуйте!", True)


def test_an_inline_button_is_pressed_by_the_chosen_member(page: Page, server: TelegramServer, bot: ScriptedBot) -> None:
    club = group_of(page, server)
    markup = {"inline_keyboard": [[{"text": "Жму", "callback_data": "go"}]]}
    bot.call("sendMessage", chat_id=-1_001_000_000_001, text="Кто?", reply_markup=markup)
    club.get_by_role("radio", name="Emma").click()
    club.get_by_role("button", name="Жму").click()
    expect(club.locator(".message.theirs").last).to_contain_text("Вы выбрали go")
    expect(club.get_by_role("status").filter(has_text="Выбрано")).to_be_visible()


def test_a_voice_message_carries_the_words_that_were_typed(page: Page, server: TelegramServer) -> None:
    started(page)
    page.get_by_role("button", name="Голосовое сообщение").click()
    page.get_by_label("Что в нём сказано").fill("Пусть герой откроет дверь")
    page.get_by_label("Секунд").fill("40")
    page.get_by_role("button", name="Отправить голосовое").click()
    expect(page.locator(".message.mine audio")).to_have_count(1)
    sent = next(message.attachment for message in server.user(1).messages if message.attachment)
    assert (sent.kind, sent.seconds) == ("voice", 40)
    assert words_in(server.state.files[sent.file_id][1]) == "Пусть герой откроет дверь"


def test_a_browsers_decoder_plays_a_recording_to_order(page: Page, server: TelegramServer) -> None:
    server.user(1).voice(record("раз два три", 10))
    expect(page.locator(".message.mine audio")).to_have_count(1)
    decoded = page.evaluate("""async () => {
        const data = await (await fetch(document.querySelector("audio").src)).arrayBuffer();
        return (await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(data)).duration;
    }""")
    assert decoded == pytest.approx(10, abs=0.2)


def test_a_chosen_ogg_file_goes_out_as_a_voice_message(page: Page, server: TelegramServer) -> None:
    started(page)
    page.locator("input.file").set_input_files("sandbox/voice.ogg")
    expect(page.locator(".message.mine audio")).to_have_count(1)


def test_a_link_to_the_bot_opens_the_private_chat_with_its_payload(
    page: Page, server: TelegramServer, bot: ScriptedBot
) -> None:
    club = group_of(page, server)
    bot.call("sendMessage", chat_id=-1_001_000_000_001, text="Сюда: https://t.me/soavtor_demo_bot?start=new")
    club.get_by_role("link", name="start=new").click()
    expect(page.get_by_role("region", name="Чат: Анна").locator(".message.mine").last).to_contain_text("/start new")


def test_a_user_changes_the_language_of_telegram_and_sees_the_bots_other_profile(
    page: Page, server: TelegramServer, bot: ScriptedBot
) -> None:
    bot.call("setMyDescription", description="I write stories with you", language_code="en")
    page.get_by_role("button", name="Ещё", exact=True).click()
    page.get_by_role("menuitem", name="Telegram in English").click()
    expect(page.get_by_text("I write stories with you")).to_be_visible()
    expect(page.locator(".chip")).to_contain_text("en")
    page.get_by_role("button", name="Начать").click()
    expect(page.locator(".message.theirs")).to_have_count(1)
    assert bot.messages[-1]["from"]["language_code"] == "en"


def test_the_theme_is_changed_and_kept(page: Page) -> None:
    expect(page.locator("#notice")).to_have_text(NOTICE)
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Светлая или тёмная тема").click()
    dark = page.evaluate(background)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert light != dark == page.evaluate(background)


def test_nothing_sticks_out_of_a_group_at_360_pixels(phone: Page, server: TelegramServer) -> None:
    group_of(phone, server)
    expect(phone.get_by_role("radio", name="Emma")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") == 360


def test_an_empty_group_or_a_strangers_message_in_it_is_refused(server: TelegramServer) -> None:
    server.user(2, "Борис")
    http = requests.Session()
    made = http.post(f"{server.url}/page/groups", json={"title": "", "members": [1]}, timeout=5).json()["id"]
    assert made == -1_001_000_000_001
    foreign = {"user": 2, "chat": made, "text": "я не здесь"}
    assert http.post(f"{server.url}/page/send", json=foreign, timeout=5).status_code == 409
    assert http.post(f"{server.url}/page/groups", json={"title": "", "members": []}, timeout=5).status_code == 409
