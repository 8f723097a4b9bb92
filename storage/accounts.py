"""A user's tokens, sessions, access, and requests for more.

Holds the columns of `user` that only the account screens and admins read; `users` holds those of every update.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.days import DAY_S
from storage.connection import Connection, Row

ASKED_FOR_S = 3 * DAY_S  # an unanswered request may be repeated after this time

_COLUMNS = (
    "id, username, first_name, last_name, language, balance, reserved, spent, requests, sessions,"
    " more_sessions, last_request_at, at_full, model, banned, blocked"
)


@dataclass(frozen=True, slots=True)
class Account:
    """A user as the profile and the admins see it. Times are Unix seconds."""

    id: int
    username: str | None
    first_name: str
    last_name: str | None
    language: str
    balance: int
    reserved: int
    spent: int
    requests: int
    sessions: int
    more_sessions: int
    last_request_at: int | None
    at_full: str  # summarise, anew
    model: str  # empty: the default one
    banned: bool
    blocked: bool

    @property
    def free(self) -> int:
        """Tokens of the balance that no reservation holds; never below 0."""
        return max(0, self.balance - self.reserved)

    @property
    def name(self) -> str:
        """First and last name as Telegram shows them."""
        return " ".join(part for part in (self.first_name, self.last_name) if part)


def _account(row: Row) -> Account:
    return Account(**(dict(row) | {"banned": bool(row["banned"]), "blocked": bool(row["blocked"])}))


class Accounts:
    """The money and access columns of the table `user`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, user_id: int) -> Account | None:
        """Return a user's account; None if the user is unknown."""
        row = self._connection.row(f"select {_COLUMNS} from user where id = ?", (user_id,))
        return _account(row) if row else None

    def named(self, username: str) -> Account | None:
        """Return the account with this @name (given without @). If several had it, the latest registered."""
        sql = f"select {_COLUMNS} from user where username = ? collate nocase order by registered_at desc limit 1"
        row = self._connection.row(sql, (username,))
        return _account(row) if row else None

    def find(self, words: str) -> list[int]:
        """Return the ids of users whose id, @name or name contains `words`; all users if it is empty.

        The most recent request comes first.
        """
        rows = self._connection.rows(
            "select id, username, first_name, last_name from user"
            " order by coalesce(last_request_at, registered_at) desc, id"
        )
        wanted = words.casefold().removeprefix("@")
        return [row["id"] for row in rows if wanted in " ".join(str(value) for value in row if value).casefold()]

    def set_at_full(self, user_id: int, at_full: str) -> None:
        """Set what the user's chats do when they fill the prompt: `summarise` or `anew`."""
        self._connection.run("update user set at_full = ? where id = ?", (at_full, user_id))

    def grant_tokens(self, user_id: int, tokens: int) -> None:
        """Add to the balance and close the user's request for more."""
        self._connection.run(
            "update user set balance = balance + ?, asked_more_at = null where id = ?", (tokens, user_id)
        )

    def grant_sessions(self, user_id: int, sessions: int) -> None:
        """Allow more sessions beyond the limit and close the user's request for more."""
        self._connection.run(
            "update user set more_sessions = more_sessions + ?, asked_more_at = null where id = ?", (sessions, user_id)
        )

    def set_banned(self, user_id: int, banned: bool) -> bool:
        """Ban or unban a user. Return False if nothing changed."""
        sql = "update user set banned = ?1, asked_more_at = null where id = ?2 and banned <> ?1"
        return self._connection.run(sql, (int(banned), user_id)) == 1

    def ask_more(self, user_id: int, now: int) -> bool:
        """Record that the user asks the admins for more. Return False while an earlier request is open."""
        sql = "update user set asked_more_at = ?1 where id = ?2 and coalesce(asked_more_at, 0) <= ?1 - ?3"
        return self._connection.run(sql, (now, user_id, ASKED_FOR_S)) == 1

    def answer_more(self, user_id: int, asked_at: int) -> bool:
        """Close the request made at `asked_at`. Return False if it was closed before."""
        sql = "update user set asked_more_at = null where id = ? and asked_more_at = ?"
        return self._connection.run(sql, (user_id, asked_at)) == 1
