"""Daily counts of events, without user data."""

from __future__ import annotations

from collections.abc import Mapping

from storage.connection import Connection


class Events:
    """The table `event`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, counts: Mapping[tuple[int, str], int]) -> None:
        """Add counts, given as `(day since 1970, name)` → number."""
        with self._connection.transaction():
            for (day, name), count in counts.items():
                self._connection.run(
                    "insert into event (day, name, count) values (?1, ?2, ?3)"
                    " on conflict (day, name) do update set count = count + ?3",
                    (day, name, count),
                )

    def since(self, day: int) -> dict[str, int]:
        """Return how often each event happened since a day (counted from 1970)."""
        rows = self._connection.rows(
            "select name, sum(count) as count from event where day >= ? group by name order by name", (day,)
        )
        return {row["name"]: row["count"] for row in rows}
