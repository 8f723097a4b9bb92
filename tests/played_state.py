"""What a played conversation leaves on the screens and in the tables, as far as that is the same in every run."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.harness import BotHarness
from tests.played_conversation import Talk
from tests.ready_made import shipped_locales

# What tells when or by which number something came about, and what a lost call costs the project, differs by run.
KEPT_TABLES = ("user", "session", "story", "prompt", "suggestion", "draft", "payment", "chat_role", "picture", "turn")
VOLATILE = (
    *("id", "inbox_id", "notice_message_id", "reply_to", "message_id", "charge_id", "jpeg", "update_id"),
    "topic_id",  # a kill may leave an empty topic
)
FILE_ID = re.compile('"file_id": "[^"]*"')
TOPIC = re.compile(r"^\[[^\]]*\] ")  # its name stands before a message, and changes when the story ends
LINKS = 6  # of invoices, which a first start makes


@dataclass(frozen=True, slots=True)
class State:
    """What was there after a step."""

    shown: list[list[str]]  # on the screen of each chat
    rows: dict[str, list[dict[str, Any]]] = field(repr=False)

    def difference(self, whole: State) -> str:
        """Return what is missing or other than in `whole`; empty if only further messages are shown."""
        for shown, wanted in zip(self.shown, whole.shown, strict=True):
            left = iter(shown)
            lost = [text for text in wanted if text not in left]
            if lost:
                return f"not shown, or not in order: {lost}"
        for table, rows in whole.rows.items():
            if self.rows[table] != rows:
                return f"another state of the table {table}: {_first_difference(self.rows[table], rows)}"
        return ""

    def texts(self) -> Counter[tuple[int, str]]:
        """Return the number of the chat, and the text, of each message that is shown, whatever its topic's name is."""
        return Counter((chat, TOPIC.sub("", text)) for chat, shown in enumerate(self.shown) for text in shown)


def _first_difference(rows: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> str:
    if len(rows) != len(wanted):
        return f"{len(rows)} rows instead of {len(wanted)}"
    row, want = next(pair for pair in zip(rows, wanted, strict=True) if pair[0] != pair[1])
    return str({name: (row[name], want[name]) for name in want if row[name] != want[name]})


def state_of(harness: BotHarness, talk: Talk) -> State:
    """Return what is there now. That the disk failed is told beside the conversation."""
    with harness.db.read_at_once():
        rows = {table: list(map(_kept, harness.db.rows(table))) for table in KEPT_TABLES}
    return State([[text for text in shown if _storage_notice() not in text] for shown in talk.shown()], rows)


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in VOLATILE and not name.endswith("_at")}
    if "files" in kept:  # a message that is sent twice moves the numbers of the files that follow
        kept["files"] = FILE_ID.sub("", str(kept["files"]))
    return kept


def storage_notices(talk: Talk) -> list[list[int]]:
    """Return when each chat was told that nothing can be stored."""
    return [
        [message.date for message in person.bot_messages if _storage_notice() in message.text]
        for person in talk.screens
    ]


def _storage_notice() -> str:
    return shipped_locales()["ru"].say("problem.storage")


def is_settled(harness: BotHarness) -> bool:
    try:
        return harness.settled()
    except sqlite3.OperationalError:  # the first start has made no tables yet
        return False


def is_started(harness: BotHarness) -> bool:
    """Return whether a first start has made what it makes once."""
    try:
        keys = harness.db.values("setting", "key")
    except sqlite3.OperationalError:
        return False
    return sum(str(key).startswith("invoice_link:") for key in keys) == LINKS
