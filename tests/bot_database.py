"""Read and change the bot's database beside the bot.

Tests name tables, columns and values; the SQL stands here. A condition is a value to be equal to, a tuple of values
to be one of, `None`, or `Not` of any of them.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OPEN_TURN = ("waiting", "running")
OPEN_UPDATE = ("new", "turn")


@dataclass(frozen=True, slots=True)
class Not:
    """A condition that holds for every value but this one."""

    value: Any


class BotDatabase:
    """The tables of the file at `path`, which a bot may be using. Rows come in the order of their ids."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open = threading.local()

    # ------------------------------------------------------------------ reading

    def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        """Return the rows that fit the conditions, each by column."""
        condition, values = _condition(where)
        with self._reading() as connection:
            return [dict(row) for row in connection.execute(f"select * from {table}{condition} order by 1", values)]

    def values(self, table: str, column: str, **where: Any) -> list[Any]:
        """Return one column of the rows that fit."""
        return [row[column] for row in self.rows(table, **where)]

    def value(self, table: str, column: str, **where: Any) -> Any:
        """Return the column of the first row that fits; None if there is none."""
        return next(iter(self.values(table, column, **where)), None)

    def last(self, table: str, column: str, **where: Any) -> Any:
        """Return the column of the last row that fits; None if there is none."""
        return next(reversed(self.values(table, column, **where)), None)

    def count(self, table: str, **where: Any) -> int:
        """Return how many rows fit."""
        condition, values = _condition(where)
        with self._reading() as connection:
            return int(connection.execute(f"select count(*) from {table}{condition}", values).fetchone()[0])

    def total(self, table: str, column: str, **where: Any) -> int:
        """Return the sum of a column over the rows that fit; 0 if there are none."""
        return sum(self.values(table, column, **where))

    def tables(self) -> list[str]:
        """Return the names of all tables, the search index's own ones included."""
        with self._reading() as connection:
            return [row["name"] for row in connection.execute("select name from sqlite_master where type = 'table'")]

    def is_sound(self) -> bool:
        """Run SQLite's own check of the whole file."""
        with self._reading() as connection:
            return bool(connection.execute("pragma integrity_check").fetchone()[0] == "ok")

    # ------------------------------------------------------------------ what tests ask most

    def balance(self, user_id: int = 1) -> int:
        """Return the tokens that a user has left."""
        return int(self.value("user", "balance", id=user_id))

    def held(self) -> int:
        """Return the tokens that are reserved, over all users, sessions and budgets."""
        return sum(self.total(table, "reserved") for table in ("user", "session", "budget"))

    def open_turns(self) -> int:
        """Return how many turns wait or run."""
        return self.count("turn", state=OPEN_TURN)

    def open_updates(self) -> int:
        """Return how many updates wait for their handler or their turn."""
        return self.count("inbox", state=OPEN_UPDATE)

    def is_settled(self) -> bool:
        """Return whether no update, no turn and no message is under way."""
        with self.read_at_once():
            return not (self.open_updates() or self.open_turns() or self.count("outbox"))

    def check_books(self, given: int) -> None:
        """Fail unless nothing is open or held, and every sum of tokens agrees; each user was `given` so many."""
        with self.read_at_once():
            self._check_books(given)

    def _check_books(self, given: int) -> None:
        assert self.is_sound()
        assert self.is_settled()
        assert self.held() == 0
        assert self.count("call", state="asked") == 0
        charged = self.total("call", "charged", state="settled")
        assert charged == self.total("call", "charged")
        sold = self.total("payment", "tokens") - self.total("payment", "taken_back")
        assert charged == sold + sum(given - balance for balance in self.values("user", "balance"))
        assert charged == self.total("user", "spent")
        assert charged - self.total("call", "charged", session_id=None) == self.total("session", "spent")
        settled = Counter((call["turn_id"], call["purpose"]) for call in self.rows("call", state="settled"))
        for turn in self.rows("turn", state="answered"):
            if turn["kind"] == "memory":  # as many as the path takes
                assert settled[turn["id"], "summary"] > 0
            elif turn["kind"] == "bringing":  # a text that is added to a story asks no model
                assert settled[turn["id"], "bringing"] <= 1
            else:
                assert settled[turn["id"], turn["kind"]] == 1

    # ------------------------------------------------------------------ changing

    def insert(self, table: str, **values: Any) -> int:
        """Insert a row; return its id."""
        marks = ", ".join("?" * len(values))
        sql = f"insert into {table} ({', '.join(values)}) values ({marks})"
        with self._writing() as connection:
            return int(connection.execute(sql, tuple(values.values())).lastrowid or 0)

    def change(self, table: str, where: Mapping[str, Any] | None = None, **values: Any) -> None:
        """Set columns of every row that fits `where`, of all rows without it."""
        self._update(table, where or {}, ", ".join(f"{name} = ?" for name in values), values)

    def add(self, table: str, where: Mapping[str, Any] | None = None, **amounts: int) -> None:
        """Add amounts to columns of every row that fits `where`, of all rows without it."""
        self._update(table, where or {}, ", ".join(f"{name} = {name} + ?" for name in amounts), amounts)

    def delete(self, table: str, **where: Any) -> None:
        """Delete the rows that fit."""
        condition, values = _condition(where)
        with self._writing() as connection:
            connection.execute(f"delete from {table}{condition}", values)

    def add_settled_call(
        self,
        user_id: int,
        tokens: int,
        *,
        days_ago: int = 0,
        purpose: str = "part",
        model: str = "",
        session_id: int | None = None,
    ) -> None:
        """Insert a turn of that day and its call, as if the user had asked then."""
        turn_id = self.insert("turn", chat_id=user_id, user_id=user_id, kind="part", state="answered", created_at=0)
        self.insert(
            "call",
            turn_id=turn_id,
            user_id=user_id,
            session_id=session_id,
            purpose=purpose,
            model=model,
            state="settled",
            period="ever",
            reserved=0,
            input=tokens,
            output=0,
            charged=tokens,
            asked_at=int(time.time()) - days_ago * 86_400,
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the file for writing, as another program may."""
        with closing(sqlite3.connect(self.path, timeout=5, isolation_level=None)) as connection:
            connection.execute("begin immediate")
            yield
            connection.execute("rollback")

    # ------------------------------------------------------------------ inside

    def _update(self, table: str, where: Mapping[str, Any], changes: str, values: Mapping[str, Any]) -> None:
        condition, wanted = _condition(where)
        with self._writing() as connection:
            connection.execute(f"update {table} set {changes}{condition}", (*values.values(), *wanted))

    @contextmanager
    def read_at_once(self) -> Iterator[None]:
        """Read by one connection until the end of the block: each new one reads the whole schema."""
        if getattr(self._open, "connection", None) is not None:
            yield
            return
        with self._reading() as connection:
            self._open.connection = connection
            try:
                yield
            finally:
                self._open.connection = None

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if (kept := getattr(self._open, "connection", None)) is not None:
            yield kept
            return
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=5)) as connection, connection:
            yield connection


def _condition(where: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
    """Build the `where` of a statement, and its values."""
    parts: list[str] = []
    values: list[Any] = []
    for column, wanted in where.items():
        negated = isinstance(wanted, Not)
        value = wanted.value if isinstance(wanted, Not) else wanted
        choices = value if isinstance(value, tuple) else (value,)
        # `is` compares NULL too
        fits = " or ".join(f"{column} is ?" for _ in choices)
        parts.append(f"not ({fits})" if negated else f"({fits})")
        values += choices
    return (" where " + " and ".join(parts) if parts else ""), tuple(values)
