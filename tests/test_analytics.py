"""Events of analytics: what is told to Amplitude, what is counted here, and that neither stops anything."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from core.errors import StorageError
from database import Database
from monitoring.analytics import MOST_UNDER_WAY, Analytics
from tests.harness import BotHarness, until
from tests.test_characters import said, talker

# ---------------------------------------------------------------------- analytics


class Amplitude:
    """Amplitude's endpoint: keeps the events of each request."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        events, keys = self.events, self.keys

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                events.extend(body["events"])
                keys.add(body["api_key"])
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps({"code": 200, "events_ingested": len(body["events"])}).encode())

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/2/httpapi"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def names(self) -> list[str]:
        return [event["event_type"] for event in self.events]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def amplitude() -> Iterator[Amplitude]:
    made = Amplitude()
    yield made
    made.close()


def test_what_happens_is_told_to_amplitude_without_a_word_of_it(
    make_harness: Callable[..., BotHarness], amplitude: Amplitude
) -> None:
    harness = make_harness(AMPLITUDE_API_KEY="amplitude-key-0123456789", AMPLITUDE_URL=amplitude.url)
    harness.start()
    person = talker(harness)
    said(harness, person, "Тайное слово", "Тайный ответ.")
    until(lambda: harness.db.count("outbox") == 0)
    harness.stop()
    names = amplitude.names()
    assert sorted(names) == ["character_chosen", "registered", "reply_sent", "request_sent", "response_received"]
    assert {event["user_id"] for event in amplitude.events} == {"tg-01"}, "five characters at least"
    assert amplitude.keys == {"amplitude-key-0123456789"}
    chosen = next(event for event in amplitude.events if event["event_type"] == "character_chosen")
    assert chosen["event_properties"]["character"] == "panteley"
    sent = json.dumps(amplitude.events, ensure_ascii=False)
    assert "Тайн" not in sent and "Анна" not in sent


def test_a_part_is_told_when_it_is_kept_and_not_before(
    make_harness: Callable[..., BotHarness], amplitude: Amplitude
) -> None:
    harness = make_harness(AMPLITUDE_API_KEY="amplitude-key-0123456789", AMPLITUDE_URL=amplitude.url)
    harness.start()
    person = harness.writer()
    harness.says("Поздний ответ.", first_chunk_s=0.3)
    person.press("▶️ Дальше")
    until(lambda: len(harness.prompts()) == 2)
    with harness.locked():
        until(lambda: amplitude.names().count("response_received") == 2)
        assert amplitude.names().count("part_written") == 1, "the first one"
    person.wait("Поздний ответ.")
    until(lambda: harness.db.count("outbox") == 0)
    harness.stop()
    assert amplitude.names().count("part_written") == 2


def test_the_same_events_are_counted_in_the_database(harness: BotHarness) -> None:
    person = harness.writer()
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    harness.says("И жили они долго.")
    harness.says("Свет")
    person.press("😊 Счастливый")
    person.wait("Свет")
    until(lambda: harness.db.count("outbox") == 0)
    harness.stop()
    counts = {
        name: harness.db.total("event", "count", name=name)
        for name in ("registered", "story_started", "part_written", "story_finished", "request_sent", "reply_sent")
    }
    assert counts == {
        "registered": 1,
        "story_started": 1,
        "part_written": 1,
        "story_finished": 1,
        "request_sent": 3,
        "reply_sent": 2,
    }


def test_an_amplitude_that_is_away_slows_and_stops_nothing(
    make_harness: Callable[..., BotHarness], caplog: pytest.LogCaptureFixture
) -> None:
    harness = make_harness(AMPLITUDE_API_KEY="amplitude-key-0123456789", AMPLITUDE_URL="http://127.0.0.1:9/2/httpapi")
    harness.start()
    person = talker(harness)
    said(harness, person, "Привет", "Здравствуйте.")
    harness.stop()
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


def test_events_are_dropped_while_too_many_are_under_way(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    db = Database(tmp_path / "bot.db")
    silent = socket.create_server(("127.0.0.1", 0))  # takes connections and never answers: no event comes to its end
    url = f"http://127.0.0.1:{silent.getsockname()[1]}/2/httpapi"
    told = Analytics(db, api_key="amplitude-key-0123456789", server_url=url)
    with caplog.at_level(logging.WARNING):
        for number in range(MOST_UNDER_WAY + 50):
            told.tell("part_written", number)
    told.stop(0.1)
    assert "too many events under way" in caplog.text
    assert db.events.since(0) == {"part_written": MOST_UNDER_WAY + 50}, "the database counts them all"
    db.close()
    silent.close()


def test_counts_wait_for_a_database_that_cannot_be_written(harness: BotHarness) -> None:
    assert harness.app is not None
    with harness.locked():
        harness.app.analytics.tell("part_written", 1)
        with pytest.raises(StorageError):
            harness.app.analytics.flush()
    harness.app.analytics.flush()
    assert harness.db.value("event", "count", name="part_written") == 1
