"""A whole world for a test: Telegram's and the model's stand-ins over HTTP, and the real bot between them.

The bot runs in this process (`BotHarness.start`), where a test needs its inside or its speed, or as `python bot.py`
(`BotHarness.process`), where it is to be killed.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from app.application import App
from config import Config
from sandbox.model_faults import Behaviour
from sandbox.models import API_KEY, ModelServers
from sandbox.telegram import TelegramServer
from sandbox.users import ChatUser

ROOT = Path(__file__).resolve().parent.parent
ADMIN_ID = 900
Found = TypeVar("Found")


class BotHarness:
    """The stand-ins, and at most one bot at a time. `settings` are variables of the bot's environment."""

    def __init__(self, folder: Path, telegram: TelegramServer, models: ModelServers, **settings: object) -> None:
        self.folder = folder
        self.telegram = telegram
        self.models = models
        self.settings = {name: str(value) for name, value in settings.items()}
        self.app: App | None = None
        self.processes: list[subprocess.Popen[bytes]] = []

    def environment(self) -> dict[str, str]:
        """What the bot is told of this world; Telegram's own limits are off, so that tests are fast."""
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
        """Starts the bot in this process."""
        self.app = App(Config.from_env(self.environment()))
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
        """Starts the bot as a process of its own; `command` is what Python runs instead of `bot.py`."""
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

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As `kill -9`."""
        process.send_signal(signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        self.stop(0.0)
        for process in self.processes:
            if process.poll() is None:
                self.kill(process)

    # ------------------------------------------------------------------ people

    def new_person(self, user_id: int = 1, first_name: str = "Анна") -> ChatUser:
        """Somebody who has pressed START and sees the menu."""
        person = self.telegram.user(user_id, first_name)
        person.send("/start")
        person.wait("Меню внизу")
        return person

    def at_summary(self, user_id: int = 1) -> ChatUser:
        """Somebody who has chosen a lighthouse story, and sees its card."""
        person = self.new_person(user_id)
        hero, setting = "Смотритель Маяк: слеп", "Остров: туман круглый год"
        for answer in ("📖 Новая история", "Детектив", hero, setting, "Пропустить"):
            person.send(answer)
            person.wait()
        return person

    def writer(self, user_id: int = 1, words: str = "Начало.") -> ChatUser:
        """Somebody whose story has its first part, which says `words`."""
        person = self.at_summary(user_id)
        self.says(words)
        person.press("✨ Начать историю")
        person.wait(words)
        return person

    def says(self, text: str, **behaviour: Any) -> None:
        """Orders the model's next answer."""
        self.models.faults.order(Behaviour(text=text, **behaviour))

    # ------------------------------------------------------------------ looking inside

    def prompts(self) -> list[list[dict[str, str]]]:
        """The messages of every completion that reached the model, in order."""
        return [request.body["messages"] for request in list(self.models.requests) if request.kind == "completion"]

    def value(self, sql: str, *values: object) -> Any:
        """One value out of the bot's database, read beside the bot."""
        connection = sqlite3.connect(f"file:{self.folder / 'bot.db'}?mode=ro", uri=True, timeout=5)
        try:
            row = connection.execute(sql, values).fetchone()
            return row[0] if row else None
        finally:
            connection.close()

    def settled(self) -> bool:
        """Whether nothing is under way any more: no update, no turn, no message on its way."""
        open_rows = " + ".join(
            f"(select count(*) from {table})"
            for table in (
                "inbox where state in ('new', 'turn')",
                "turn where state in ('waiting', 'running')",
                "outbox",
            )
        )
        return bool(self.value(f"select {open_rows} = 0"))

    def change(self, sql: str, *values: object) -> None:
        """Changes the bot's database beside the bot."""
        connection = sqlite3.connect(self.folder / "bot.db", timeout=5)
        try:
            with connection:
                connection.execute(sql, values)
        finally:
            connection.close()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Another program holds the bot's database for writing."""
        connection = sqlite3.connect(self.folder / "bot.db", timeout=5, isolation_level=None)
        try:
            connection.execute("begin immediate")
            yield
            connection.execute("rollback")
        finally:
            connection.close()

    def log(self) -> str:
        return (self.folder / "log.txt").read_text("utf-8")


def until(look: Callable[[], Found], timeout_s: float = 10.0) -> Found:
    """What `look` returns once it is true."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline, "it didn't come true in time"
        time.sleep(0.01)
    return found
