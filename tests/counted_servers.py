"""Stand-ins that kill the bot at a call: before it takes effect, or after it did and before its answer has come."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import replace

from sandbox.http_wire import Dropped, HttpRequest, HttpResponse
from sandbox.model_faults import Behaviour, Received, Rule
from sandbox.telegram import TelegramServer
from tests.counters import Counters
from tests.harness import until
from tests.played_conversation import WAIT_S

MIDWAY_S = 0.05
READ_LAST = "getMyCommands"  # by a bot that brings its profile up to date
PROFILE_READS = 4  # in two languages, for private chats and for groups


def kill(counters: Counters) -> None:
    """Kill the bot, and return once it has been started again."""
    runs = counters.runs
    os.kill(counters.pid, signal.SIGKILL)
    until(lambda: counters.runs > runs, WAIT_S)


class CountedTelegram(TelegramServer):
    """Counts the bot's calls and downloads once `counters` is set. `getUpdates` counts if it brings updates."""

    counters: Counters | None = None

    def __init__(self) -> None:
        super().__init__()
        self._delivered: set[int] = set()
        self._acknowledged = 0  # every update with a smaller id
        self._run = 0
        self._profile_reads = 0  # of this run of the bot

    @property
    def acknowledged(self) -> set[int]:
        """The ids of the updates that Telegram will not deliver again."""
        return {update_id for update_id in self._delivered if update_id < self._acknowledged}

    @property
    def has_read_profile(self) -> bool:
        """Whether the bot that runs now has read, and thereby set, all of its profile."""
        return self.counters is not None and self._run == self.counters.runs and self._profile_reads >= PROFILE_READS

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if self.counters is None or not request.path.startswith(("/bot", "/file/bot")):
            return super()._answer(request)
        polling = request.path.endswith("/getUpdates")
        if not polling and self.counters.is_deadly("call-before"):
            self._die(self.counters)
        answer = super()._answer(request)
        updates = self._note_updates(request, answer) if polling else 0
        counts = not polling or updates > 0
        if counts and self.counters.is_deadly("call-after"):
            self._die(self.counters)
        if request.path.endswith(f"/{READ_LAST}"):
            self._note_profile(self.counters)
        return answer

    def _note_profile(self, counters: Counters) -> None:
        if self._run != counters.runs:
            self._run, self._profile_reads = counters.runs, 0
        self._profile_reads += 1

    def _note_updates(self, request: HttpRequest, answer: HttpResponse) -> int:
        """Note what an answer to `getUpdates` delivers and what the request acknowledged; return how many it brings."""
        self._acknowledged = max(self._acknowledged, int(request.parameters()[0].get("offset") or 0))
        updates = json.loads(answer.body).get("result") or []
        self._delivered.update(update["update_id"] for update in updates)
        return len(updates)

    def _die(self, counters: Counters) -> None:
        kill(counters)
        raise Dropped


def counted(rule: Rule, counters: Counters) -> Rule:
    """Return `rule` with every request counted: the bot is killed as it asks, or while the answer comes."""

    def wrapped(received: Received) -> Behaviour | None:
        if counters.is_deadly("model-before"):
            kill(counters)
            return Behaviour(drop=True)
        behaviour = rule(received) or Behaviour()
        if not counters.is_deadly("model-midway"):
            return behaviour
        threading.Timer(MIDWAY_S, kill, (counters,)).start()
        return replace(behaviour, hang_after=2) if is_stream(received) else Behaviour(hang=True)

    return wrapped


def is_stream(received: Received) -> bool:
    """Return whether an answer is asked for piece by piece, in Yandex's own way or in OpenAI's."""
    if received.kind != "completion":
        return False
    return bool(received.body.get("completionOptions", received.body).get("stream"))
