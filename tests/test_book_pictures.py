"""Pictures in books: where they stand, and how large they may be."""

from __future__ import annotations

import base64
import io
import zipfile
from xml.etree import ElementTree

import pytest
from PIL import Image

from export.epub import epub
from export.fb2 import fb2
from export.formats import txt
from export.html_book import html
from export.illustration import MOST_BYTES, small_jpeg
from tests.test_export import FB, ILLUSTRATED, JPEG, LINK


def test_pictures_stand_after_their_parts_in_every_format_that_has_pictures() -> None:
    assert [one.name for one in ILLUSTRATED.pictures] == ["picture-001", "picture-003"]
    root = ElementTree.fromstring(fb2(ILLUSTRATED))
    told = [element.get(LINK) or element.text for element in root.iterfind(f"./{FB}body/{FB}section/*")]
    assert told[:6] == ["Раз.", "Два.", "Три.", "#picture-001.jpg", None, "Четыре."]
    binaries = {one.get("id"): base64.b64decode(one.text or "") for one in root.iter(f"{FB}binary")}
    assert binaries["picture-003.jpg"] == JPEG
    archive = zipfile.ZipFile(io.BytesIO(epub(ILLUSTRATED)))
    chapter = archive.read("EPUB/chapter-001.xhtml").decode()
    assert chapter.index("Три.") < chapter.index('src="picture-001.jpg"')
    assert archive.read("EPUB/picture-001.jpg") == JPEG
    page = html(ILLUSTRATED).decode()
    assert page.count("<figure>") == 2 and page.index("Три.") < page.index("<figure>") < page.index("Четыре.")
    assert "Рисунок" not in txt(ILLUSTRATED).decode()


def noise(side: int) -> bytes:
    content = io.BytesIO()
    Image.effect_noise((side, side // 2), 100).convert("RGB").save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize("side", [64, 1024, 2048])
def test_a_picture_for_a_book_is_a_bounded_jpeg_whatever_is_drawn(side: int) -> None:
    small = small_jpeg(noise(side))
    assert small is not None and len(small) <= MOST_BYTES
    with Image.open(io.BytesIO(small)) as picture:
        assert picture.format == "JPEG" and max(picture.size) <= 1024


@pytest.mark.parametrize("picture", [b"", b"\x89PNG\r\n\x1a\n", b"<svg/>"])
def test_what_is_no_picture_is_left_out(picture: bytes) -> None:
    assert small_jpeg(picture) is None


def test_a_picture_that_breaks_off_is_left_out() -> None:
    assert small_jpeg(noise(64)) is not None
    assert small_jpeg(noise(64)[:-200]) is None


def test_a_picture_of_too_many_pixels_is_left_out() -> None:
    content = io.BytesIO()
    Image.new("RGB", (4100, 2050)).save(content, "PNG")
    assert small_jpeg(content.getvalue()) is None
