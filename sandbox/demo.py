"""The demo's parts: which model the bot gets, the bot's environment, and the bot as a process.

The bot is the real `bot.py`. It gets the stand-ins' addresses and none of the outside ones: whatever `.env` says of
Telegram, Yandex and other services is blanked, limits are kept, and with `OPENAI_BASE_URL` set the model is that one.
"""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import config
from sandbox.model_choice import Choice
from sandbox.models import ModelServers
from sandbox.page_api import WEB_APP_SCRIPT

ROOT = Path(__file__).resolve().parent.parent
CATALOG = ROOT / "sandbox" / "catalog.toml"  # by which the built-in storyteller is called what it is
CHATS = "demo-chats.json"
DATABASE = "demo.db"
STOP_S = 15.0
LAST_LINES = 20
ADMIN_IDS = (1,)
# What the demo's bot sells, and its public shelf, unless `.env` says otherwise.
SHOP = {
    "STARS_PER_1000_TOKENS": "2",
    "STARS_PACKS": "20000, 50000, 200000=350, month:100000=150",
    "SUPPORT_CONTACT": "@anna",
    "SHELF": "on",
}
OUTSIDE = (
    *("TELEGRAM_TOKEN", "TELEGRAM_API_URL", "TELEGRAM_PROXY", "MODEL_PROVIDER"),
    *("YANDEX_", "OPENAI_", "WEBHOOK_", "AMPLITUDE_"),
)
PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@dataclass(frozen=True, slots=True)
class Model:
    """The model of the demo: what the page says of it, and the bot's settings. `name` is empty for the storyteller."""

    name: str
    settings: Mapping[str, str]

    @property
    def notice(self) -> dict[str, str]:
        """The line on top of the page: the key of a text and its value."""
        return {"key": "notice_model" if self.name else "notice_storyteller", "name": self.name}


def choose_model(given: Mapping[str, str], models: ModelServers, choice: Choice | None = None) -> Model:
    """Return the model chosen on the page, else the one of `OPENAI_BASE_URL`, else the built-in storyteller."""
    if choice is None and (address := given.get("OPENAI_BASE_URL", "").strip()):
        kept = {name: value for name, value in given.items() if name.startswith("OPENAI_")}
        return Model(_name(given.get("OPENAI_MODEL", ""), address), kept | {"MODEL_PROVIDER": "openai"})
    if choice is not None and choice.kind == "openai":
        return Model(_name(choice.model, choice.address), choice.settings)
    if choice is not None and choice.kind == "yandex":
        return Model(choice.model or "YandexGPT", choice.settings)
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
        "MODELS_FILE": str(CATALOG),
    }
    return Model("", settings)


def _name(model: str, address: str) -> str:
    """Return a model's name and its server without a name and a password in the address."""
    host = urlsplit(address).netloc.rpartition("@")[2]
    return f"{model.strip()} ({host})" if model.strip() else host


def bot_environment(
    given: Mapping[str, str], environ: Mapping[str, str], telegram: tuple[str, str], model: Model, data: Path
) -> dict[str, str]:
    """Return the environment for `bot.py`: no proxy on the way to this machine, no real token, no other service.

    `telegram` is the token and the address of the stand-in.
    """
    token, url = telegram
    kept = {name: value for name, value in environ.items() if model.name or name.lower() not in PROXIES}
    blank = {name: "" for name in {*config.names(), *given} if name.startswith(OUTSIDE)}
    webapp_port = free_port()
    hosts = ",".join(filter(None, [kept.get("no_proxy") or kept.get("NO_PROXY"), "127.0.0.1", "localhost"]))
    return {
        **kept,
        **blank,
        **{name: value for name, value in SHOP.items() if not given.get(name)},
        **model.settings,
        "NO_PROXY": hosts,
        "no_proxy": hosts,
        "TELEGRAM_TOKEN": token,
        "TELEGRAM_API_URL": url,
        "ADMIN_IDS": ",".join(map(str, ADMIN_IDS)),
        "WEBAPP_URL": f"http://127.0.0.1:{webapp_port}",
        "WEBAPP_HOST": "127.0.0.1",
        "WEBAPP_PORT": str(webapp_port),
        "WEBAPP_SCRIPT_URL": f"{url}{WEB_APP_SCRIPT}",
        "DATABASE_PATH": str(data / DATABASE),
        "LOG_FILE": environ.get("LOG_FILE") or "log.txt",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
    }


def free_port() -> int:
    """Return a port that nobody uses just now, from below those that systems take for outgoing connections."""
    for port in random.sample(range(20_000, 32_768), 100):
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise OSError("no free port")


class BotProcess:
    """`bot.py` as a child; `last_lines` is the end of what it printed."""

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
        """The end of what the bot printed, one line under another; empty if it printed nothing."""
        return "\n".join(self._lines)

    def wait(self, timeout_s: float) -> int | None:
        """Return the exit code once the bot has ended; None while it runs."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(1)
        return code

    def stop(self) -> None:
        """Asks the bot to end in good order, and kills it if it doesn't."""
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


def clear(data: Path) -> None:
    """Delete the demo's chats and the bot's database; the chosen model stays."""
    for pattern in (CHATS, f"{DATABASE}*"):
        for path in data.glob(pattern):
            path.unlink(missing_ok=True)
