"""Characters on the Web App: made, changed, deleted and chosen, with their pictures."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from conversation.personas import MOST_OWN
from tests.webapp_fixtures import OWN, created, picture, shared, site
from tests.webapp_site import ROOT, Site, init_data
from web.pictures import SIDE_PX, PictureError, square

__all__ = ["shared", "site"]


# ---------------------------------------------------------------------- characters


def test_the_page_gets_its_texts_and_the_characters_of_ones_language(site: Site) -> None:
    start = site.ask("api/start").json()
    assert start["language"] == "ru"
    assert start["texts"]["tab_stories"] == "Истории"
    shown = site.ask("api/characters").json()
    assert len(shown["characters"]) >= 12
    assert shown["chosen"] is None
    first = shown["characters"][0]
    assert first["name"] == "Кот-писарь Пантелей"
    assert "personality" not in first
    assert site.http.get(f"{site.url}/{first['picture']}", timeout=5).headers["Content-Type"].startswith("image/svg")


def test_an_own_character_is_made_changed_and_deleted(site: Site) -> None:
    made = created(site, name="  Пёс   Трезор ")
    assert (made["name"], made["own"], made["picture"]) == ("Пёс Трезор", True, "")
    assert site.ask("api/characters").json()["characters"][0] == made
    changed = site.ask(f"api/characters/{made['id']}", method="PUT", json=OWN | {"line": "Не верит"}).json()
    assert changed["line"] == "Не верит"
    assert site.ask(f"api/characters/{made['id']}", method="DELETE").status_code == 200
    assert made["id"] not in [one["id"] for one in site.ask("api/characters").json()["characters"]]
    assert site.ask(f"api/characters/{made['id']}", method="DELETE").status_code == 404


def test_faults_of_a_form_name_the_field(site: Site) -> None:
    long = site.ask("api/characters", method="POST", json=OWN | {"name": "я" * 33})
    assert (long.status_code, long.json()["error"]["field"]) == (422, "name")
    assert "32 знака" in long.json()["error"]["text"]
    empty = site.ask("api/characters", method="POST", json=OWN | {"greeting": " \n "})
    assert empty.json()["error"]["field"] == "greeting"


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": "{}", "headers": {"Content-Type": "text/plain"}}, 415),
        ({"data": "nonsense", "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": "[" * 20_000, "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": b"\xff\xfe", "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": '{"name": "\\ud800"}', "headers": {"Content-Type": "application/json"}}, 400),
        ({"json": [1]}, 400),
        ({"json": OWN | {"name": 5}}, 400),
        ({"json": OWN | {"owner_id": "8"}}, 400),
        ({"json": OWN | {"personality": "я" * 40_000}}, 413),
    ],
)
def test_what_is_no_form_is_refused(options: dict[str, Any], status: int, site: Site) -> None:
    assert site.ask("api/characters", method="POST", **options).status_code == status


@pytest.mark.parametrize("blank", ["\u200b", "\u2800\u3164", "\u202e", "\x00\x07", "\ufe0f", " \u00a0\u2003"])
def test_a_text_that_nobody_can_see_is_an_empty_one(blank: str, site: Site) -> None:
    answer = site.ask("api/characters", method="POST", json=OWN | {"name": blank})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "field_empty")


def test_what_cannot_be_seen_is_left_out_and_what_joins_signs_is_not(site: Site) -> None:
    made = created(site, name="П\u202eёс\x00 \U0001f469\u200d\U0001f680", greeting="Гав!\x07\r\n\n  Мяу.")
    assert made["name"] == "Пёс \U0001f469\u200d\U0001f680"
    assert made["greeting"] == "Гав!\n\nМяу."


def test_own_characters_have_a_limit(site: Site) -> None:
    for number in range(MOST_OWN):
        made = site.db.characters.add(7, "ru", site.locales["ru"].characters[0].persona, number)
    full = site.ask("api/characters", method="POST", json=OWN)
    assert (full.status_code, full.json()["error"]["code"]) == (409, "too_many")
    site.db.characters.delete(made, 7, 1)
    assert site.ask("api/characters", method="POST", json=OWN).status_code == 201


def test_choosing_tells_the_bot_in_telegrams_words(site: Site) -> None:
    character = site.ask("api/characters").json()["characters"][0]
    assert site.ask(f"api/characters/{character['id']}/choose", method="POST").status_code == 200
    [(chat_id, update)] = site.told
    assert chat_id == 7
    assert update["message"]["web_app_data"]["data"] == f"character:{character['id']}"
    assert update["message"]["from"]["first_name"] == "Анна"


def test_somebody_elses_character_is_out_of_reach(site: Site) -> None:
    made = created(site)
    path = f"api/characters/{made['id']}"
    site.ask(f"{path}/picture", method="PUT", data=picture(), headers={"Content-Type": "image/png"})
    site.register(8)
    stranger = init_data({"id": 8, "first_name": "Борис"})
    for method, where, options in (
        ("PUT", path, {"json": OWN}),
        ("DELETE", path, {}),
        ("POST", f"{path}/choose", {}),
        ("GET", f"{path}/picture", {}),
        ("PUT", f"{path}/picture", {"data": picture(), "headers": {"Content-Type": "image/png"}}),
        ("DELETE", f"{path}/picture", {}),
    ):
        assert site.ask(where, stranger, method=method, **options).status_code == 404, where
    assert made["id"] not in [one["id"] for one in site.ask("api/characters", stranger).json()["characters"]]
    assert site.told == []
    built_in = site.ask("api/characters").json()["characters"][1]["id"]
    assert site.ask(f"api/characters/{built_in}", method="PUT", json=OWN).status_code == 404
    assert site.ask(f"api/characters/{built_in}", method="DELETE").status_code == 404


def test_an_id_that_no_database_holds_is_just_missing(shared: Site) -> None:
    for path in (f"api/stories/{10**30}", f"api/characters/{10**30}/picture"):
        assert shared.ask(path).status_code == 404
    assert shared.ask("api/stories/-1").status_code == 404
    assert shared.ask("api/stories?offset=-1").status_code == 400


# ---------------------------------------------------------------------- pictures


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_comes_back_as_a_small_square_without_what_was_hidden_in_it(kind: str, site: Site) -> None:
    made = created(site)
    path = f"api/characters/{made['id']}/picture"
    headers = {"Content-Type": f"image/{kind.lower()}"}
    answer = site.ask(path, method="PUT", data=picture(kind, (900, 500)), headers=headers)
    assert answer.json()["picture"] == path
    shown = site.ask(path)
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert b"secret" not in shown.content
    with Image.open(io.BytesIO(shown.content)) as image:
        assert (image.size, image.format) == ((SIDE_PX, SIDE_PX), "JPEG")
    assert site.ask(path, method="DELETE").json()["picture"] == ""
    assert site.ask(path).status_code == 404


def bomb() -> bytes:
    """Return a PNG of a few bytes that claims 30,000 × 30,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "image/png", 400),
        (b"\x89PNG\r\n\x1a\nnonsense", "image/png", 400),
        (picture()[:-30], "image/png", 400),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", 415),
        (b"GIF89a", "image/png", 400),
        (bomb(), "image/png", 413),
        (picture("PNG", (2_001, 2_000)), "image/png", 413),
        (b"x" * 3_000_001, "image/png", 413),
        (picture(), "text/html", 415),
    ],
    ids=lambda _: "",
)
def test_what_is_no_picture_is_refused(content: bytes, kind: str, status: int, site: Site) -> None:
    made = created(site)
    answer = site.ask(
        f"api/characters/{made['id']}/picture", method="PUT", data=content, headers={"Content-Type": kind}
    )
    assert answer.status_code == status
    assert answer.json()["error"]["text"]


def test_a_small_file_of_many_pixels_takes_little_memory_however_often_it_is_sent() -> None:
    script = """
import io, resource, threading
from PIL import Image
from web.pictures import MOST_PIXELS, square
def most(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
out = io.BytesIO()
side = int(MOST_PIXELS ** 0.5)
Image.new("RGBA", (side, side), (1, 2, 3, 4)).save(out, "PNG")
before = most()
senders = [threading.Thread(target=square, args=(out.getvalue(),)) for _ in range(4)]
for sender in senders: sender.start()
for sender in senders: sender.join()
print(most() - before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert int(done.stdout) < 100, "MiB"


def test_a_deleted_character_leaves_no_picture_behind(site: Site) -> None:
    made = created(site)
    site.ask(
        f"api/characters/{made['id']}/picture", method="PUT", data=picture(), headers={"Content-Type": "image/png"}
    )
    site.ask(f"api/characters/{made['id']}", method="DELETE")
    assert site.db.characters.picture(made["id"]) is None


@settings(max_examples=30)
@given(st.binary(max_size=300), st.integers(0, 100))
def test_any_bytes_are_a_picture_or_are_refused(junk: bytes, place: int) -> None:
    content = picture()
    try:
        assert square(content[:place] + junk + content[place:]).startswith(b"\xff\xd8")
    except PictureError as error:
        assert str(error)
