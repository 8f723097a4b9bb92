"""The chat page in a real browser, with a small scripted bot behind the stand-in of Telegram.

Needs the system's Chromium and is skipped where there is none.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sandbox.telegram import TelegramServer

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NOTICE = "Демо: здесь не Telegram и не нейросеть"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing: the page can't be tried in a browser")


class ScriptedBot(threading.Thread):
    """Answers a few words in a fixed way, over the Bot API."""

    def __init__(self, server: TelegramServer) -> None:
        super().__init__(name="scripted bot", daemon=True)
        self.server = server
        self.http = requests.Session()
        self.http.trust_env = False
        self.stopping = False

    def call(self, method: str, **params: Any) -> Any:
        address = f"{self.server.url}/bot{self.server.token}/{method}"
        return self.http.post(address, json=params, timeout=30).json()["result"]

    def run(self) -> None:
        offset = 0
        while not self.stopping:
            try:
                updates = self.call("getUpdates", offset=offset, timeout=20)
            except (requests.RequestException, KeyError):
                return
            for update in updates:
                offset = update["update_id"] + 1
                self.take(update)

    def take(self, update: dict[str, Any]) -> None:
        if query := update.get("callback_query"):
            chat_id = query["from"]["id"]
            self.call("answerCallbackQuery", callback_query_id=query["id"], text="Выбрано")
            message_id = query["message"]["message_id"]
            self.call("editMessageText", chat_id=chat_id, message_id=message_id, text=f"Вы выбрали {query['data']}")
        elif stopped := update.get("stopped_message_generation"):
            self.call("sendMessage", chat_id=stopped["chat"]["id"], text="Остановлено, написанное сохранено")
        elif message := update.get("message"):
            self.answer(message["chat"]["id"], message.get("text", ""))

    def answer(self, chat_id: int, text: str) -> None:
        if text == "/start":
            keys = [[{"text": "📖 Новая история"}, {"text": "❓ Помощь"}], [{"text": "✍️ Пиши"}]]
            markup = {"keyboard": keys, "is_persistent": True, "input_field_placeholder": "Нажмите или напишите"}
            self.call(
                "sendMessage", chat_id=chat_id, text="<b>Здравствуйте!</b>", parse_mode="HTML", reply_markup=markup
            )
        elif text == "📖 Новая история":
            row = [{"text": name, "callback_data": name} for name in ("Сказка", "Ужасы")]
            self.call("sendMessage", chat_id=chat_id, text="Жанр?", reply_markup={"inline_keyboard": [row]})
        elif text == "✍️ Пиши":
            self.call("sendMessageDraft", chat_id=chat_id, draft_id=1, text="", can_stop=True)
        else:
            self.call("sendMessage", chat_id=chat_id, text=f"Эхо: {text}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    with TelegramServer(notice=NOTICE) as running:
        running.user(1, "Анна")
        yield running
        assert running.violations == []


@pytest.fixture
def bot(server: TelegramServer) -> Iterator[ScriptedBot]:
    running = ScriptedBot(server)
    running.call("setMyDescription", description="Пишу истории вместе с вами")
    commands = [{"command": "help", "description": "Помощь"}, {"command": "new_story", "description": "Новая история"}]
    running.call("setMyCommands", commands=commands)
    running.start()
    yield running
    running.stopping = True
    server.api.close()
    running.join()
    running.http.close()


def opened(browser: Browser, server: TelegramServer, width: int = 1000, height: int = 800) -> Iterator[Page]:
    faults: list[str] = []
    with browser.new_context(viewport={"width": width, "height": height}, locale="ru-RU") as context:
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.extend([request.url] if _is_foreign(request.url, server) else []))
        page.set_default_timeout(10_000)
        page.goto(server.url)
        yield page
        page.goto("about:blank")
    assert faults == []


def _is_foreign(url: str, server: TelegramServer) -> bool:
    return not url.startswith((server.url, "data:", "about:"))


@pytest.fixture
def page(browser: Browser, server: TelegramServer, bot: ScriptedBot) -> Iterator[Page]:
    yield from opened(browser, server)


@pytest.fixture
def phone(browser: Browser, server: TelegramServer, bot: ScriptedBot) -> Iterator[Page]:
    yield from opened(browser, server, 360, 700)


def started(page: Page) -> Page:
    page.get_by_role("button", name="Начать").click()
    expect(page.locator(".message.theirs .text").first).to_contain_text("Здравствуйте!")
    return page


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
    expect(phone.locator(".chip[data-user='2'] b")).to_have_text("1")
    phone.locator(".chip[data-user='2']").click()
    expect(phone.get_by_role("region", name="Чат: Борис").locator(".message")).to_have_count(2)


def test_nothing_sticks_out_at_360_pixels(phone: Page, bot: ScriptedBot, server: TelegramServer) -> None:
    started(phone)
    phone.get_by_role("button", name="📖 Новая история").click()
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
