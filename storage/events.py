"""How often each thing happened on each day: counts only, of nobody in particular."""

from __future__ import annotations

from storage.connection import Connection


class Events:
    """The table `event`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def count(self, name: str, now: int) -> None:
        """One more of these today (UTC)."""
        self._connection.run(
            "insert into event (day, name, count) values (?, ?, 1)"
            " on conflict (day, name) do update set count = count + 1",
            (now // 86_400, name),
        )

    def since(self, day: int) -> dict[str, int]:
        """How often each happened from a day (since 1970) on."""
        rows = self._connection.rows(
            "select name, sum(count) as count from event where day >= ? group by name order by name", (day,)
        )
        return {row["name"]: row["count"] for row in rows}
