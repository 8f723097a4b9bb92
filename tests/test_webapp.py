"""The Web App's server over HTTP: stories, usage, headers, and any request at all."""

from __future__ import annotations

import gc
import json
import os
import socket
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ConfigError
from tests.harness import until
from tests.webapp_fixtures import shared, site
from tests.webapp_site import SCRIPT, Site, init_data, running
from web.server import WebApp, close_slow

__all__ = ["shared", "site"]


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
    ("GET", "api/stories/1/cards"),
    ("POST", "api/stories/1/cards"),
    ("PUT", "api/stories/1/cards/1"),
    ("DELETE", "api/stories/1/cards/1"),
    ("PUT", "api/stories/1/note"),
    ("POST", "api/stories/1/share"),
    ("GET", "api/shelf"),
    ("POST", "api/shelf"),
    ("GET", "api/shelf/1"),
    ("POST", "api/shelf/1/heart"),
    ("POST", "api/shelf/1/report"),
    ("GET", "api/usage"),
]


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
    assert [site.ask(f"api/stories?offset={offset}").status_code for offset in (10**6 - 1, 10**6)] == [200, 400]


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
    """Return the application without its server; nobody is too quick for it."""
    from web import application
    from web.authentication import WebServices

    site = Site(tmp_path_factory.mktemp("fuzz"))
    site.register()
    site.story()
    app = application.make_application(WebServices(site.config, site.db, site.locales, lambda *_: None))
    yield app.test_client()
    site.close()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux")
def test_a_stop_closes_the_files_that_are_being_served(tmp_path: Path) -> None:
    def are_waiting() -> bool:
        opened = (os.path.realpath(link) for link in Path("/proc/self/fd").iterdir())
        return sum(name.endswith("style.css") for name in opened) > 20  # more than are being read

    with warnings.catch_warnings(record=True) as warned, socket.socket() as reader:
        warnings.simplefilter("always", ResourceWarning)
        site = Site(tmp_path)
        site.server.start()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", site.server.port))
        reader.sendall(b"GET /page/style.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 900)  # and reads none of them
        until(are_waiting)
        site.close()
        del site
        gc.collect()
        assert not [str(warning.message) for warning in warned if "style.css" in str(warning.message)]
