"""The bot's own notes by key: the hash of its avatar, the calibration of token counts, …."""

from __future__ import annotations

from typing import Final

from storage.connection import Connection

MARK_KEY_SETTING: Final = "forgotten_secret"  # has the key of the hash under which a forgotten user's limits are kept
SECRETS: Final = (MARK_KEY_SETTING,)  # are left out of a backup unless it is asked for them


class Settings:
    """The table `setting`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, key: str) -> str | None:
        """Return the value of a key, or None."""
        value: str | None = self._connection.value("select value from setting where key = ?", (key,))
        return value

    def put(self, key: str, value: str) -> None:
        """Store a value under a key, replacing an older one."""
        self._connection.run("insert or replace into setting (key, value) values (?, ?)", (key, value))

    def under(self, prefix: str) -> dict[str, str]:
        """Return all values whose key begins with `prefix`, by the rest of the key."""
        rows = self._connection.rows(
            "select key, value from setting where substr(key, 1, ?) = ?", (len(prefix), prefix)
        )
        return {row["key"][len(prefix) :]: row["value"] for row in rows}
