"""What tests of /forget_me share."""

from __future__ import annotations

from collections import Counter

from sandbox.users import ChatUser
from tests.harness import BotHarness, until


def forget(harness: BotHarness, person: ChatUser) -> None:
    person.send("/forget_me")
    asked = person.wait("Удалить всё навсегда?")
    person.tap("🗑 Удалить всё", asked)
    person.wait("больше не помню")
    until(harness.settled)


def rows_naming(harness: BotHarness, user_id: int) -> dict[str, int]:
    """Every column of every table that still holds this number as a user's or chat's."""
    found = Counter(
        f"{table}.{column}"
        for table in harness.db.tables()
        if not table.startswith("prompt_words")
        for row in harness.db.rows(table)
        for column in row
        if (column in ("user_id", "chat_id", "owner_id") or (table, column) == ("user", "id"))
        and row[column] == user_id
    )
    return dict(found)
