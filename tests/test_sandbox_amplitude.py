"""Amplitude's stand-in takes what the official SDK sends, refuses what Amplitude refuses, and misbehaves to order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.amplitude_api import MOST_EVENTS, AmplitudeFault, AmplitudeServer

KEY = "0123456789abcdef"


@pytest.fixture
def amplitude() -> Iterator[AmplitudeServer]:
    with AmplitudeServer(api_key=KEY) as server:
        yield server


def happened(name: str = "registered", **more: Any) -> dict[str, Any]:
    return {
        "event_type": name,
        "user_id": "tg-10",
        "insert_id": f"{name}-1",
        "library": "amplitude-python/1.3.0",
    } | more


def post(amplitude: AmplitudeServer, *events: dict[str, Any], **more: Any) -> requests.Response:
    sent = {"api_key": KEY, "events": list(events)} | more
    return requests.post(amplitude.url, json=sent, timeout=5)


def test_events_are_taken_and_kept_once(amplitude: AmplitudeServer) -> None:
    answer = post(amplitude, happened(), happened("reply_sent", event_properties={"kind": "part"}))
    assert (answer.status_code, answer.json()["code"], answer.json()["events_ingested"]) == (200, 200, 2)
    post(amplitude, happened())
    assert [event["event_type"] for event in amplitude.events] == ["registered", "reply_sent"]
    assert amplitude.wait("reply_sent")[0]["event_properties"] == {"kind": "part"}
    with pytest.raises(AssertionError, match="didn't come"):
        amplitude.wait("never", timeout_s=0.01)


@pytest.mark.parametrize(
    ("events", "more", "status", "told"),
    [
        ([happened()], {"api_key": "wrong"}, 400, "Invalid API key: wrong"),
        ([happened()], {"api_key": None}, 400, "api_key"),
        ([], {}, 400, '"missing_field":"events"'),
        ([happened(user_id="tg1")], {}, 400, '"events_with_invalid_id_lengths":{"user_id":[0]}'),
        ([happened(), happened(user_id="")], {}, 400, '"events_with_missing_fields":{"user_id":[1]}'),
        ([happened(""), happened()], {}, 400, '"events_with_missing_fields":{"event_type":[0]}'),
        ([happened()] * (MOST_EVENTS + 1), {}, 413, "Payload too large"),
        ([happened(event_properties={"text": "а" * 200_000})], {}, 413, "Payload too large"),
    ],
)
def test_what_amplitude_refuses_is_refused(
    events: list[dict[str, Any]], more: dict[str, Any], status: int, told: str, amplitude: AmplitudeServer
) -> None:
    answer = post(amplitude, *events, **more)
    assert (answer.status_code, answer.json()["code"]) == (status, status)
    assert told in answer.text and not amplitude.events


def test_a_shorter_id_is_taken_where_the_request_allows_it(amplitude: AmplitudeServer) -> None:
    assert post(amplitude, happened(user_id="tg1"), options={"min_id_length": 1}).status_code == 200


def test_faults_come_in_order_and_nothing_is_kept_of_them(amplitude: AmplitudeServer) -> None:
    amplitude.order(AmplitudeFault(429), AmplitudeFault(500), AmplitudeFault(502, not_json=True))
    throttled = post(amplitude, happened()).json()
    assert (throttled["code"], throttled["throttled_users"], throttled["throttled_events"]) == (429, {"tg-10": 31}, [0])
    assert post(amplitude, happened()).json() == {"code": 500, "error": "Internal error"}
    assert post(amplitude, happened()).text.startswith("<html>")
    amplitude.order(AmplitudeFault(drop=True), AmplitudeFault(hang_s=0.01))
    with pytest.raises(requests.ConnectionError):
        post(amplitude, happened())
    assert not amplitude.events
    assert post(amplitude, happened()).status_code == 200
    assert len(amplitude.requests) == 5


def test_a_hanging_request_is_let_go_at_the_end() -> None:
    with AmplitudeServer() as amplitude:
        amplitude.default = AmplitudeFault(hang_s=60)
        with pytest.raises(requests.Timeout):
            requests.post(amplitude.url, json={"api_key": KEY, "events": [happened()]}, timeout=0.05)


def test_another_address_is_unknown(amplitude: AmplitudeServer) -> None:
    assert requests.get(amplitude.url, timeout=5).status_code == 404
