"""Sums of spent tokens, per user and for the whole bot.

Sums over all users scan every call. They run on a connection of their own and block nothing; they see the last commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.days import DAY_S
from storage.connection import Connection, reading


@dataclass(frozen=True, slots=True)
class Spending:
    """Totals of one purpose and model: tokens by the vendor's figures, and what users paid."""

    purpose: str
    model: str  # empty: the default one
    calls: int
    input: int
    output: int
    charged: int
    cached: int = 0  # of the input: the vendor had it in its cache


@dataclass(frozen=True, slots=True)
class Totals:
    """Users and their use of the bot so far."""

    users: int
    today: int  # users who asked a model today (UTC)
    week: int  # users who asked within seven days
    requests: int
    spent: int
    last_request_at: int | None
    spendings: tuple[Spending, ...]


class Reports:
    """Sums over the tables `user` and `call`. Days are UTC days, counted since 1970."""

    def __init__(self, connection: Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def days_of(self, user_id: int, since_day: int) -> dict[int, int]:
        """Return the tokens that a user paid, by day; days without any are left out."""
        rows = self._connection.rows(
            f"select asked_at / {DAY_S} as day, sum(charged) as tokens from call"
            " where user_id = ? and asked_at >= ? and charged > 0 group by day",
            (user_id, since_day * DAY_S),
        )
        return {row["day"]: row["tokens"] for row in rows}

    def days(self, since_day: int) -> dict[int, int]:
        """Return the tokens that all users paid, by day. Scans every call."""
        with reading(self._path) as reader:
            rows = reader.execute(
                f"select asked_at / {DAY_S}, sum(charged) from call where asked_at >= ? and charged > 0 group by 1",
                (since_day * DAY_S,),
            )
            return dict(rows.fetchall())

    def totals(self, now: int) -> Totals:
        """Return the totals of the whole bot. Scans every call."""
        today = now - now % DAY_S
        with reading(self._path) as reader:
            users, active, week, last_at = reader.execute(
                "select count(*), count(case when last_request_at >= ? then 1 end),"
                " count(case when last_request_at >= ? then 1 end), max(last_request_at) from user",
                (today, today - 6 * DAY_S),
            ).fetchone()
            calls = reader.execute(
                "select purpose, model, count(*), sum(input), sum(output), sum(charged), sum(cached) from call"
                " where state = 'settled' group by purpose, model order by sum(charged) desc, purpose, model"
            ).fetchall()
        spendings = tuple(Spending(*call) for call in calls)
        # Summed over calls, which stay when their user is deleted.
        requests, spent = sum(one.calls for one in spendings), sum(one.charged for one in spendings)
        return Totals(users, active, week, requests, spent, last_at, spendings)
