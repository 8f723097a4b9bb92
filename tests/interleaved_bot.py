"""The whole bot, its threads under a scheduler, and two users whose stories have begun.

Its updates come as polling gives them, from a thread of their own; HTTP is real, and a call is atomic.
"""

from __future__ import annotations

import logging
import re
import threading
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from app.application import App
from config import Config
from core.network import Network
from sandbox.model_faults import Behaviour, Received
from sandbox.models import ModelServers
from sandbox.telegram import TelegramServer
from sandbox.users import ChatUser
from tests.harness import BotHarness, until
from tests.ready_made import shipped_locales
from tests.scheduler import Scheduler

SETTINGS: dict[str, object] = {"MODEL_SLOTS": 2, "USER_TOKENS": 10**6, "MAX_PROJECT_TOKENS": 10**8}
PEOPLE = (1, 2)
STOP = "стоп"
MOST_OPEN = 4  # words of one user that wait; the bot takes five
TAG = re.compile(r"ход (\d+-\d+)")
ANSWER = re.compile(r"Случился ход (\d+-\d+)")


@cache
def begun() -> bytes:
    """Return the database of a bot to which two users have begun a story."""
    with TemporaryDirectory() as folder, TelegramServer() as telegram, ModelServers() as models:
        harness = BotHarness(Path(folder), telegram, models, **SETTINGS)
        harness.start()
        for user_id in PEOPLE:
            harness.writer(user_id)
        until(harness.settled)
        harness.stop()
        return harness.db.path.read_bytes()


class Log(logging.Handler):
    """Keeps what the bot logs as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class InterleavedBot:
    """A bot whose threads go on only in `scheduler.go` and `scheduler.go_until`."""

    def __init__(self, seed: int) -> None:
        self._stack = ExitStack()
        folder = Path(self._stack.enter_context(TemporaryDirectory()))
        self.telegram = self._stack.enter_context(TelegramServer())
        models = self._stack.enter_context(ModelServers())
        models.faults.rule = _answer
        self.harness = BotHarness(folder, self.telegram, models, **SETTINGS)
        self.harness.db.path.touch(0o600)
        self.harness.db.path.write_bytes(begun())
        self.people: list[ChatUser] = [self.telegram.user(user_id, f"Имя{user_id}") for user_id in PEOPLE]
        self.sent: dict[int, list[str]] = {user_id: [] for user_id in PEOPLE}
        self.stopped: set[int] = set()
        self.log = Log()
        logging.getLogger().addHandler(self.log)
        self.scheduler = Scheduler(seed)
        self._stack.enter_context(self.scheduler.controlling())
        self.app = self._start()

    def _start(self) -> App:
        environment = self.harness.environment()
        config, network = Config.from_env(environment), Network.from_env(environment)
        app = App(config, network, locales=shipped_locales(), sets_profile=False)
        app.delivery.start()
        app.turns.start()
        app.dispatcher.start()
        self._arrived = threading.Event()
        threading.Thread(target=self._poll, name="polling").start()
        return app

    def _poll(self) -> None:
        while True:
            self._arrived.wait()
            self._arrived.clear()
            with self.telegram.state.lock:
                batch = list(self.telegram.state.updates)
            offset = self.app.dispatcher.keep(batch)
            if offset is not None:
                self.telegram.state.acknowledge(offset)

    # ------------------------------------------------------------------ what happens

    def write(self, place: int) -> None:
        """Have a user write words, unless too many of theirs wait."""
        person = self.people[place]
        tags = self.sent[person.id]
        if len(tags) - len(self.answers(person)) < MOST_OPEN:
            tags.append(f"{person.id}-{len(tags) + 1}")
            self._send(person, f"И настал ход {tags[-1]}, долгий и трудный.")

    def stop(self, place: int) -> None:
        """Have a user write «стоп»."""
        self.stopped.add(self.people[place].id)
        self._send(self.people[place], STOP)

    def ask_help(self, place: int) -> None:
        """Have a user ask for help, which overtakes words that wait."""
        self._send(self.people[place], "/help")

    def show_progress(self) -> None:
        """Do what the ticker does."""
        threading.Thread(target=self.app.turns.show_progress, name="ticker").start()

    def _send(self, person: ChatUser, text: str) -> None:
        person.send(text)
        self._arrived.set()

    # ------------------------------------------------------------------ how it ends

    def answers(self, person: ChatUser) -> list[str]:
        return [found[1] for message in person.bot_messages if (found := ANSWER.search(message.text))]

    def check(self) -> None:
        """Let everything end; fail unless all is answered once, in order, and the books agree."""
        self.scheduler.go_until(lambda: self.harness.settled() and not any(self.app.turns.counts()))
        assert self.scheduler.errors == []
        assert self.log.lines == []
        assert self.telegram.violations == []
        assert not self.harness.db.count("inbox", state="aside")
        assert not self.harness.db.count("turn", state="failed")
        self.harness.check_books()
        for person in self.people:
            answers, sent = self.answers(person), self.sent[person.id]
            if person.id not in self.stopped:
                assert answers == sent
            assert answers == [tag for tag in sent if tag in answers]
            told = [tag for text in self.harness.db.values("prompt", "text", role="user") for tag in TAG.findall(text)]
            assert [tag for tag in sent if tag not in told] == []

    def close(self) -> None:
        """End the threads, which leaves the database as a kill would, and everything else."""
        logging.getLogger().removeHandler(self.log)
        self._stack.pop_all().close()
        self.app.db.close()


def _answer(received: Received) -> Behaviour:
    if received.kind != "completion" or not received.body["completionOptions"].get("stream"):
        return Behaviour(text="Память: было долго и трудно.")
    found = TAG.findall(received.body["messages"][-1]["text"])
    return Behaviour(text=f"Случился ход {found[-1]}. Потом стало тихо." if found else "Начало.", chunks=3)
