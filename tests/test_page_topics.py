"""Topics of a private chat on the chat page: a list, in which each shows what belongs to it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from sandbox.telegram import TelegramServer
from tests.harness import until
from tests.page_fixtures import bot, needs_chromium, page, server, started

__all__ = ["bot", "page", "server"]

pytestmark = needs_chromium


def test_each_topic_shows_what_belongs_to_it_until_it_is_deleted(page: Page, server: TelegramServer) -> None:
    started(page)
    expect(page.locator(".topics")).to_be_hidden()
    server.api.has_topics = True
    made = server.api.call("createForumTopic", {"chat_id": 1, "name": "Маяк"}, {}, typed=True)
    tabs = page.get_by_role("tab")
    expect(tabs).to_have_text(["Общая", "Маяк"])
    expect(page.locator(".service").last).to_contain_text("Новая тема: Маяк")
    tabs.nth(1).click()
    expect(page.locator(".message:visible")).to_have_count(0)
    page.get_by_role("textbox").fill("в теме")
    page.get_by_role("textbox").press("Enter")
    expect(page.locator(".message.mine:visible")).to_contain_text("в теме")
    topic_id = made["message_thread_id"]
    until(lambda: any(said.topic_id == topic_id for said in server.state.chats[1].messages.values()))
    renamed = {"chat_id": 1, "message_thread_id": topic_id, "name": "🏁 Маяк"}
    server.api.call("editForumTopic", renamed, {}, typed=True)
    expect(tabs).to_have_text(["Общая", "🏁 Маяк"])
    tabs.nth(0).click()
    expect(page.locator(".message.mine:visible")).to_have_count(1)
    expect(page.locator(".message.mine:visible")).to_contain_text("/start")
    server.api.call("deleteForumTopic", {"chat_id": 1, "message_thread_id": topic_id}, {}, typed=True)
    expect(page.locator(".topics")).to_be_hidden()
