"""Prepare the demo: the bot's model, its environment, and the bot as a process.

The bot is the real `bot.py`. It gets the stand-ins' addresses and none of the outside ones: whatever `.env` says of
Telegram, Yandex and other services is blanked, limits are kept, and with `OPENAI_BASE_URL` set the model is that one.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import config
from sandbox.models import ModelServers
from sandbox.page_api import WEB_APP_SCRIPT
from sandbox.telegram import TelegramServer

ROOT = Path(__file__).resolve().parent.parent
CHATS = "demo-chats.json"
DATABASE = "demo.db"
STOP_S = 15.0
LAST_LINES = 20
STORYTELLER = "Демо: здесь не Telegram и не нейросеть — истории сочиняет учебная заготовка"
OUTSIDE = ("TELEGRAM_TOKEN", "TELEGRAM_API_URL", "MODEL_PROVIDER", "YANDEX_", "OPENAI_", "WEBHOOK_", "AMPLITUDE_")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@dataclass(frozen=True, slots=True)
class Model:
    """The model of the demo: the page's line about it, and the bot's settings."""

    notice: str
    settings: Mapping[str, str]


def choose_model(given: Mapping[str, str], models: ModelServers) -> Model:
    """Return the real model of `OPENAI_BASE_URL` if that is set, else the storyteller behind YandexGPT's stand-in."""
    if address := given.get("OPENAI_BASE_URL", "").strip():
        kept = {name: value for name, value in given.items() if name.startswith("OPENAI_")}
        name = given.get("OPENAI_MODEL", "").strip() or "модель"
        notice = f"Демо: здесь не Telegram, но пишет настоящая модель — {name} ({address})"
        return Model(notice, kept | {"MODEL_PROVIDER": "openai"})
    settings = {
        "MODEL_PROVIDER": "yandex",
        "YANDEX_FOLDER_ID": "b1gsandbox",
        "YANDEX_API_KEY": "sandbox-key",
        "YANDEX_LLM_URL": models.llm_url,
        "YANDEX_IAM_URL": models.iam_url,
        "YANDEX_METADATA_URL": models.metadata_url,
        "YANDEX_OPENAI_URL": models.openai_url,
        "YANDEX_STT_URL": models.stt_url,
        "YANDEX_TTS_URL": models.tts_url,
    }
    return Model(STORYTELLER, settings)


def bot_environment(
    given: Mapping[str, str], environ: Mapping[str, str], telegram: TelegramServer, model: Model, data: Path
) -> dict[str, str]:
    """Return the environment for `bot.py`: no proxy for this machine, no real token, no other service."""
    remote = model.settings.get("MODEL_PROVIDER") == "openai"
    kept = {name: value for name, value in environ.items() if remote or name.lower() not in PROXIES}
    blank = {name: "" for name in {*config.names(), *given} if name.startswith(OUTSIDE)}
    webapp_port = free_port()
    hosts = ",".join(filter(None, [kept.get("no_proxy") or kept.get("NO_PROXY"), "127.0.0.1", "localhost"]))
    return {
        **kept,
        **blank,
        **model.settings,
        "NO_PROXY": hosts,
        "no_proxy": hosts,
        "TELEGRAM_TOKEN": telegram.token,
        "TELEGRAM_API_URL": telegram.url,
        "ADMIN_IDS": "1",
        "WEBAPP_URL": f"http://127.0.0.1:{webapp_port}",
        "WEBAPP_HOST": "127.0.0.1",
        "WEBAPP_PORT": str(webapp_port),
        "WEBAPP_SCRIPT_URL": f"{telegram.url}{WEB_APP_SCRIPT}",
        "DATABASE_PATH": str(data / DATABASE),
        "LOG_FILE": environ.get("LOG_FILE") or "log.txt",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
    }


def free_port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class BotProcess:
    """`bot.py` as a child process."""

    def __init__(self, environment: Mapping[str, str], folder: Path = ROOT) -> None:
        self._lines: deque[str] = deque(maxlen=LAST_LINES)
        self._process = subprocess.Popen(
            [sys.executable, "bot.py"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl+C is for the demo, which then stops the bot
        )
        self._reader = threading.Thread(target=self._read, name="bot output", daemon=True)
        self._reader.start()

    @property
    def last_lines(self) -> str:
        """The last lines that the bot printed."""
        return "\n".join(self._lines)

    def wait(self, timeout_s: float) -> int | None:
        """Return the exit code; None while the bot runs."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(1)
        return code

    def stop(self) -> None:
        """Ask the bot to stop, and kill it if it doesn't."""
        if self._process.poll() is None:
            self._process.terminate()
            if self.wait(STOP_S) is None:
                self._process.kill()
                self._process.wait()
        self._reader.join(1)

    def _read(self) -> None:
        with self._process.stdout or open("/dev/null") as output:  # noqa: PTH123
            for line in output:
                self._lines.append(line.rstrip())


def ending(code: int, last_lines: str) -> str:
    """Return the message for a bot that ended by itself."""
    if code == 0:
        return "Бот остановлен."
    return f"Бот остановился, код выхода {code}.\n{last_lines or '(он ничего не напечатал; подробности в log.txt)'}"
