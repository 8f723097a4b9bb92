"""«📤 Поделиться» on the page, the covers of shared stories, and the whole way into a group in the demo."""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image
from playwright.sync_api import Browser, expect

from sandbox.demo import free_port
from sandbox.inline_user import share_prepared
from sandbox.page_api import WEB_APP_SCRIPT
from tests.harness import BotHarness, until
from tests.inline import put_story
from tests.page_fixtures import needs_chromium, opened
from tests.webapp_fixtures import shared, site
from tests.webapp_site import PERSON, Site, init_data
from web.sharing_api import DRAWN_RATE

__all__ = ["shared", "site"]


def test_a_story_is_shared_by_a_prepared_card_with_its_cover(site: Site) -> None:
    site.db.settings.put("bot_username", "soavtor_bot")
    story = site.story(text="Жил <b>был</b> маяк. (страшнее)")
    shared_story = site.ask(f"api/stories/{story}/share", method="POST", json={}).json()
    assert (shared_story["prepared"], shared_story["title"]) == ("prepared-1", "Маяк")
    [(user_id, card)] = site.prepared
    token = site.tables.value("story", "share_token", session_id=story)
    assert user_id == 7 and shared_story["link"] == f"https://t.me/soavtor_bot?start=s_{token}"
    assert card["thumbnail_url"] == f"http://127.0.0.1:8080/covers/{token}.jpg"
    assert "Жил &lt;b&gt;был" in card["input_message_content"]["message_text"]
    assert site.ask(f"api/stories/{story}/share", method="POST", json={}).json()["link"] == shared_story["link"]

    cover = site.http.get(f"{site.url}/covers/{token}.jpg", timeout=10)  # without init data, as Telegram fetches it
    assert Image.open(io.BytesIO(cover.content)).format == "JPEG"
    assert (
        cover.headers["Cross-Origin-Resource-Policy"] == "cross-origin" and "public" in cover.headers["Cache-Control"]
    )
    site.db.stories.share(story, None)
    for gone in (token, token[:-1], "x" * 500, "None"):
        assert site.http.get(f"{site.url}/covers/{gone}.jpg", timeout=10).status_code == 404


def test_what_may_not_be_shared_is_refused(site: Site) -> None:
    site.register(8)
    foreign, empty = (
        site.story(8),
        site.db.stories.create(7, 7, genre="a", hero="b", setting="c", extra="", title="d", now=1),
    )
    for number, status in ((foreign, 404), (9**9, 404), (empty, 409)):
        assert site.ask(f"api/stories/{number}/share", method="POST", json={}).status_code == status
    stranger = init_data({**PERSON, "id": 99})
    assert site.ask(f"api/stories/{foreign}/share", stranger, method="POST", json={}).status_code == 403
    assert not site.prepared and site.tables.value("story", "share_token", session_id=foreign) is None


def test_covers_are_drawn_at_a_pace_and_kept(site: Site) -> None:
    tokens = []
    for number in range(DRAWN_RATE[0] + 3):
        story = site.db.stories.get(site.story(title=f"Маяк {number}"))
        assert story is not None
        tokens.append(site.db.sharing.offer(story))
    answers = [site.http.get(f"{site.url}/covers/{token}.jpg", timeout=10).status_code for token in tokens]
    assert answers[: DRAWN_RATE[0]] == [200] * DRAWN_RATE[0] and set(answers) <= {200, 429}
    assert site.http.get(f"{site.url}/covers/{tokens[0]}.jpg", timeout=10).status_code == 200


def test_another_cover_of_the_same_size_is_another_picture(site: Site) -> None:
    story = site.db.stories.get(site.story())
    assert story is not None
    token, shown = site.db.sharing.offer(story), []
    for color in ("#ff0000", "#0000ff"):
        buffer = io.BytesIO()
        Image.new("RGB", (30, 40), color).save(buffer, "JPEG")
        site.db.illustrations.put_cover(story.session_id, buffer.getvalue().ljust(2_000, b"\0"))
        shown.append(site.http.get(f"{site.url}/covers/{token}.jpg", timeout=10).content)
    assert shown[0] != shown[1]


@needs_chromium
def test_two_people_share_by_the_page_and_by_the_inline_mode(
    make_harness: Callable[..., BotHarness], browser: Browser
) -> None:
    port = free_port()
    harness = make_harness(
        WEBAPP_URL=f"http://127.0.0.1:{port}",
        WEBAPP_PORT=port,
        WEBAPP_SCRIPT_URL=f"{make_harness().telegram.url}{WEB_APP_SCRIPT}",
    )
    harness.start()
    until(lambda: harness.db.value("setting", "value", key="inline_mode"))
    person, other = harness.new_person(), harness.new_person(2, "Борис")
    put_story(harness, "Маяк на краю", "Свет погас ровно в полночь. Никто не проснулся.")
    group = harness.telegram.group(-1001, "Клуб", [person, other])
    for page in opened(browser, harness.telegram, 900, 800):
        page.get_by_role("button", name="Анна").first.click()
        page.get_by_label("Сообщение", exact=True).first.fill(f"@{harness.telegram.api.username} мая")
        page.get_by_role("option", name="Маяк на краю").click()
        expect(page.locator(".message.mine").last).to_contain_text("Свет погас ровно в полночь.")
        expect(page.locator(".message.mine .via").last).to_contain_text("через @")

        page.get_by_role("button", name="🎭 Персонажи").click()
        page.get_by_role("button", name="🎭 Открыть").first.click()
        app = page.frame_locator("iframe")
        app.get_by_role("tab", name="Истории").click()
        app.get_by_role("button", name="Маяк на краю").click()
        app.get_by_role("button", name="📤 Поделиться").click()
        page.locator("#question").get_by_role("button", name="Клуб").click()
        expect(app.locator("#book .told")).to_contain_text("Отправлено.")
    sent = group.messages[-1]
    assert sent.sender_id == 1 and "Свет погас" in sent.text and sent.labels == ("📖 Читать",)
    [prepared] = harness.telegram.api.prepared
    assert share_prepared(group.member(person), prepared).text == sent.text
    address = sent.buttons[0][0].url or ""
    other.send(address)  # the link, as it was copied
    other.wait("Анна делится историей")
