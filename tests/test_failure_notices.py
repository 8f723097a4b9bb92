"""What a chat reads while nothing can be stored: soon, and then ever more rarely."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from config import Config
from database import Database
from telegram.failure_notices import FailureNotices
from telegram.sender import Delivery
from tests.botapi_server import TOKEN
from tests.ledger_calls import db
from tests.ready_made import shipped_locales

__all__ = ["db"]

CHAT = 1
DAY_S = 86_400


@dataclass
class Chats:
    """Notes when a chat is told something, by a clock that is set."""

    now: float = 0.0
    told: dict[int, list[float]] = field(default_factory=dict)

    def direct(self, chat_id: int, text: str, topic_id: int = 0) -> None:
        self.told.setdefault(chat_id, []).append(self.now)


def test_a_disk_that_stays_full_is_told_ever_more_rarely_and_at_once_the_next_time(db: Database) -> None:
    chats = Chats()
    config = Config.from_env({"TELEGRAM_TOKEN": TOKEN, "YANDEX_FOLDER_ID": "b1gfolder"})
    notices = FailureNotices(config, db, shipped_locales(), cast(Delivery, chats), clock=lambda: chats.now)
    for now in range(0, 2 * DAY_S, 30):  # the longest time after which what waits is tried again
        chats.now = float(now)
        notices.storage_failed(CHAT)
    told = list(chats.told[CHAT])
    assert told[:4] == [0, 60, 180, 420] and len(told) == 12
    chats.now += 10
    notices.storage_failed(2)
    assert chats.told[2] == [chats.now]
    chats.now += 600
    notices.storage_failed(CHAT)
    assert chats.told[CHAT] == [*told, chats.now]
