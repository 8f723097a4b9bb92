"""Stored updates, from arrival to end, each handled once and in order.

A row is stored before Telegram is told that the update was received. A done row loses its body at once and stays for 48
hours as the filter for redelivery.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from storage.connection import Connection, Row

KEEP_DONE_S = 48 * 3600
NO_SESSION = -1
AT_ONCE = -1  # in place of a topic: the update waits for no other one of its chat
_NO_TOPICS: Mapping[int | None, int] = {}


@dataclass(frozen=True, slots=True)
class InboxRow:
    """An unfinished update; `body` is its JSON as received.

    `queued`: the session that its words wait for, `NO_SESSION` if none; 0 if it doesn't wait for a turn. `blocks`:
    later updates of the chat wait for this one. The body is empty while a voice message is being transcribed; it is
    read again when the row's turn comes.
    """

    id: int
    chat_id: int
    body: str
    attempts: int = 0
    queued: int = 0
    blocks: bool = False
    topic_id: int = 0

    @property
    def queue(self) -> tuple[int, int]:
        """The queue that the update is in."""
        return queue_of(self.chat_id, self.topic_id)


def queue_of(chat_id: int, topic_id: int) -> tuple[int, int]:
    """Return the name of a queue of updates: a chat has one a topic. What is answered `AT_ONCE` has one of its own."""
    return chat_id, topic_id


def _inbox_row(row: Row) -> InboxRow:
    return InboxRow(row["id"], row["chat_id"], row["body"], row["attempts"], row["queued"], topic_id=row["topic_id"])


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many rows wait, and when the oldest of them arrived: Unix seconds, None if no row waits."""

    new: int  # for a handler
    in_turns: int
    oldest_at: int | None


class Inbox:
    """The table `inbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self, updates: Iterable[tuple[int | None, int, str]], now: int, topics: Mapping[int | None, int] = _NO_TOPICS
    ) -> list[InboxRow]:
        """Store `(update_id, chat_id, body)`. Return the new rows in order; known update ids are skipped.

        `topics` has the topic of an update by its id; 0 if it has none.
        """
        added = []
        for update_id, chat_id, body in updates:
            topic_id = topics.get(update_id, 0)
            row = self._connection.row(
                "insert or ignore into inbox (update_id, chat_id, body, arrived_at, topic_id) values (?, ?, ?, ?, ?)"
                " returning id",
                (update_id, chat_id, body, now, topic_id),
            )
            if row is not None:
                added.append(InboxRow(row["id"], chat_id, body, topic_id=topic_id))
        return added

    def unfinished(self) -> list[InboxRow]:
        """Return the rows that no handler has finished, in order: the work of a new run."""
        return [
            _inbox_row(row)
            for row in self._connection.rows(
                "select id, chat_id, body, attempts, queued, topic_id from inbox where state = 'new' order by id"
            )
        ]

    def in_transcription(self) -> list[InboxRow]:
        """Return the voice messages that are being transcribed, in order."""
        rows = self._connection.rows(
            "select inbox.id, inbox.chat_id, queued, inbox.topic_id from turn join inbox on inbox.id = turn.inbox_id"
            " where turn.state in ('waiting', 'running') and kind = 'hearing' order by inbox.id"
        )
        return [
            InboxRow(row["id"], row["chat_id"], "", 0, row["queued"], blocks=True, topic_id=row["topic_id"])
            for row in rows
        ]

    def become_words(self, inbox_id: int, body: str) -> None:
        """Replace a transcribed voice message by a text update, at the same place in its chat's order."""
        self._connection.run(
            "update inbox set state = 'new', body = ?, attempts = 0, done_at = null where id = ?", (body, inbox_id)
        )

    def gather(self, inbox_id: int, body: str, pieces: Iterable[int], now: int) -> bool:
        """Give a row the body of one update made of it and later rows, which end. Return False if it has ended."""
        sql = "update inbox set body = ? where id = ? and state = 'new'"
        if self._connection.run(sql, (body, inbox_id)) == 0:
            return False
        for piece in pieces:
            self.finish(piece, now)
        return True

    def state_and_body(self, inbox_id: int) -> tuple[str, str]:
        """Return a row's state and body."""
        row = self._connection.row("select state, body from inbox where id = ?", (inbox_id,))
        return (row["state"], row["body"]) if row else ("done", "")

    def topic_of(self, inbox_id: int | None) -> int:
        """Return the topic that an update belongs to; 0 if none, or if the row is deleted."""
        return self._connection.value("select topic_id from inbox where id = ?", (inbox_id,)) or 0

    def backlog(self) -> Backlog:
        """Return what waits in the inbox."""
        row = self._connection.row(
            "select count(*) filter (where state = 'new') as new, count(*) filter (where state = 'turn') as turn,"
            " min(arrived_at) as oldest from inbox where state in ('new', 'turn')"
        )
        assert row is not None
        return Backlog(row["new"], row["turn"], row["oldest"])

    def is_new(self, inbox_id: int) -> bool:
        """Return whether the row still waits for its handler."""
        return bool(self._connection.value("select state from inbox where id = ?", (inbox_id,)) == "new")

    def count_attempt(self, inbox_id: int) -> None:
        """Count an attempt to handle the row. It is stored first, so that a crash counts too."""
        self._connection.run("update inbox set attempts = attempts + 1 where id = ?", (inbox_id,))

    def queue(self, inbox_id: int, session_id: int) -> None:
        """Mark a row as waiting for the running turn; its words are for this session, or `NO_SESSION`.

        Resets the attempts: waiting is not an attempt.
        """
        self._connection.run("update inbox set queued = ?, attempts = 0 where id = ?", (session_id, inbox_id))

    def queued_in(self, chat_id: int, topic_id: int = 0) -> int:
        """Return how many rows of a queue wait for its running turn."""
        return int(
            self._connection.value(
                "select count(*) from inbox where state = 'new' and queued <> 0 and chat_id = ? and topic_id = ?",
                (chat_id, topic_id),
            )
        )

    def is_queued(self, inbox_id: int, chat_id: int) -> bool:
        """Return whether a row of a chat waits for its running turn."""
        sql = "select count(*) from inbox where id = ? and chat_id = ? and state = 'new' and queued <> 0"
        return bool(self._connection.value(sql, (inbox_id, chat_id)))

    def waiting_before(self, inbox_id: int, chat_id: int, topic_id: int = 0) -> int:
        """Return how many older rows of a queue still wait for their handler."""
        return int(
            self._connection.value(
                "select count(*) from inbox"
                " where state in ('new', 'turn') and state = 'new'"  # the first for the index `inbox_open`
                " and id < ? and chat_id = ? and topic_id = ?",
                (inbox_id, chat_id, topic_id),
            )
        )

    def become_turn(self, inbox_id: int) -> None:
        """Hand the row over to a turn and reset its attempts."""
        self._connection.run("update inbox set state = 'turn', attempts = 0 where id = ?", (inbox_id,))

    def finish(self, inbox_id: int, now: int) -> None:
        """Mark a row as done at `now` (Unix seconds) and empty its body."""
        self._connection.run("update inbox set state = 'done', body = '', done_at = ? where id = ?", (now, inbox_id))

    def drop_queued(self, inbox_id: int, chat_id: int, now: int) -> bool:
        """End a row that waits for the running turn. Return False if it no longer does."""
        return (
            self._connection.run(
                "update inbox set state = 'done', body = '', done_at = ?"
                " where id = ? and chat_id = ? and state = 'new' and queued <> 0",
                (now, inbox_id, chat_id),
            )
            == 1
        )

    def make_dead_letter(self, inbox_id: int) -> None:
        """Make an update a dead letter: it is never run again, and its body is kept for the developer.

        The state's name is that of version 1.0.0, since the table's check can't be altered.
        """
        self._connection.run("update inbox set state = 'aside' where id = ?", (inbox_id,))

    def purge(self, now: int) -> int:
        """Delete done rows that Telegram can't redeliver any more. Return how many."""
        return self._connection.run("delete from inbox where state = 'done' and done_at < ?", (now - KEEP_DONE_S,))
