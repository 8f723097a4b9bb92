"""Pictures without a bot: who takes them, what a refusal is, sizes, backgrounds."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ai import vision
from core.errors import FileUnreadable, ModelError, PicturesRefused
from core.schemas import Message, Picture, Request
from tests.test_pictures import picture


@pytest.mark.parametrize(
    ("listed", "takes"),
    [
        ({}, None),
        ({"architecture": {"input_modalities": ["text", "image"]}}, True),
        ({"architecture": {"input_modalities": ["text"]}}, False),
        ({"capabilities": ["completion", "multimodal"]}, True),
        ({"capabilities": ["completion"]}, False),
        ({"capabilities": {"vision": True, "completion_chat": True}}, True),
        ({"model_info": {"supports_vision": False}}, False),
        ({"type": "vlm"}, True),
        ({"architecture": "llama", "capabilities": 7, "model_info": None, "type": None}, None),
    ],
)
def test_a_servers_list_says_who_takes_pictures(listed: dict[str, Any], takes: bool | None) -> None:
    assert vision.listed_as_taking_pictures(listed) is takes


@pytest.mark.parametrize(
    ("status", "body", "refuses"),
    [
        (500, "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj", True),
        (400, "Invalid content type. image_url is only supported by certain models.", True),
        (400, "unknown variant `image_url`, expected `text`", True),
        (404, "No endpoints found that support image input", True),
        (400, "At most 0 image(s) may be provided in one prompt.", True),
        (400, "[{'type': 'string_type', 'msg': 'Input should be a valid string'}]", True),
        (400, "llava is not a multimodal model", True),
        (400, "Failed to decode image: unsupported colour space", False),
        (400, "image is too large, at most 0.5 MB are allowed", False),
        (400, "temperature does not support 0.6", False),
        (429, "image input is not supported", False),
    ],
)
def test_a_refusal_of_pictures_is_told_from_other_refusals(status: int, body: str, refuses: bool) -> None:
    error = ModelError(f"{status} {body}", status=status, body=body)
    seen = Request((Message("user", "Что тут?", (Picture(b"", 10),)),), max_tokens=10)
    assert vision.refuses_pictures(error, seen) is refuses
    assert not vision.refuses_pictures(error, replace(seen, messages=(Message("user", "Что тут?"),)))
    assert isinstance(vision.told_by(error, seen), PicturesRefused) is refuses


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.integers(1, 5_000_000))
def test_a_picture_keeps_its_shape_and_its_limits(width: int, height: int, pixels: int) -> None:
    small_width, small_height = vision.size_for(width, height, pixels)
    assert 1 <= small_width <= width and 1 <= small_height <= height
    assert max(small_width, small_height) <= vision.SIDE_PX
    assert small_width * small_height <= max(pixels, vision.LEAST_SIDE_PX**2)


def test_a_drawing_without_a_background_stands_on_white_and_a_bomb_is_refused() -> None:
    content = io.BytesIO()
    Image.new("RGBA", (40, 20), (0, 0, 0, 0)).save(content, "PNG")
    seen = vision.prepared(content.getvalue(), pixels=1e6, pixels_per_token=100)
    assert Image.open(io.BytesIO(seen.jpeg)).getpixel((1, 1)) == (255, 255, 255) and seen.tokens == 8
    for side in (20_000, 6_000):  # 36 million pixels of a PNG would be held, 144 MB of them, and copied
        bomb = io.BytesIO()
        Image.new("1", (side, side)).save(bomb, "PNG")
        with pytest.raises(FileUnreadable, match="huge_picture"):
            vision.prepared(bomb.getvalue(), pixels=1e6, pixels_per_token=100)
    for junk in (b"", b"\xff\xd8\xff\xe0", b"GIF89a" + bytes(50), picture()[:300]):
        with pytest.raises(FileUnreadable, match="no_picture"):
            vision.prepared(junk, pixels=1e6, pixels_per_token=100)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGB"])
def test_a_photo_of_forty_megapixels_is_decoded_small_and_upright(mode: str) -> None:
    content, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    size, kind = ((7_300, 5_500), "JPEG") if mode != "P" else ((1_600, 1_200), "PNG")
    Image.new(mode, size, 255 if mode in "LP" else "white").save(content, kind, exif=exif)
    seen = vision.prepared(content.getvalue(), pixels=5e6, pixels_per_token=100)
    width, height = Image.open(io.BytesIO(seen.jpeg)).size
    assert height == vision.SIDE_PX and 958 <= width <= 966
