"""The Web App's server on a free port, and guests whose init data are signed as Telegram signs them.

The database is its own. There is no bot behind it: what it would be told is kept in `told`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import requests

from config import Config
from tests.bot_database import BotDatabase
from tests.ready_made import new_database, shipped_locales
from web.server import WebApp

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "123456:AAE-the-token-of-the-test-bot"
SCRIPT = "http://127.0.0.1:9/telegram-web-app.js"
PERSON = {"id": 7, "first_name": "Анна", "username": "anna", "language_code": "ru"}


def signed(fields: dict[str, str], token: str = TOKEN) -> str:
    """Init data as Telegram makes them of these fields."""
    lines = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    key = hmac.digest(b"WebAppData", token.encode(), hashlib.sha256)
    return urlencode({**fields, "hash": hmac.new(key, lines.encode(), hashlib.sha256).hexdigest()})


def init_data(user: dict[str, Any] = PERSON, *, age_s: float = 0, token: str = TOKEN, **fields: str) -> str:
    """Init data of a user, signed `age_s` ago."""
    given = {"user": json.dumps(user, ensure_ascii=False), "auth_date": str(int(time.time() - age_s))}
    return signed(given | fields, token)


class Site:
    """The server and its database."""

    def __init__(self, folder: Path, **settings: str) -> None:
        given = {
            "TELEGRAM_TOKEN": TOKEN,
            "YANDEX_FOLDER_ID": "b1gtest",
            "YANDEX_API_KEY": "key",
            "WEBAPP_URL": "http://127.0.0.1:8080",
            "WEBAPP_PORT": "0",
            "WEBAPP_SCRIPT_URL": SCRIPT,
        }
        self.config = Config.from_env(given | settings)
        self.locales = shipped_locales()
        self.db = new_database(folder / "site.db")
        self.tables = BotDatabase(folder / "site.db")
        for language in self.locales:
            self.db.characters.bring_up_to_date(language, self.locales[language].characters, int(time.time()))
        self.told: list[tuple[int, dict[str, Any]]] = []
        self.prepared: list[tuple[int, Mapping[str, Any]]] = []
        self.server = WebApp(
            self.config,
            self.db,
            self.locales,
            lambda chat, body: self.told.append((chat, json.loads(body))),
            prepare=self._prepare,
        )
        self.http = requests.Session()
        self.http.trust_env = False

    def _prepare(self, user_id: int, card: Mapping[str, Any]) -> str:
        self.prepared.append((user_id, card))
        return f"prepared-{len(self.prepared)}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def register(self, user_id: int = 7, language: str = "ru") -> None:
        """Somebody who has started the bot."""
        self.db.users.register(user_id, None, "Анна", None, language=language, balance=30_000, now=int(time.time()))

    def ask(self, path: str, as_whom: str | None = None, *, method: str = "GET", **options: Any) -> requests.Response:
        """One request, with these init data; by default those of person 7."""
        headers = {"Authorization": f"tma {init_data() if as_whom is None else as_whom}"} | options.pop("headers", {})
        return self.http.request(method, f"{self.url}/{path}", headers=headers, timeout=10, **options)

    def page(self, data: str | None = None) -> str:
        """Return the page's address as Telegram opens it."""
        return f"{self.url}/#tgWebAppData={quote(init_data() if data is None else data, safe='')}&tgWebAppVersion=9.1"

    def story(self, user_id: int = 7, title: str = "Маяк", text: str = "Жил-был маяк.") -> int:
        """Return a story of one part, with what it cost."""
        now = int(time.time())
        session_id = self.db.stories.create(
            user_id, user_id, genre="Сказка", hero="Кот", setting="Лес", extra="", title=title, now=now
        )
        prompt_id = self.db.tree.add(session_id, None, user_id, "assistant", text, now=now)
        self.db.tree.set_head(session_id, prompt_id, now)
        return session_id

    def close(self) -> None:
        self.http.close()
        self.server.stop()
        self.db.close()


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Site]:
    """Return a site that listens."""
    site = Site(folder, **settings)
    site.server.start()
    try:
        yield site
    finally:
        site.close()
