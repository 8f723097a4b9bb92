"""What came in: every update from its arrival to its end, in order, once.

A row is there before Telegram is told that the update was received. Done rows lose their body at once
and are kept for 48 hours as the filter against redelivery.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from storage.connection import Connection, Row

KEEP_DONE_S = 48 * 3600
NO_SESSION = -1


@dataclass(frozen=True, slots=True)
class InboxRow:
    """An update that waits for its end. `body` is its JSON as it came.

    `queued`: the session that its words wait to go into, `NO_SESSION` for none; 0: it doesn't wait for a turn.
    `blocks`: whatever comes after it waits for it. An empty body is read when the row's time has come: it is being
    heard, and will be words then.
    """

    id: int
    chat_id: int
    body: str
    attempts: int = 0
    queued: int = 0
    blocks: bool = False


def _inbox_row(row: Row) -> InboxRow:
    return InboxRow(row["id"], row["chat_id"], row["body"], row["attempts"], row["queued"])


class Inbox:
    """The table `inbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, updates: Iterable[tuple[int | None, int, str]], now: int) -> list[InboxRow]:
        """Keeps `(update_id, chat_id, body)`; the rows that are new, in order. Known update ids are left out."""
        added = []
        for update_id, chat_id, body in updates:
            row = self._connection.row(
                "insert or ignore into inbox (update_id, chat_id, body, arrived_at) values (?, ?, ?, ?) returning id",
                (update_id, chat_id, body, now),
            )
            if row is not None:
                added.append(InboxRow(row["id"], chat_id, body))
        return added

    def unfinished(self) -> list[InboxRow]:
        """All that no handler has finished, in order: what to begin a life with."""
        return [
            _inbox_row(row)
            for row in self._connection.rows(
                "select id, chat_id, body, attempts, queued from inbox where state = 'new' order by id"
            )
        ]

    def being_heard(self) -> list[InboxRow]:
        """The voice messages that a turn makes words of, in order."""
        rows = self._connection.rows(
            "select inbox.id, inbox.chat_id, queued from turn join inbox on inbox.id = turn.inbox_id"
            " where turn.state in ('waiting', 'running') and kind = 'hearing' order by inbox.id"
        )
        return [InboxRow(row["id"], row["chat_id"], "", 0, row["queued"], blocks=True) for row in rows]

    def become_words(self, inbox_id: int, body: str) -> None:
        """A voice message was heard: its row is this update now, in the same place of its chat's order."""
        self._connection.run(
            "update inbox set state = 'new', body = ?, attempts = 0, done_at = null where id = ?", (body, inbox_id)
        )

    def look(self, inbox_id: int) -> tuple[str, str]:
        """A row's state and body."""
        row = self._connection.row("select state, body from inbox where id = ?", (inbox_id,))
        return (row["state"], row["body"]) if row else ("done", "")

    def standing(self) -> tuple[int, int, int | None]:
        """How many rows wait for their handler, how many for their turn's end, and when the oldest of them arrived."""
        row = self._connection.row(
            "select count(*) filter (where state = 'new') as new, count(*) filter (where state = 'turn') as turn,"
            " min(arrived_at) as oldest from inbox where state in ('new', 'turn')"
        )
        assert row is not None
        return row["new"], row["turn"], row["oldest"]

    def is_new(self, inbox_id: int) -> bool:
        """Whether the row is there and nobody has dealt with it yet."""
        return bool(self._connection.value("select state from inbox where id = ?", (inbox_id,)) == "new")

    def count_attempt(self, inbox_id: int) -> None:
        """One more attempt to deal with the row: kept, so that a crash counts too."""
        self._connection.run("update inbox set attempts = attempts + 1 where id = ?", (inbox_id,))

    def queue(self, inbox_id: int, session_id: int) -> None:
        """The row waits for the running turn and has been told so; its words are for this session, or `NO_SESSION`.

        Waiting isn't an attempt.
        """
        self._connection.run("update inbox set queued = ?, attempts = 0 where id = ?", (session_id, inbox_id))

    def queued_in(self, chat_id: int) -> int:
        """How many rows of a chat wait for its running turn."""
        return int(
            self._connection.value(
                "select count(*) from inbox where state = 'new' and queued <> 0 and chat_id = ?", (chat_id,)
            )
        )

    def waiting_before(self, inbox_id: int, chat_id: int) -> int:
        """How many older rows of a chat still wait for their handler."""
        return int(
            self._connection.value(
                "select count(*) from inbox"
                " where state in ('new', 'turn') and state = 'new' and id < ? and chat_id = ?",
                (inbox_id, chat_id),
            )
        )

    def become_turn(self, inbox_id: int) -> None:
        """From here on the row is a turn's; its attempts are counted from 0 again."""
        self._connection.run("update inbox set state = 'turn', attempts = 0 where id = ?", (inbox_id,))

    def finish(self, inbox_id: int, now: int) -> None:
        """The row was dealt with at `now` (Unix seconds): it stays for a while, its words are wiped at once."""
        self._connection.run("update inbox set state = 'done', body = '', done_at = ? where id = ?", (now, inbox_id))

    def drop_queued(self, inbox_id: int, chat_id: int, now: int) -> bool:
        """Ends a row that still waits for the running turn; False when it doesn't (any more)."""
        return (
            self._connection.run(
                "update inbox set state = 'done', body = '', done_at = ?"
                " where id = ? and chat_id = ? and state = 'new' and queued <> 0",
                (now, inbox_id, chat_id),
            )
            == 1
        )

    def set_aside(self, inbox_id: int) -> None:
        """Keeps a poisonous update, body and all, for the developer to read; it is never run again."""
        self._connection.run("update inbox set state = 'aside' where id = ?", (inbox_id,))

    def purge(self, now: int) -> int:
        """Forgets done rows that Telegram can't redeliver any more; how many."""
        return self._connection.run("delete from inbox where state = 'done' and done_at < ?", (now - KEEP_DONE_S,))
