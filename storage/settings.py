"""Small facts that the bot keeps about itself, by name: the hash of its avatar, its calibration of token counts."""

from __future__ import annotations

from storage.connection import Connection


class Settings:
    """The table `setting`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, key: str) -> str | None:
        """The value stored under the key; None where there is none."""
        value: str | None = self._connection.value("select value from setting where key = ?", (key,))
        return value

    def put(self, key: str, value: str) -> None:
        """Stores the value under the key, in place of an older one."""
        self._connection.run("insert or replace into setting (key, value) values (?, ?)", (key, value))

    def under(self, prefix: str) -> dict[str, str]:
        """All facts whose name begins with `prefix`, by the rest of the name."""
        rows = self._connection.rows(
            "select key, value from setting where substr(key, 1, ?) = ?", (len(prefix), prefix)
        )
        return {row["key"][len(prefix) :]: row["value"] for row in rows}
