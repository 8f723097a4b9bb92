"""Turns with a model, from the request to the answer's commit. A chat has at most one open turn."""

from __future__ import annotations

from dataclasses import dataclass

from storage.connection import Connection
from storage.rows import reader

_COLUMNS = "id, inbox_id, chat_id, user_id, session_id, kind, prompt_id, hint, soft, variant, reply_to, state, topic_id"


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn. `kind` names the kind of turn; `prompt_id` is the text that the answer follows.

    `session_id` is 0 if it belongs to no session. The `hint` of a transcription is the voice message, as JSON.
    """

    id: int
    inbox_id: int | None
    chat_id: int
    user_id: int
    session_id: int
    kind: str
    prompt_id: int | None
    hint: str
    soft: bool
    variant: bool
    reply_to: int | None  # the message that an answer in a group replies to
    state: str
    topic_id: int = 0


def _or_0(id: int | None) -> int:
    return id or 0  # no session, or it was deleted; or the user's data was deleted


_turn = reader(Turn, user_id=_or_0, session_id=_or_0, soft=bool, variant=bool)


class Turns:
    """The table `turn`.

    The trigger `turn_ends` marks the update that asked for a turn as done when the turn ends.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        *,
        inbox_id: int | None,
        chat_id: int,
        user_id: int,
        session_id: int | None,
        kind: str,
        prompt_id: int | None,
        hint: str,
        soft: bool = False,
        variant: bool = False,
        reply_to: int | None = None,
        topic_id: int = 0,
        now: int,
    ) -> int:
        """Add a waiting turn and return its id. The chat, or the group's topic, must have no open turn."""
        return self._connection.insert(
            "insert into turn (inbox_id, chat_id, user_id, session_id, kind, prompt_id, hint, soft,"
            " variant, reply_to, topic_id, created_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                inbox_id,
                chat_id,
                user_id,
                session_id,
                kind,
                prompt_id,
                hint,
                int(soft),
                int(variant),
                reply_to,
                topic_id,
                now,
            ),
        )

    def get(self, turn_id: int | None) -> Turn | None:
        """Return the turn in any state; None if the id is unknown."""
        row = self._connection.row(f"select {_COLUMNS} from turn where id = ?", (turn_id,))
        return _turn(row) if row else None

    def of_update(self, inbox_id: int) -> Turn | None:
        """Return the turn of an update, in any state; None if it has none."""
        row = self._connection.row(f"select {_COLUMNS} from turn where inbox_id = ?", (inbox_id,))
        return _turn(row) if row else None

    def is_open(self, turn_id: int) -> bool:
        """Return whether a turn waits or runs."""
        sql = "select count(*) from turn where id = ? and state in ('waiting', 'running')"
        return bool(self._connection.value(sql, (turn_id,)))

    def first_shown(self, prompt_id: int, chat_id: int) -> tuple[int, str] | None:
        """Return the user and kind of an answer that no message shows yet; None otherwise and for user words."""
        row = self._connection.row(
            "select turn.user_id, turn.kind from prompt join turn on turn.id = prompt.turn_id"
            " where prompt.id = ?1 and prompt.role = 'assistant'"
            " and not exists (select 1 from sent where prompt_id = ?1 and chat_id = ?2)",
            (prompt_id, chat_id),
        )
        return (row["user_id"], row["kind"]) if row else None

    def open_in(self, chat_id: int, topic_id: int = 0) -> Turn | None:
        """Return the waiting or running turn of a chat, or of one of its topics."""
        row = self._connection.row(
            f"select {_COLUMNS} from turn where chat_id = ? and topic_id = ? and state in ('waiting', 'running')",
            (chat_id, topic_id),
        )
        return _turn(row) if row else None

    def open_by(self, user_id: int) -> list[Turn]:
        """Return all waiting or running turns of a user, in any chat."""
        sql = f"select {_COLUMNS} from turn where state in ('waiting', 'running') and user_id = ?"
        return [_turn(row) for row in self._connection.rows(sql, (user_id,))]

    def open_of(self, session_id: int) -> bool:
        """Return whether a session has a waiting or running turn."""
        sql = "select count(*) from turn where session_id = ? and state in ('waiting', 'running')"
        return bool(self._connection.value(sql, (session_id,)))

    def waiting(self) -> list[int]:
        """Return the ids of all waiting turns, oldest first."""
        return [row["id"] for row in self._connection.rows("select id from turn where state = 'waiting' order by id")]

    def start(self, turn_id: int) -> Turn | None:
        """Set a turn from waiting to running by compare-and-set. Return it, or None if it no longer waits."""
        row = self._connection.row(
            f"update turn set state = 'running' where id = ? and state = 'waiting' returning {_COLUMNS}", (turn_id,)
        )
        return _turn(row) if row else None

    def end(self, turn_id: int, state: str, now: int) -> bool:
        """Set an open turn to `state` (answered, stopped, failed) by compare-and-set; False if it had ended.

        A trigger marks its update as done.
        """
        return (
            self._connection.run(
                "update turn set state = ?, ended_at = ? where id = ? and state in ('waiting', 'running')",
                (state, now, turn_id),
            )
            == 1
        )

    def release(self, turn_id: int) -> None:
        """Detach a transcription from its update, which is then handled as words, and forget the voice message."""
        self._connection.run("update turn set inbox_id = null, hint = '' where id = ?", (turn_id,))

    def has_answered(self, user_id: int, kind: str) -> bool:
        """Return whether a turn of this kind has been answered in one of the user's sessions."""
        sql = (
            "select 1 from session join turn on turn.session_id = session.id"
            " where session.user_id = ? and turn.kind = ? and turn.state = 'answered' limit 1"
        )
        return self._connection.value(sql, (user_id, kind)) is not None

    def move(self, turn_id: int, topic_id: int) -> bool:
        """Move a running turn into another topic of its chat; False if it has ended, or another one is open there."""
        sql = (
            "update turn set topic_id = ?1 where id = ?2 and state = 'running'"
            " and not exists (select 1 from turn as other where other.chat_id = turn.chat_id and other.topic_id = ?1"
            " and other.state in ('waiting', 'running'))"
        )
        return self._connection.run(sql, (topic_id, turn_id)) == 1

    def take_hint(self, turn_id: int) -> str:
        """Return and clear the hint of a failed turn, to pass it on to the next one."""
        with self._connection.transaction():
            hint: str | None = self._connection.value("select hint from turn where id = ?", (turn_id,))
            self._connection.run("update turn set hint = '' where id = ?", (turn_id,))
        return hint or ""

    def set_notice(self, turn_id: int, message_id: int | None) -> None:
        """Set the message that shows the turn's place in the queue; None: none."""
        self._connection.run("update turn set notice_message_id = ? where id = ?", (message_id, turn_id))

    def failed_under(self, prompt_id: int) -> bool:
        """Return whether the last turn that was to answer a prompt failed."""
        return bool(
            self._connection.value(
                "select state = 'failed' from turn where prompt_id = ? order by id desc limit 1", (prompt_id,)
            )
        )

    def recover(self) -> list[Turn]:
        """Set turns that a crash interrupted back to waiting. Return the waiting ones, oldest first."""
        self._connection.run(  # the first condition lets SQLite use the partial index of open turns
            "update turn set state = 'waiting' where state in ('waiting', 'running') and state = 'running'"
        )
        rows = self._connection.rows(f"select {_COLUMNS} from turn where state = 'waiting' order by id")
        return [_turn(row) for row in rows]

    def notices(self) -> list[tuple[int, int]]:
        """Return `(chat_id, message_id)` of every leftover queue notice, and forget them."""
        with self._connection.transaction():
            rows = self._connection.rows(
                "select chat_id, notice_message_id from turn where notice_message_id is not null"
            )
            self._connection.run("update turn set notice_message_id = null where notice_message_id is not null")
        return [(row["chat_id"], row["notice_message_id"]) for row in rows]
