"""Buying in the demo's page and on the page inside Telegram, with the real bot behind both."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Browser, expect

from sandbox.demo import free_port
from sandbox.page_api import WEB_APP_SCRIPT
from tests.harness import BotHarness, until
from tests.page_fixtures import needs_chromium, opened
from tests.paying import make_shop, wait_links

pytestmark = needs_chromium


def test_a_pack_a_subscription_and_its_months_are_bought_with_the_mouse(
    make_harness: Callable[..., BotHarness], browser: Browser
) -> None:
    port = free_port()
    harness = make_shop(
        make_harness,
        profile=True,  # with the menu's button
        WEBAPP_URL=f"http://127.0.0.1:{port}",
        WEBAPP_PORT=port,
        WEBAPP_SCRIPT_URL=f"{make_harness().telegram.url}{WEB_APP_SCRIPT}",
    )
    harness.new_person()
    wait_links(harness)
    for page in opened(browser, harness.telegram, 480, 800):
        page.get_by_role("button", name="👤 Профиль").click()
        page.get_by_role("button", name="⭐ Купить").click()
        page.get_by_role("button", name=re.compile("· 90 ⭐")).click()
        page.get_by_role("button", name="Заплатить 90 ⭐").click()  # of the invoice
        dialog = page.locator("#question")
        expect(dialog).to_contain_text("У вас 5 000 ⭐")
        dialog.get_by_role("button", name="Отмена").click()
        page.get_by_role("button", name="Заплатить 90 ⭐").click()
        dialog.get_by_role("button", name="Заплатить 90 ⭐").click()
        expect(page.locator(".message.theirs .text").last).to_contain_text("Прибавилось 50 000 токенов")
        expect(page.locator(".service")).to_have_text("⭐ Оплачено: 90")
        page.get_by_role("button", name=re.compile("в месяц")).click()
        expect(dialog).to_contain_text("150 ⭐ каждые 30 дней")
        dialog.get_by_role("button", name="Заплатить 150 ⭐").click()
        expect(page.locator(".message.theirs .text").last).to_contain_text("и так каждые 30 дней")
        for choice, words in (
            ("Пусть пройдёт месяц", "Подписка продлена"),
            ("Отменить подписку", "больше не продлится"),
            ("Вернуть подписку", "снова продлевается"),
        ):
            page.locator(".head .more").click()
            page.get_by_role("menuitem", name=choice).click()
            expect(page.locator(".message.theirs .text").last).to_contain_text(words)
        page.locator(".composer .menu").click()  # the page inside Telegram
        inside = page.frame_locator(".sheet iframe")
        inside.get_by_role("tab", name="Расход").click()
        expect(inside.locator("#left")).to_have_text("280 000")
        inside.get_by_role("button", name=re.compile("200 000")).click()
        dialog.get_by_role("button", name="Заплатить 300 ⭐").click()
        expect(inside.locator("#left")).to_have_text("480 000")
        harness.db.change("user", {"id": 1}, banned=1)
        inside.get_by_role("button", name=re.compile("90")).click()
        dialog.get_by_role("button", name="Заплатить 90 ⭐").click()
        expect(page.locator("#alert")).to_contain_text("Доступ к боту для вас закрыт")
        expect(inside.locator("#toast")).to_contain_text("Оплата не прошла")
    until(harness.settled)
    assert harness.db.count("payment") == 4
