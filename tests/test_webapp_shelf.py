"""The public shelf on the page inside Telegram: its API, and the page in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.page_fixtures import needs_chromium
from tests.webapp_page_fixtures import NOBODYS_SCRIPT
from tests.webapp_site import PERSON, SCRIPT, Site, init_data, running

OTHER = init_data({**PERSON, "id": 8, "first_name": "Борис"})
OF_ADMINS: dict[str, str] = {"SHELF": "on", "ADMIN_IDS": "900"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path, **OF_ADMINS) as made:
        made.register(7)
        made.register(8)
        yield made


def publish(site: Site, title: str, text: str, *, user_id: int = 7, genre: str = "Сказка", author: str = "") -> int:
    """Publish a story by the database itself; return its number on the shelf."""
    story = site.db.stories.get(site.story(user_id, title, text))
    assert story is not None and story.head_id is not None
    return site.db.shelf.publish(
        session_id=story.session_id,
        user_id=user_id,
        head_id=story.head_id,
        title=title,
        genre=genre,
        author=author,
        now=len(title),
    )


def listed(site: Site, query: str = "") -> list[Any]:
    return [story["title"] for story in site.ask(f"api/shelf{query}", OTHER).json()["stories"]]


def test_where_the_shelf_is_off_nobody_sees_anything_of_it(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        site.register()
        number = publish(site, "Маяк", "Свет.")
        for method, path in (
            ("GET", ""),
            ("GET", f"/{number}"),
            ("POST", f"/{number}/heart"),
            ("POST", f"/{number}/report"),
        ):
            assert site.ask(f"api/shelf{path}", method=method, json={}).status_code == 404
        assert site.ask("api/start").json()["shelf"] is False and not site.told
        story = site.story()
        site.db.stories.finish(story, 1)
        assert site.ask(f"api/stories/{story}").json()["publishable"] is False


def test_a_genre_stays_chosen_when_the_story_that_names_it_is_hidden(site: Site) -> None:
    first = publish(site, "Маяк", "Свет погас.")
    second = publish(site, "Лампа", "Свет горит.")
    publish(site, "Тёмный лес", "Ёлки.", genre="Ужасы")
    assert site.db.shelf.report(first, 8, 1)
    assert listed(site, f"?genre={first}") == ["Лампа"]
    assert site.ask(f"api/shelf?genre={first}", OTHER).json()["genre"] == second  # as the list of genres has it now
    assert site.ask("api/shelf", OTHER).json()["genre"] == 0
    assert site.ask("api/shelf?genre=999", OTHER).status_code == 404
    assert site.ask("api/shelf?offset=1000000", OTHER).status_code == 400


@pytest.mark.parametrize(("digits", "status"), [(12, 404), (13, 400)])
def test_a_storys_number_is_as_long_as_described(site: Site, digits: int, status: int) -> None:
    assert site.ask("api/shelf", method="POST", json={"story": "9" * digits}).status_code == status


def test_lists_stories_hearts_and_reports(site: Site) -> None:
    light = publish(site, "Маяк", "Свет погас.\n\n— Кто там?", author="Анна")
    forest = publish(site, "Тёмный лес", "Ёлки.", genre="Ужасы")
    page = site.ask("api/shelf", OTHER).json()
    assert page["count"] == 2 and [one["name"] for one in page["genres"]] == ["Сказка", "Ужасы"]
    assert listed(site) == ["Тёмный лес", "Маяк"]
    assert listed(site, f"?genre={forest}") == ["Тёмный лес"] and listed(site, "?offset=1") == ["Маяк"]
    found = site.ask(f"api/shelf/{light}", OTHER).json()
    assert (found["paragraphs"], found["author"]) == (["Свет погас.", "— Кто там?"], "Анна")
    assert (found["mine"], found["given"], found["hearts"]) == (False, False, 0)
    assert site.ask(f"api/shelf/{forest}", OTHER).json()["author"] == ""
    for hearts in (1, 0, 1):
        answer = site.ask(f"api/shelf/{light}/heart", OTHER, method="POST", json={}).json()
        assert answer == {"given": bool(hearts), "hearts": hearts}
    assert listed(site, "?order=loved") == ["Маяк", "Тёмный лес"]
    assert site.ask(f"api/shelf/{light}/report", OTHER, method="POST", json={}).status_code == 200
    [(chat, update)] = site.told
    assert (chat, update["message"]["web_app_data"]["data"]) == (8, f"public_report:{light}")
    for action in ("heart", "report"):
        own = site.ask(f"api/shelf/{light}/{action}", method="POST", json={})
        assert (own.status_code, own.json()["error"]["code"]) == (409, "own_story")
    site.db.shelf.report(light, 8, 1)
    assert listed(site) == ["Тёмный лес"]
    for path in (f"/{light}", "/999", f"/{9**20}", "?genre=999"):
        assert site.ask(f"api/shelf{path}", OTHER).status_code == 404
    for path in ("?offset=-1", "?genre=x"):
        assert site.ask(f"api/shelf{path}", OTHER).status_code == 400


def test_a_finished_story_of_ones_own_is_published_by_the_chat(site: Site) -> None:
    story, foreign = site.story(), site.story(8)
    assert site.ask("api/shelf", method="POST", json={"story": str(story)}).json()["error"]["code"] == "unfinished"
    site.db.stories.finish(story, 1)
    site.db.stories.finish(foreign, 1)
    assert site.ask("api/shelf", method="POST", json={"story": str(foreign)}).status_code == 404
    assert site.ask("api/shelf", method="POST", json={"story": "x"}).status_code == 400 and not site.told
    assert site.ask("api/shelf", method="POST", json={"story": str(story)}).status_code == 200
    [(chat, update)] = site.told
    assert (chat, update["message"]["web_app_data"]["data"]) == (7, f"publish:{story}")
    assert not site.tables.count("published")  # the rules and the choice of a name come first


def test_a_story_is_publishable_once_it_is_finished_and_while_it_is_not_on_the_shelf(site: Site) -> None:
    def may_publish(session_id: int) -> object:
        return site.ask(f"api/stories/{session_id}").json()["publishable"]

    story = site.story()
    assert may_publish(story) is False
    site.db.stories.finish(story, 1)
    assert may_publish(story) is True
    found = site.db.stories.get(story)
    assert found is not None and found.head_id is not None
    site.db.shelf.publish(
        session_id=story, user_id=7, head_id=found.head_id, title="Маяк", genre="Сказка", author="", now=1
    )
    assert may_publish(story) is False
    site.db.shelf.withdraw(story)
    assert may_publish(story) is True


def test_hearts_have_a_pace(site: Site) -> None:
    number = publish(site, "Маяк", "Свет.")
    path = f"api/shelf/{number}/heart"
    answers = {site.ask(path, OTHER, method="POST", json={}).status_code for _ in range(40)}
    assert answers == {200, 429} and site.tables.count("heart") <= 1


@needs_chromium
def test_the_shelf_is_read_loved_and_reported_on_the_page(site: Site, browser: Browser) -> None:
    publish(site, "Маяк", "Свет <b>погас</b>.\n\nНикто не проснулся.", author="Анна")
    publish(site, "Тёмный лес", "Ёлки.", genre="Ужасы")
    site.db.stories.finish(story := site.story(8, "Мост", "Арка."), 1)
    own = site.db.stories.get(story)
    assert own is not None and own.head_id is not None
    context = browser.new_context(viewport={"width": 360, "height": 700}, locale="ru-RU")
    context.route(SCRIPT, lambda route: route.fulfill(content_type="text/javascript", body=NOBODYS_SCRIPT))
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(site.page(OTHER))
    page.get_by_role("tab", name="Истории").click()
    page.get_by_role("button", name="🌍 Полка").click()
    expect(page.locator("#public .story")).to_have_count(2)
    expect(page.locator("#public .story").last).to_contain_text("автор: Анна · Сказка · ♥ 0")
    page.get_by_label("Жанр").select_option(label="Сказка · 1")
    expect(page.locator("#public .story")).to_have_count(1)
    page.get_by_role("button", name=re.compile("Маяк")).click()
    dialog = page.locator("#published")
    expect(dialog).to_contain_text("Свет <b>погас</b>.")
    page.evaluate("document.getElementById('heart').click(); document.getElementById('heart').click()")  # one heart
    expect(dialog.get_by_role("button", name="Сердец: 1")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    dialog.get_by_role("button", name="🚩 Пожаловаться").click()
    dialog.get_by_role("button", name="Да, пожаловаться").click()
    expect(dialog).to_contain_text("Спасибо. Что с жалобой, написано в чате.")
    dialog.get_by_role("button", name="Закрыть").click()
    expect(page.locator("#public")).to_contain_text("♥ 1")
    page.get_by_role("button", name="Мои истории").click()
    page.get_by_role("button", name=re.compile("Мост")).click()
    to_shelf = page.locator("#book").get_by_role("button", name="🌍 На полку")
    to_shelf.click()
    expect(page.locator("#book .told")).to_have_text("Правила полки и выбор имени ждут вас в чате.")
    expect(to_shelf).to_be_disabled()
    site.db.shelf.publish(
        session_id=own.session_id, user_id=8, head_id=own.head_id, title="Мост", genre="Сказка", author="", now=9
    )
    page.locator("#book").get_by_role("button", name="Закрыть").click()
    page.get_by_role("button", name=re.compile("Мост")).click()
    expect(page.locator("#book")).to_contain_text("Арка.")
    expect(to_shelf).to_be_hidden()
    told = [data["message"]["web_app_data"]["data"] for _, data in site.told]
    assert told == ["public_report:1", f"publish:{own.session_id}"] and not faults
    context.close()
