"""Run the real bot for a test, between stand-ins of Telegram and of the models, over HTTP.

The bot runs in this process (`BotHarness.start`), where a test needs its inside or its speed, or as `python bot.py`
(`BotHarness.process`), where it is to be killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from app.application import PAYMENTS_READ_AFTER_S, App
from config import Config
from core.network import Network
from sandbox.model_faults import Behaviour, Received
from sandbox.models import API_KEY, ModelServers
from sandbox.telegram import TelegramServer
from sandbox.users import ChatUser
from tests.bot_database import BotDatabase
from tests.ready_made import put_new_database, shipped_locales
from tests.waiting import until as until  # most tests take it from here

ROOT = Path(__file__).resolve().parent.parent
ADMIN_ID = 900


class BotHarness:
    """The stand-ins, and at most one bot at a time. `settings` are variables of the bot's environment."""

    def __init__(self, folder: Path, telegram: TelegramServer, models: ModelServers, **settings: object) -> None:
        self.folder = folder
        self.db = BotDatabase(folder / "bot.db")
        self.telegram = telegram
        self.models = models
        self.settings = {name: str(value) for name, value in settings.items()}
        self.sets_profile = False  # of a bot in this process: it takes 20 calls at each start
        self.payments_read_after_s = PAYMENTS_READ_AFTER_S
        self.app: App | None = None
        self.processes: list[subprocess.Popen[Any]] = []

    def environment(self) -> dict[str, str]:
        """Return the bot's environment. Telegram's own limits are off, so that tests are fast."""
        return {
            "TELEGRAM_TOKEN": self.telegram.token,
            "TELEGRAM_API_URL": self.telegram.url,
            "ADMIN_IDS": str(ADMIN_ID),
            "YANDEX_FOLDER_ID": self.models.folder_id,
            "YANDEX_API_KEY": API_KEY,
            "YANDEX_LLM_URL": self.models.llm_url,
            "YANDEX_IAM_URL": self.models.iam_url,
            "YANDEX_METADATA_URL": self.models.metadata_url,
            "YANDEX_OPENAI_URL": self.models.openai_url,
            "YANDEX_STT_URL": self.models.stt_url,
            "YANDEX_TTS_URL": self.models.tts_url,
            "DATABASE_PATH": str(self.folder / "bot.db"),
            "LOG_FILE": str(self.folder / "log.txt"),
            "TELEGRAM_MESSAGES_PER_S": "0",
            "TELEGRAM_CHAT_INTERVAL_S": "0",
            "TELEGRAM_GROUP_PER_MIN": "0",
        } | self.settings

    # ------------------------------------------------------------------ the bot

    def start(self) -> App:
        """Start the bot in this process. A first start finds a new database; `process` has the bot make it."""
        environment = self.environment()
        database = Path(environment["DATABASE_PATH"])
        if database.parent.is_dir() and not database.exists():
            put_new_database(database)
        self.app = App(
            Config.from_env(environment),
            Network.from_env(environment),
            locales=shipped_locales(),
            sets_profile=self.sets_profile,
            payments_read_after_s=self.payments_read_after_s,
        )
        self.app.start()
        return self.app

    def stop(self, turns_s: float = 5.0) -> None:
        if self.app is not None:
            self.app.stop(turns_s)
            self.app = None

    def restart(self) -> App:
        self.stop(0.0)
        return self.start()

    def process(self, *command: str) -> subprocess.Popen[bytes]:
        """Start the bot as a process of its own; `command` is what Python runs instead of `bot.py`."""
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        process = subprocess.Popen(
            [sys.executable, *(command or ("bot.py",))],
            cwd=ROOT,
            env=environment | self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def kill(self, process: subprocess.Popen[Any]) -> None:
        """Kill a process, as `kill -9` does."""
        process.send_signal(signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        self.stop(0.0)
        for process in self.processes:
            if process.poll() is None:
                self.kill(process)

    # ------------------------------------------------------------------ users

    def new_person(self, user_id: int = 1, first_name: str = "Анна") -> ChatUser:
        """Return somebody who has pressed START and sees the menu."""
        person = self.telegram.user(user_id, first_name)
        person.send("/start")
        person.wait("Кнопки под сообщением")
        return person

    def at_summary(self, user_id: int = 1) -> ChatUser:
        """Return somebody who has chosen a lighthouse story and sees its card."""
        person = self.new_person(user_id)
        hero, setting = "Смотритель Маяк: слеп", "Остров: туман круглый год"
        for answer in ("📖 Новая история", "Детектив", hero, setting, "Пропустить"):
            person.send(answer)
            person.wait()
        return person

    def writer(self, user_id: int = 1, words: str = "Начало.") -> ChatUser:
        """Return somebody whose story has its first part, which says `words`, and who was given the hint after it."""
        person = self.at_summary(user_id)
        self.says(words)
        person.press("✨ Начать историю")
        person.wait(words)
        until(lambda: not self.db.count("outbox", chat_id=user_id))
        return person

    def says(self, text: str, **behaviour: Any) -> None:
        """Order the model's next answer."""
        self.models.faults.order(Behaviour(text=text, **behaviour))

    def holds(self, text: str, *following: str) -> Event:
        """Order the model's next answer, which comes when the event is set, and those that follow it at once."""
        released, texts = Event(), deque((text, *following))

        def rule(received: Received) -> Behaviour | None:
            if received.kind != "completion" or not texts:
                return None
            said = texts.popleft()
            if said == text:
                released.wait(30)
            return Behaviour(text=said)

        self.models.faults.rule = rule
        return released

    def holds_all(self, text: str, **behaviour: Any) -> Event:
        """Order this answer to every question; all of them come when the event is set."""
        released = Event()

        def rule(received: Received) -> Behaviour | None:
            if received.kind == "completion":
                released.wait(30)
                return Behaviour(text=text, **behaviour)
            return None

        self.models.faults.rule = rule
        return released

    def day_passes(self) -> None:
        """Have what was deleted until now removed, as it is a day later."""
        assert self.app is not None
        self.app.db.stories.purge(int(time.time()) + 25 * 3600)

    # ------------------------------------------------------------------ looking inside

    def prompts(self) -> list[list[dict[str, str]]]:
        """Return the messages of every completion that reached the model, in order."""
        return [request.body["messages"] for request in list(self.models.requests) if request.kind == "completion"]

    def settled(self) -> bool:
        """Return whether no update, no turn and no message is under way, those that the bot must fetch included."""
        return not self.telegram.updates_left() and self.db.is_settled()

    def nothing_held(self) -> bool:
        """Return whether no token is reserved and no call is open."""
        return not self.db.held() and not self.db.count("call", state="asked")

    def is_idle(self) -> bool:
        """Return whether no token is reserved, and no call, update or turn is open or to be fetched."""
        nothing_open = not (self.telegram.updates_left() or self.db.open_updates() or self.db.open_turns())
        return nothing_open and self.nothing_held()

    def check_books(self) -> None:
        """Wait until all is sent; fail unless nothing is open or held, and every sum of tokens agrees."""
        until(self.db.is_settled)
        self.db.check_books(given=int(self.settings.get("USER_TOKENS", "30000")))

    def locked(self) -> AbstractContextManager[None]:
        """Hold the bot's database for writing, as another program may."""
        return self.db.locked()

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Let the bot's database grow no more."""
        assert self.app is not None
        connection = self.app.db.settings._connection  # the limit of pages belongs to a connection
        connection.value(f"pragma max_page_count = {connection.value('pragma page_count')}")
        yield
        connection.value("pragma max_page_count = 1000000")

    def log(self) -> str:
        return (self.folder / "log.txt").read_text("utf-8")
