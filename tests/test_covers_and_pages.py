"""The cover's letters in every script, and the HTML book on paper."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from export.cover import SIZE, cover
from export.html_book import html
from tests.conftest import CHROMIUM
from tests.test_export import STORY

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.mark.parametrize(
    "title", ["ألف ليلة وليلة", "שלום עולם", "红楼梦", "हिन्दी कहानी", "ქართული ზღაპარი", "한국어 이야기"]
)
def test_a_title_in_letters_that_the_font_lacks_is_spelled_in_others(title: str) -> None:
    assert title_ink(title) > title_ink("I") * 2
    assert cover(replace(STORY, title=title)) != cover(replace(STORY, title=title[:2]))


def test_a_title_of_nothing_but_emoji_leaves_no_hole() -> None:
    assert cover(replace(STORY, title="🐉🔥")) == cover(replace(STORY, title="Соавтор"))
    assert cover(replace(STORY, title="Маяк 🐉")) == cover(replace(STORY, title="Маяк"))


def title_ink(title: str) -> int:
    """How many pixels of the cover change where the title stands if it is `title` and not a full stop."""
    pictures = [Image.open(io.BytesIO(cover(replace(STORY, title=text)))) for text in (title, ".")]
    title_box = (64, 180, SIZE[0] - 64, 380)
    one, other = (picture.convert("L").crop(title_box) for picture in pictures)
    return sum(abs(a - b) > 60 for a, b in zip(one.tobytes(), other.tobytes(), strict=True))


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium")
@pytest.mark.parametrize("paper", ["A4", "A5", "A6", "Letter"])
def test_on_any_paper_the_front_matter_fits_one_page(paper: str, browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(html(STORY).decode())
    printed = page.pdf(format=paper)
    page.close()
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 4, "cover, front matter, and two chapters"
