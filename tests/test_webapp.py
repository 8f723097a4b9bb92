"""The Web App's server over HTTP: who is let in, what each may reach, what is refused and how, and every header."""

from __future__ import annotations

import io
import json
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.errors import ConfigError
from tests.webapp_site import PERSON, ROOT, SCRIPT, TOKEN, Site, init_data, running, signed
from web.authentication import CHANGE_RATE, READ_RATE, REFUSAL_RATE
from web.init_data import FRESH_S, InitDataError, authenticated_user
from web.pictures import SIDE_PX, PictureError, square
from web.rate_limiter import RateLimiter
from web.server import WebApp, close_slow

OWN = {"name": "Пёс Трезор", "line": "Верит всем", "greeting": "Гав!", "personality": "Ты пёс."}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path) as made:
        made.register()
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site for tests that leave nothing behind."""
    with running(tmp_path_factory.mktemp("shared")) as made:
        made.register()
        yield made


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    Image.new("RGB", size, (200, 30, 30)).save(out, kind, **({"exif": exif} if kind == "JPEG" else {}))
    return out.getvalue()


def created(site: Site, **texts: str) -> dict[str, Any]:
    answer = site.ask("api/characters", method="POST", json=OWN | texts)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


# ---------------------------------------------------------------------- init data


def test_init_data_of_telegram_say_who_it_is() -> None:
    user = authenticated_user(init_data(), TOKEN, time.time())
    assert (user.id, user.first_name, user.username, user.last_name) == (7, "Анна", "anna", None)


def test_fields_without_a_value_are_signed_too() -> None:
    assert authenticated_user(init_data(start_param="", signature="x"), TOKEN, time.time()).id == 7


@pytest.mark.parametrize(
    "data",
    [
        "",
        "a=b",
        "%ff=%ff",
        "hash=00",
        init_data(token="123456:AAE-the-token-of-another-bot"),
        init_data().replace("id%22%3A+7", "id%22%3A+8"),
        init_data() + "&user=%7B%22id%22%3A8%7D",
        init_data()[:-1],
        init_data(age_s=FRESH_S + 60),
        init_data(age_s=-3600),
        signed({"auth_date": str(int(time.time()))}),
        signed({"user": json.dumps(PERSON)}),
        signed({"user": "[]", "auth_date": str(int(time.time()))}),
        signed({"user": "{" * 5000, "auth_date": str(int(time.time()))}),
        signed({"user": '{"id": true}', "auth_date": str(int(time.time()))}),
        signed({"user": '{"id": -5}', "auth_date": str(int(time.time()))}),
        signed({"user": '{"id": 1e400}', "auth_date": str(int(time.time()))}),
        signed({"user": json.dumps({**PERSON, "is_bot": True}), "auth_date": str(int(time.time()))}),
        signed({"user": json.dumps(PERSON), "auth_date": "٣"}),
        "x" * 10_000,
        "&".join(f"f{number}=1" for number in range(100)),
    ],
    ids=lambda _: "forged",  # they hold the time, and tests are collected more than once
)
def test_forged_stale_and_foreign_init_data_are_refused(data: str) -> None:
    with pytest.raises(InitDataError):
        authenticated_user(data, TOKEN, time.time())


@given(st.text(max_size=200))
def test_any_text_for_init_data_is_refused_and_nothing_else(data: str) -> None:
    with pytest.raises(InitDataError):
        authenticated_user(data, TOKEN, time.time())


def test_stale_data_are_told_apart_from_forged_ones(shared: Site) -> None:
    stale = shared.ask("api/start", init_data(age_s=FRESH_S + 60))
    forged = shared.ask("api/start", init_data(token="123456:AAE-the-token-of-another-bot"))
    assert (stale.status_code, stale.json()["error"]["code"]) == (401, "stale")
    assert (forged.status_code, forged.json()["error"]["code"]) == (401, "unsigned")


# ---------------------------------------------------------------------- who is let in


ROUTES = [
    ("GET", "api/start"),
    ("GET", "api/characters"),
    ("POST", "api/characters"),
    ("PUT", "api/characters/1"),
    ("DELETE", "api/characters/1"),
    ("POST", "api/characters/1/choose"),
    ("GET", "api/characters/1/picture"),
    ("PUT", "api/characters/1/picture"),
    ("DELETE", "api/characters/1/picture"),
    ("GET", "api/stories"),
    ("GET", "api/stories/1"),
    ("POST", "api/stories/1/file"),
    ("GET", "api/usage"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nothing_of_the_api_answers_without_init_data(method: str, path: str, shared: Site) -> None:
    answer = shared.http.request(method, f"{shared.url}/{path}", timeout=10)
    assert answer.status_code == 401
    assert "Telegram" in answer.json()["error"]["text"]


def test_every_route_of_the_api_is_among_those(shared: Site) -> None:
    from web.application import make_application
    from web.authentication import WebServices

    rules = make_application(
        WebServices(shared.config, shared.db, shared.locales, lambda *_: None)
    ).url_map.iter_rules()
    known = {
        (method, rule.rule.lstrip("/").replace("<int:character_id>", "1").replace("<int:session_id>", "1"))
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    assert known == set(ROUTES)


def test_who_has_not_started_the_bot_or_is_banned_reads_why(site: Site) -> None:
    stranger = site.ask("api/start", init_data({"id": 8, "first_name": "Борис"}))
    assert stranger.status_code == 403
    assert "Старт" in stranger.json()["error"]["text"]
    site.tables.change("user", {"id": 7}, banned=1)
    assert site.ask("api/start").json()["error"]["code"] == "banned"


def test_a_refusal_is_said_in_the_readers_language(site: Site) -> None:
    english = site.ask("api/start", "", headers={"Accept-Language": "en-GB,en;q=0.9"})
    assert "vouch" in english.json()["error"]["text"]
    site.register(9, "en")
    missing = site.ask("api/stories/99", init_data({"id": 9, "first_name": "Ann"}))
    assert missing.json()["error"]["text"] == "That isn't here. Reload the page."


def test_too_many_requests_of_one_person_are_refused_and_another_is_not(site: Site) -> None:
    site.register(8)
    codes = [site.ask("api/characters/999/choose", method="POST").status_code for _ in range(CHANGE_RATE[0] + 2)]
    assert codes[0] == 404
    assert codes[-1] == 429
    other = init_data({"id": 8, "first_name": "Борис"})
    assert site.ask("api/characters/999/choose", other, method="POST").status_code == 404
    assert site.ask("api/start").status_code == 200, "reading goes on"


def test_refusals_past_their_pace_leave_no_line_in_the_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        for _ in range(REFUSAL_RATE[0] + 40):
            site.ask("api/start", "nonsense")
    assert REFUSAL_RATE[0] <= caplog.text.count("event=web_request_refused") < REFUSAL_RATE[0] + 20
    assert site.ask("api/start").status_code == 200, "who is vouched for isn't held up"


def test_a_bucket_fills_again_and_old_ones_are_forgotten() -> None:
    moment = [0.0]
    limiter = RateLimiter(2, 1.0, clock=lambda: moment[0])
    assert [limiter.allows("a") for _ in range(3)] == [True, True, False]
    moment[0] = 1.0
    assert [limiter.allows("a") for _ in range(2)] == [True, False]
    assert READ_RATE[0] > CHANGE_RATE[0]


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
    from web.characters_api import MOST_OWN

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
    """A PNG of a few bytes that claims 30,000 × 30,000 pixels."""

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


# ---------------------------------------------------------------------- stories and usage


def test_a_story_is_read_as_a_book_and_its_file_ordered(site: Site) -> None:
    session_id = site.story(text="Жил-был маяк.\n\n— Свети, — сказал кит.")
    listed = site.ask("api/stories").json()
    assert [(one["title"], one["parts"]) for one in listed["stories"]] == [("Маяк", "1 часть")]
    book = site.ask(f"api/stories/{session_id}").json()
    assert book["title"] == "Маяк"
    assert book["chapters"][0]["paragraphs"] == ["Жил-был маяк.", "— Свети, — сказал кит."]
    assert site.ask(f"api/stories/{session_id}/file", method="POST", json={"format": "fb2"}).status_code == 200
    assert site.told[0][1]["message"]["web_app_data"]["data"] == f"fb2:{session_id}"
    assert site.ask(f"api/stories/{session_id}/file", method="POST", json={"format": "exe"}).status_code == 400


def test_a_shelf_comes_in_pages(site: Site) -> None:
    for number in range(31):
        site.story(title=f"История {number}")
    assert len(site.ask("api/stories").json()["stories"]) == 30
    rest = site.ask("api/stories?offset=30").json()
    assert (len(rest["stories"]), rest["count"]) == (1, 31)


def test_somebody_elses_story_and_a_deleted_one_are_out_of_reach(site: Site) -> None:
    site.register(8)
    foreign, own = site.story(8), site.story()
    site.db.stories.delete(own, int(time.time()))
    for session_id in (foreign, own):
        assert site.ask(f"api/stories/{session_id}").status_code == 404
        assert site.ask(f"api/stories/{session_id}/file", method="POST", json={"format": "txt"}).status_code == 404
    assert site.ask("api/stories").json()["stories"] == []
    assert site.told == []


def test_usage_shows_thirty_days_and_what_is_left(site: Site) -> None:
    site.tables.add_settled_call(7, 321, session_id=site.story())
    usage = site.ask("api/usage").json()
    assert len(usage["days"]) == 30
    assert usage["days"][-1]["tokens"] == 321
    assert usage["left"] == 30_000


# ---------------------------------------------------------------------- headers


def test_the_page_loads_nothing_foreign_but_telegrams_script(shared: Site) -> None:
    answer = shared.http.get(f"{shared.url}/", timeout=5)
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == f"'self' {SCRIPT.rsplit('/', 1)[0]}"
    assert policy["style-src"] == "'self'"
    assert policy["img-src"] == "'self' blob:"
    assert policy["connect-src"] == "'self'"
    assert policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["frame-ancestors"].startswith("https://web.telegram.org ")
    assert "http://127.0.0.1:*" in policy["frame-ancestors"], "the demo frames it on this machine"
    html = answer.text
    assert "<script>" not in html
    assert " style=" not in html
    assert " onclick" not in html
    assert "http" not in html.replace(SCRIPT, "")


def test_a_public_page_is_framed_by_telegram_only(tmp_path: Path) -> None:
    with running(tmp_path, WEBAPP_URL="https://coauthor.example") as site:
        policy = site.http.get(f"{site.url}/", timeout=5).headers["Content-Security-Policy"]
        assert "frame-ancestors https://web.telegram.org https://*.telegram.org" in policy
        assert "127.0.0.1:*" not in policy


@pytest.mark.parametrize(
    ("path", "status", "cached"),
    [
        ("", 200, "no-cache"),
        ("page/app.js", 200, "no-cache"),
        ("page/style.css", 200, "no-cache"),
        ("pictures/yaga.svg", 200, "public, max-age=3600"),
        ("api/start", 200, "no-store"),
        ("nowhere", 404, "no-store"),
        ("page/index.html", 404, "no-store"),
        ("page/..%2fserver.py", 404, "no-store"),
        ("pictures/..%2f..%2fbot.py", 404, "no-store"),
    ],
)
def test_every_answer_has_its_headers(path: str, status: int, cached: str, shared: Site) -> None:
    answer = shared.ask(path)
    assert answer.status_code == status
    assert answer.headers["Cache-Control"] == cached
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "frame-ancestors" in answer.headers["Content-Security-Policy"]
    assert "waitress" not in answer.headers.get("Server", "").lower()
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", ["//page//app.js", "/page/app.js/", "//evil.example/page/a.js", "/page/..%2fgate.py"])
def test_no_address_leads_elsewhere(path: str, shared: Site) -> None:
    with socket.create_connection(("127.0.0.1", shared.server.port)) as wire:
        wire.sendall(f"GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: wire.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"evil.example" not in answer


def test_files_that_have_not_changed_are_not_sent_again(shared: Site) -> None:
    for path in ("", "page/app.js"):
        first = shared.http.get(f"{shared.url}/{path}", timeout=5)
        again = shared.http.get(f"{shared.url}/{path}", headers={"If-None-Match": first.headers["ETag"]}, timeout=5)
        assert again.status_code == 304
        assert "Content-Security-Policy" in again.headers


def test_the_page_comes_in_the_browsers_language(shared: Site) -> None:
    russian = shared.http.get(f"{shared.url}/", headers={"Accept-Language": "ru"}, timeout=5)
    english = shared.http.get(f"{shared.url}/", headers={"Accept-Language": "en-US"}, timeout=5)
    assert '<html lang="ru">' in russian.text
    assert "Characters" in english.text
    assert "Accept-Language" in english.headers["Vary"]


def test_a_request_that_keeps_dripping_in_is_broken_off() -> None:
    first, second = object(), object()
    dripping, quick, idle = (
        SimpleNamespace(request=first, will_close=False),
        SimpleNamespace(request=object(), will_close=False),
        SimpleNamespace(request=None, will_close=False),
    )
    arriving = close_slow([dripping, quick, idle], {}, 0.0, 60.0)
    quick.request = second
    arriving = close_slow([dripping, quick, idle], arriving, 59.0, 60.0)
    assert not dripping.will_close
    arriving = close_slow([dripping, quick, idle], arriving, 61.0, 60.0)
    assert [dripping.will_close, quick.will_close, idle.will_close] == [True, False, False]
    assert set(arriving) == {first, second}, "what has come whole is forgotten"


def test_a_port_that_is_taken_is_a_fault_of_the_configuration(shared: Site) -> None:
    with pytest.raises(ConfigError, match="WEBAPP_PORT"):
        WebApp(replace(shared.config, webapp_port=shared.server.port), shared.db, shared.locales, lambda *_: None)


# ---------------------------------------------------------------------- anything at all

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=6,
)
NUMBERS = st.sampled_from(["0", "1", "2", "14", "15", "99", "-1", "9223372036854775808", "x", "%00", "1.5"])


@settings(max_examples=120)
@given(
    route=st.sampled_from(ROUTES), number=NUMBERS, body=JSON_VALUES, raw=st.binary(max_size=60), as_json=st.booleans()
)
def test_whatever_the_api_is_asked_it_answers_with_json_and_no_bug(
    route: tuple[str, str], number: str, body: object, raw: bytes, as_json: bool, fuzzed: Any
) -> None:
    method, path = route
    headers = {"Authorization": f"tma {init_data()}", "Content-Type": "application/json" if as_json else "image/png"}
    content = json.dumps(body).encode() if as_json else raw
    answer = fuzzed.open("/" + path.replace("/1", f"/{number}"), method=method, data=content, headers=headers)
    assert answer.status_code < 500, answer.data
    if answer.status_code >= 400:
        assert answer.get_json()["error"]["text"]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The application without its server; nobody is too quick for it."""
    from web import application
    from web.authentication import WebServices

    site = Site(tmp_path_factory.mktemp("fuzz"))
    site.register()
    site.story()
    app = application.make_application(WebServices(site.config, site.db, site.locales, lambda *_: None))
    yield app.test_client()
    site.close()
