"""A started delivery on a stand-in of the Bot API, with a store in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from core.errors import StorageError
from core.http_client import HttpClient
from core.schemas import DeferredAttachment, OutboxRow, RenderedAttachment
from telegram.api_client import BotApi
from telegram.rate_limits import SendLimits
from telegram.sender import Delivery
from tests.botapi_server import TOKEN, BotApiServer

Renderer = Callable[[DeferredAttachment], RenderedAttachment | None]

QUICK = SendLimits(
    messages_per_s=0,
    chat_interval_s=0,
    group_per_min=0,
    draft_interval_s=0.15,
    draft_refresh_s=0.25,
    typing_delay_s=0.0,
    typing_interval_s=0.1,
    notice_interval_s=0.1,
    growth_interval_s=0.05,
    retry_first_s=0.02,
    retry_most_s=0.1,
    timeout_s=10.0,
    best_effort_timeout_s=10.0,
)


class Store:
    """An outbox in memory."""

    def __init__(self) -> None:
        self.rows: dict[int, OutboxRow] = {}
        self.marked: list[tuple[int, int, int | None, int | None]] = []
        self.refused: dict[int, str] = {}
        self.topics_gone: list[tuple[int, int]] = []
        self.failures = 0

    def pending(self) -> Iterable[OutboxRow]:
        return [self.rows[row_id] for row_id in sorted(self.rows)]

    def sent(
        self, row_id: int, chat_id: int, message_id: int | None, prompt_id: int | None, inline_id: str = ""
    ) -> None:
        if self.failures:
            self.failures -= 1
            raise StorageError("disk full")
        del self.rows[row_id]
        self.marked.append((row_id, chat_id, message_id, prompt_id))

    def topic_gone(self, chat_id: int, topic_id: int) -> None:
        self.topics_gone.append((chat_id, topic_id))

    def dropped(self, row_id: int, reason: str) -> None:
        del self.rows[row_id]
        self.refused[row_id] = reason


class Bench:
    """A delivery between a store and a server."""

    def __init__(
        self,
        server: BotApiServer,
        limits: SendLimits = QUICK,
        senders: int = 4,
        render: Renderer = lambda deferred: None,
    ) -> None:
        self.server = server
        self.store = Store()
        self.blocked: list[int] = []
        self._last = 0
        api = BotApi(TOKEN, server.url, HttpClient())
        self.delivery = Delivery(
            api, self.store, senders=senders, limits=limits, on_blocked=self.blocked.append, render=render
        )

    def row(self, chat_id: int, text: str, method: str = "sendMessage", **params: Any) -> OutboxRow:
        self._last += 1
        prompt_id = params.pop("prompt_id", None)
        row = OutboxRow(self._last, chat_id, method, {"text": text, **params}, None, prompt_id)
        self.store.rows[row.id] = row
        return row

    def say(self, chat_id: int, text: str, method: str = "sendMessage", **params: Any) -> None:
        self.delivery.wake([self.row(chat_id, text, method, **params)])

    def texts(self, chat_id: int | None = None, method: str = "sendMessage") -> list[str]:
        return [call.params["text"] for call in self.server.of(method, chat_id=chat_id)]

    def quiet(self, method: str = "", for_s: float = 0.35) -> int:
        """Wait until no call of this method has come for a while; return how many there were."""
        deadline = time.monotonic() + 10.0
        count, since = -1, time.monotonic()
        while time.monotonic() < since + for_s:
            assert time.monotonic() < deadline, f"{method or 'calls'} go on and on"
            if (now := len(self.server.of(method) if method else self.server.calls)) != count:
                count, since = now, time.monotonic()
            time.sleep(0.01)
        return count

    def flush(self) -> None:
        assert self.delivery.flush(10.0)


Benches = Callable[..., Bench]


@pytest.fixture
def benches() -> Iterator[Benches]:
    """Make started benches on one server, and stops them."""
    made: list[Bench] = []
    with BotApiServer() as server:

        def make(**changes: Any) -> Bench:
            bench = Bench(server, **changes)
            made.append(bench)
            bench.delivery.start()
            return bench

        yield make
        for bench in made:
            bench.delivery.stop(2.0)


@pytest.fixture
def bench(benches: Benches) -> Bench:
    return benches()
