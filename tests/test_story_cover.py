"""«🎨 Обложка»: a finished story's cover, and the books that have it."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import replace
from xml.etree import ElementTree

from PIL import Image

from export.cover import SIZE, cover
from export.epub import epub
from export.fb2 import fb2
from export.html_book import html
from sandbox.model_faults import Behaviour
from sandbox.telegram_state import ChatMessage
from sandbox.users import ChatUser
from tests.harness import BotHarness, until
from tests.test_export import FB, STORY
from tests.test_finished_story import finished
from tests.test_media import has


def file(harness: BotHarness, message: ChatMessage) -> bytes:
    assert message.attachment is not None
    return harness.telegram.state.files[message.attachment.file_id][1]


def downloaded(harness: BotHarness, person: ChatUser) -> bytes:
    """Return the JPEG of the cover in a book that is downloaded now."""
    person.press("📖 Скачать")
    person.wait("В каком виде")
    person.tap("EPUB")
    book = file(harness, person.wait(has("document")))
    return zipfile.ZipFile(io.BytesIO(book)).read("EPUB/cover.jpg")


def test_a_cover_is_drawn_for_its_price_and_stands_on_every_book_after_that(harness: BotHarness) -> None:
    person = finished(harness)
    plain = downloaded(harness, person)
    before = harness.db.balance()
    person.tap("🎨 Обложка")
    offered = person.wait("Нарисую обложку истории «Свет в окне»").text
    assert "токен" in offered and harness.db.balance() == before
    harness.says("Маяк в тумане, над ним пустое небо.")
    person.tap("🎨 Нарисовать")
    shown = person.wait(has("photo"))
    assert shown.text.startswith("🎨 Обложка истории «Свет в окне». Она уже в книге") and shown.labels == (
        "📖 Скачать",
    )
    described = harness.prompts()[-1][-1]["text"]
    assert "обложку" in described and "Название: Свет в окне" in described
    assert harness.models.of("image")[-1].body["prompt"].startswith("Маяк в тумане")
    assert before - harness.db.balance() > 11_200
    until(harness.settled)
    drawn = downloaded(harness, person)
    assert drawn != plain and Image.open(io.BytesIO(drawn)).size == SIZE

    # Another ending, an epilogue and a restart keep it; a second one takes its place.
    harness.says("Второй конец.")
    harness.says("Свет в окне")
    person.press("🔄 Другой финал")
    person.wait("Дописали!")
    until(harness.settled)
    harness.restart()
    assert downloaded(harness, person) == drawn
    harness.models.faults.order(Behaviour(end="filter"), kind="image")
    person.tap("🎨 Обложка")
    person.wait("уже есть обложка")
    person.tap("🎨 Нарисовать")
    person.wait("Такую обложку не пропустил фильтр")
    until(harness.settled)
    assert downloaded(harness, person) == drawn
    person.send("/my_data")
    [stored] = json.loads(file(harness, person.wait(has("document"))))["covers"]
    assert base64.b64decode(stored["jpeg"]).startswith(b"\xff\xd8")


def picture(colour: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (1024, 1024), colour).save(content, "JPEG")
    return content.getvalue()


def red_green_blue(opened: Image.Image, y: int) -> list[int]:
    """Return a pixel in the middle of a line."""
    return list(opened.convert("RGB").crop((320, y, 321, y + 1)).tobytes())


def test_every_format_has_the_picture_under_the_title() -> None:
    book = replace(STORY, cover_picture=picture("#2050c0"))
    made = cover(book)
    with Image.open(io.BytesIO(made)) as opened:
        assert opened.size == SIZE and red_green_blue(opened, 940)[2] > 150
        assert sum(red_green_blue(opened, 20)) < 200 < sum(red_green_blue(opened, 940)), "letters stand on a dark sky"
    assert made != cover(replace(book, title="Другое")) != cover(replace(book, cover_picture=picture("#c02050")))
    assert zipfile.ZipFile(io.BytesIO(epub(book))).read("EPUB/cover.jpg") == made
    binaries = {
        one.get("id"): base64.b64decode(one.text or "") for one in ElementTree.fromstring(fb2(book)).iter(f"{FB}binary")
    }
    assert made in binaries.values()
    assert base64.b64encode(made).decode() in html(book).decode()


def test_a_picture_that_cannot_be_read_leaves_the_cover_of_the_genre() -> None:
    assert cover(replace(STORY, cover_picture=b"\xff\xd8broken")) == cover(STORY)
