"""A scripted bot that speaks to Telegram's stand-in over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.telegram import TelegramServer

TEXT = "Привет"


Keys = list[list[dict[str, str]]]


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Bot:
    """Calls the stand-in as a bot does."""

    def __init__(self, server: TelegramServer) -> None:
        self.server = server
        self.http = requests.Session()
        self.http.trust_env = False

    def raw(self, method: str, token: str = "", **options: Any) -> requests.Response:
        address = f"{self.server.url}/bot{token or self.server.token}/{method}"
        return self.http.post(address, timeout=10, **options)

    def ok(self, method: str, **params: Any) -> Any:
        answer = self.raw(method, json=params).json()
        assert answer["ok"], answer
        return answer["result"]

    def refused(self, method: str, **params: Any) -> str:
        answer = self.raw(method, json=params).json()
        assert not answer["ok"], answer
        return str(answer["description"])

    def say(self, text: str = TEXT, chat_id: int = 1, **params: Any) -> int:
        return int(self.ok("sendMessage", chat_id=chat_id, text=text, **params)["message_id"])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[TelegramServer]:
    with TelegramServer(clock=clock) as running:
        running.user(1, "Анна", username="anna")
        yield running


@pytest.fixture
def bot(server: TelegramServer) -> Iterator[Bot]:
    server.user(1).send("/start")
    caller = Bot(server)
    yield caller
    caller.http.close()


def inline(*labels: str) -> dict[str, Keys]:
    return {"inline_keyboard": [[{"text": label, "callback_data": f"data:{label}"} for label in labels]]}


def reply(*labels: str, **more: Any) -> dict[str, Any]:
    return {"keyboard": [[{"text": label} for label in labels]], **more}
