"""A clock of this machine that is wrong, and DNS that doesn't answer: the bot goes on and names them."""

from __future__ import annotations

import datetime
import logging
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.http_clients import build_http_clients
from app.network_check import clock, ways
from config import Config
from core.clock import ServerClock
from core.errors import ConfigError, NoAnswer
from core.http_client import HttpClient
from core.network import Network
from sandbox.models import ModelServers
from sandbox.telegram import TelegramServer
from tests.harness import BotHarness, until
from tests.http_server import OK, Server, ask, says, serving
from tests.test_connections import make_certificate
from tests.test_process import run

__all__ = ["serving"]

Make = Callable[..., BotHarness]
Answering = Callable[..., Server]


@pytest.fixture
def ten_minutes_ahead() -> Iterator[TelegramServer]:
    """Run a Telegram whose clock is ten minutes ahead of this machine's."""
    with TelegramServer(clock=lambda: time.time() + 600) as server:
        yield server


def test_a_clock_that_is_wrong_is_named_in_the_log_and_by_a_check(
    ten_minutes_ahead: TelegramServer, models: ModelServers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    harness = BotHarness(tmp_path, ten_minutes_ahead, models)
    harness.start()
    try:
        harness.new_person()
        until(lambda: "event=clock_wrong" in caplog.text)
    finally:
        harness.close()
    assert re.search(r"this machine's clock is (59|60)\d s behind Telegram's", caplog.text)
    assert caplog.text.count("event=clock_wrong") == 1
    done = run("--check", **harness.environment())
    line = next(line for line in done.stdout.splitlines() if "clock" in line)
    assert done.returncode == 1
    assert re.match(r"FAIL  clock: this machine's clock is (59|60)\d s behind Telegram's: set it, ", line)


@pytest.mark.parametrize(("off_s", "said"), [(-600, r"60\d s ahead of"), (3600, r"3(59|60)\d s behind")])
def test_the_model_s_server_tells_the_time_too(off_s: int, said: str, serving: Answering, make_harness: Make) -> None:
    date = formatdate(time.time() + off_s, usegmt=True).encode()
    server = serving(says(OK.replace(b"\r\n\r\n", b"\r\nDate: " + date + b"\r\n\r\n")))
    config = Config.from_env(make_harness().environment() | {"YANDEX_LLM_URL": server.url})
    with pytest.raises(ConfigError, match=f"this machine's clock is {said} the model server's"):
        clock(config, build_http_clients(config, Network()), ServerClock("Telegram's"))


def test_no_time_told_is_no_fault(serving: Answering, make_harness: Make) -> None:
    config = Config.from_env(make_harness().environment() | {"YANDEX_LLM_URL": serving(says(OK)).url})
    assert clock(config, build_http_clients(config, Network()), ServerClock("Telegram's")).startswith("no server")


@pytest.mark.parametrize("date", ["", "nonsense", "Thu, 99 Abc 2026 99:00:00 GMT", "Thu, 01 Jan 99999 00:00:00 GMT"])
def test_a_date_that_cannot_be_read_tells_nothing(date: str) -> None:
    telegram = ServerClock("Telegram's")
    telegram.heard(date)
    assert telegram.behind_s is None and not telegram.problem()


def test_a_clock_that_is_a_little_off_is_right_and_one_that_is_set_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    telegram = ServerClock("Telegram's", look_every_s=0.0)
    for off_s in (30, 600, 601, -30):
        telegram.heard(formatdate(time.time() + off_s, usegmt=True))
    events = [record.getMessage().split()[0] for record in caplog.records]
    assert events == ["event=clock_wrong", "event=clock_right"]


@pytest.mark.parametrize("days", [30, -30], ids=["not yet valid", "no longer valid"])
def test_a_certificate_of_another_time_points_to_the_clock(days: int, serving: Answering, tmp_path: Path) -> None:
    path = make_certificate(tmp_path, datetime.timedelta(days=days))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = serving(says(OK), context)
    with pytest.raises(NoAnswer, match=r"or this machine's clock is wrong: it says 20\d\d-\d\d-\d\d \d\d:\d\d UTC"):
        ask(HttpClient(Network(ca_bundle=str(path))), server.url)


def test_dns_that_fails_at_the_start_is_named_and_waited_for(
    make_harness: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, back = socket.getaddrinfo, False

    def found(host: Any, *arguments: Any, **options: Any) -> Any:
        if not str(host).endswith(".example"):
            return real(host, *arguments, **options)
        if not back:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real("127.0.0.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    harness = make_harness()
    harness.settings["TELEGRAM_API_URL"] = f"http://telegram.example:{urlsplit(harness.telegram.url).port}"
    named = "DNS finds no address of telegram.example (Temporary failure in name resolution)"
    config = Config.from_env(harness.environment())
    with pytest.raises(ConfigError) as caught:
        ways(config, build_http_clients(config, Network()))
    assert caught.value.faults == (named,)
    app = harness.start()
    until(lambda: "event=telegram_unreachable" in caplog.text)
    assert named in caplog.text and not app.fatal.is_set()
    back = True
    harness.new_person()
