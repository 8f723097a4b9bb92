"""Fixtures of every test: a guard that refuses connections to other machines, and the harness that runs the bot."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from sandbox.models import ModelServers
from sandbox.telegram import TelegramServer
from tests.harness import BotHarness
from tests.suite_order import arranged
from tests.tried_points import summary

if TYPE_CHECKING:
    from playwright.sync_api import Browser

settings.register_profile("bot", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("bot")

# The shell without a window takes a third of the processor time of the whole browser.
_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _BROWSERS)), None)
LOOPBACK = ("127.", "::1", "localhost")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many points of `make chaos` were tried."""
    ended = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    for line in summary(ended):
        terminalreporter.write_line(line)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = arranged(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")))


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that would speak to any other machine."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def check(address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else "localhost"
        assert str(host).startswith(LOOPBACK), f"a test tried to reach {host}"

    def guarded(self: socket.socket, address: Any) -> None:
        check(address)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        check(address)
        return connect_ex(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_ex)


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    """Run Telegram's stand-in; at the end no call may have broken the Bot API's contract."""
    with TelegramServer() as server:
        yield server
        assert server.violations == []


@pytest.fixture
def models() -> Iterator[ModelServers]:
    with ModelServers() as servers:
        yield servers


@pytest.fixture
def make_harness(telegram: TelegramServer, models: ModelServers, tmp_path: Path) -> Iterator[Callable[..., BotHarness]]:
    """Return a function that makes the test's harness, with these settings of the bot."""
    harnesses: list[BotHarness] = []

    def make(**settings: object) -> BotHarness:
        harness = BotHarness(tmp_path, telegram, models, **settings)
        harnesses.append(harness)
        return harness

    yield make
    for harness in harnesses:
        harness.close()


@pytest.fixture
def harness(make_harness: Callable[..., BotHarness]) -> BotHarness:
    """Return a harness whose bot runs."""
    made = make_harness()
    made.start()
    return made


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium once for all tests of a worker that need it."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=15_000)  # of a page that has to become so; on a busy machine 5 s are not enough
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()
