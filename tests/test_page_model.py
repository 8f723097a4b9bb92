"""The demo's own controls on the page, in a real browser: «Модель», and who is there on a phone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from sandbox.demo import bot_environment, choose_model
from sandbox.demo_controls import DemoControls
from sandbox.model_choice import Choice
from sandbox.models import ModelServers
from sandbox.page_api import Around
from sandbox.telegram import TelegramServer
from tests.page_fixtures import needs_chromium, opened

pytestmark = needs_chromium

NOBODY = ("1:" + "0" * 35, "http://127.0.0.1:9")


@pytest.fixture
def models() -> Iterator[ModelServers]:
    with ModelServers() as running:
        running.listed = [{"id": "gemma3:12b"}, {"id": "llama3.2:3b"}]
        yield running


@pytest.fixture
def controls(models: ModelServers, tmp_path: Path) -> DemoControls:
    def environment(choice: Choice) -> Mapping[str, str]:
        model = choose_model({}, models, choice)
        return bot_environment({}, {**os.environ, "LOG_FILE": str(tmp_path / "log.txt")}, NOBODY, model, tmp_path)

    port = int(models.openai_url.rpartition(":")[2].partition("/")[0])
    return DemoControls(tmp_path, environment, (("Ollama", port),))


@pytest.fixture
def server(controls: DemoControls) -> Iterator[TelegramServer]:
    with TelegramServer(around=Around(controls, (1,))) as running:
        running.page.set_notice({"key": "notice_storyteller", "name": ""})
        for number, name in enumerate(("Александра", "Константин", "Владислава", "Мария"), start=1):
            running.user(number, name)
        yield running


def test_a_server_found_on_this_machine_is_chosen_by_a_press(
    browser: Browser, server: TelegramServer, controls: DemoControls
) -> None:
    for page in opened(browser, server):
        page.locator("#model").click()
        found = page.locator("#models .option").nth(1)
        expect(found).to_contain_text("Ollama")
        found.get_by_role("combobox").select_option("llama3.2:3b")
        page.get_by_role("button", name="Писать с ней").click()
        expect(page.locator("#models")).to_be_hidden(timeout=60_000)
    assert controls.choice is not None and controls.choice.model == "llama3.2:3b"
    assert controls.take_wish(0) == "model"


def test_the_name_of_each_choice_stands_beside_its_button(browser: Browser, server: TelegramServer) -> None:
    for page in opened(browser, server):
        page.locator("#model").click()
        expect(page.locator("#models .option")).to_have_count(4)
        for choice in page.locator("#models .choice").all():
            button, name = choice.locator("input").bounding_box(), choice.locator("strong").bounding_box()
            assert button is not None and name is not None
            assert name["x"] > button["x"] and abs(name["y"] - button["y"]) < 12


def test_on_a_phone_the_person_who_writes_is_seen_on_top(browser: Browser, server: TelegramServer) -> None:
    for page in opened(browser, server, 390, 800):
        for name in ("Мария", "Александра"):
            chip = page.locator(".chip", has_text=name)
            chip.click()
            expect(chip).to_be_in_viewport(ratio=0.99)
        expect(page.locator(".chip", has_text="Константин")).to_be_in_viewport(ratio=0.99)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
