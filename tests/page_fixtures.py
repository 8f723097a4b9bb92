"""Fixtures of the tests of the chat page: a browser, the page in it, and a small scripted bot behind it.

They need the system's Chromium; `needs_chromium` skips a test where there is none.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, ViewportSize, expect

from sandbox.telegram import TelegramServer
from tests.conftest import CHROMIUM

NOTICE = "Демо без Telegram и без нейросети"

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is missing: the page can't be tried in a browser"
)


class ScriptedBot(threading.Thread):
    """Answers a few words in a fixed way, over the Bot API."""

    def __init__(self, server: TelegramServer) -> None:
        super().__init__(name="scripted bot", daemon=True)
        self.server = server
        self.http = requests.Session()
        self.http.trust_env = False
        self.messages: list[dict[str, Any]] = []
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
            chat_id = query["message"]["chat"]["id"]
            self.call("answerCallbackQuery", callback_query_id=query["id"], text="Выбрано")
            message_id = query["message"]["message_id"]
            self.call("editMessageText", chat_id=chat_id, message_id=message_id, text=f"Вы выбрали {query['data']}")
        elif stopped := update.get("stopped_message_generation"):
            self.call("sendMessage", chat_id=stopped["chat"]["id"], text="Остановлено, написанное сохранено")
        elif message := update.get("message"):
            self.messages.append(message)
            if not {"new_chat_members", "web_app_data"} & message.keys():
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


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    with TelegramServer() as running:
        running.page.set_notice({"key": "notice_storyteller", "name": ""})
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


def opened(
    browser: Browser, server: TelegramServer, width: int = 1000, height: int = 800, *, touch: bool = False
) -> Iterator[Page]:
    """Return the page, once; afterwards nothing in it may have failed or reached for another machine."""
    faults: list[str] = []
    size: ViewportSize = {"width": width, "height": height}
    with browser.new_context(viewport=size, locale="ru-RU", has_touch=touch) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.extend([request.url] if _is_foreign(request.url) else []))
        page.set_default_timeout(10_000)
        page.goto(server.url)
        yield page
        page.goto("about:blank")
    assert faults == []


def _is_foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "data:", "about:", "blob:"))


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
