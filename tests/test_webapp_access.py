"""Who the Web App's server lets in: init data, bans, the pace of requests."""

from __future__ import annotations

import json
import logging
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_webapp import ROUTES
from tests.webapp_fixtures import shared, site
from tests.webapp_site import PERSON, TOKEN, Site, init_data, signed
from web.authentication import CHANGE_RATE, READ_RATE, REFUSAL_RATE
from web.init_data import FRESH_S, InitDataError, authenticated_user
from web.rate_limiter import RateLimiter

__all__ = ["shared", "site"]


# ---------------------------------------------------------------------- init data


def test_init_data_of_telegram_say_who_it_is() -> None:
    visitor = authenticated_user(init_data(), TOKEN, time.time())
    assert (visitor.id, visitor.first_name, visitor.username, visitor.last_name) == (7, "Анна", "anna", None)


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


def test_data_from_the_future_say_that_the_clock_is_wrong(shared: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    early = shared.ask("api/start", init_data(age_s=-600))
    assert (early.status_code, early.json()["error"]["code"]) == (401, "clock")
    assert early.json()["error"]["text"].startswith("Часы у бота отстают")
    assert re.search(r"init data from the future: this machine's clock is (59\d|600) s behind", caplog.text)
    forged = shared.ask("api/start", init_data(age_s=-600)[:-1])
    assert forged.json()["error"]["code"] == "unsigned"


def test_stale_data_are_told_apart_from_forged_ones(shared: Site) -> None:
    stale = shared.ask("api/start", init_data(age_s=FRESH_S + 60))
    forged = shared.ask("api/start", init_data(token="123456:AAE-the-token-of-another-bot"))
    assert (stale.status_code, stale.json()["error"]["code"]) == (401, "stale")
    assert (forged.status_code, forged.json()["error"]["code"]) == (401, "unsigned")


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
        (method, re.sub(r"<int:\w+>", "1", rule.rule.lstrip("/")))
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


def test_who_comes_with_an_old_page_reads_so_however_many_are_refused(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(REFUSAL_RATE[0] + 40):
        forged = site.ask("api/start", "nonsense")
    assert forged.json()["error"]["code"] == "pace"
    with caplog.at_level("INFO"):
        for _ in range(20):
            stale = site.ask("api/start", init_data(age_s=FRESH_S + 60))
            assert (stale.status_code, stale.json()["error"]["code"]) == (401, "stale")
    assert caplog.text.count("event=web_request_refused") < 20


def test_a_bucket_fills_again_and_old_ones_are_forgotten() -> None:
    moment = [0.0]
    limiter = RateLimiter(2, 1.0, clock=lambda: moment[0])
    assert [limiter.allows("a") for _ in range(3)] == [True, True, False]
    moment[0] = 1.0
    assert [limiter.allows("a") for _ in range(2)] == [True, False]
    assert READ_RATE[0] > CHANGE_RATE[0]


def test_replayed_init_data_act_for_their_own_user_for_a_day_and_not_after_a_ban_or_a_farewell(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.register(8)
    mine, anothers = site.story(), site.story(8)
    stolen = init_data()
    for _ in range(2):
        assert site.ask(f"api/stories/{mine}", stolen).status_code == 200
    assert site.ask(f"api/stories/{anothers}", stolen).status_code == 404
    with pytest.raises(InitDataError, match="old"):
        authenticated_user(stolen, TOKEN, time.time() + FRESH_S + 60)
    with caplog.at_level(logging.DEBUG):
        assert site.ask("api/start", stolen + "0").status_code == 401
    assert stolen.rpartition("hash=")[2] not in caplog.text, "nothing to replay is in the log"
    site.tables.change("user", {"id": 7}, banned=1)
    assert site.ask(f"api/stories/{mine}", stolen).status_code == 403
    site.tables.delete("user", id=7)
    assert site.ask(f"api/stories/{mine}", stolen).json()["error"]["code"] == "unknown"
