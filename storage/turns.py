"""Turns with a model: one waiting or running a chat, from the words that ask to the answer's commit."""

from __future__ import annotations

from dataclasses import dataclass

from storage.connection import Connection, Row

_COLUMNS = "id, inbox_id, chat_id, user_id, session_id, kind, prompt_id, hint, soft, variant, reply_to, state"


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn. `kind` is part, ending or epilogue; `prompt_id` is the text that the answer is written under.

    `session_id` is 0 where it has none. The `hint` of a hearing is the voice message, as JSON.
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
    reply_to: int | None  # in a group: the message that the answer replies to
    state: str


def _turn(row: Row) -> Turn:
    values = dict(row)
    values["soft"] = bool(values["soft"])
    values["variant"] = bool(values["variant"])
    values["session_id"] = values["session_id"] or 0  # none, or of an ended turn whose story is gone
    values["user_id"] = values["user_id"] or 0  # of somebody who is forgotten
    return Turn(**values)


class Turns:
    """The table `turn`."""

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
        now: int,
    ) -> int:
        """A new waiting turn; its id. There must be no open turn in this chat."""
        return self._connection.insert(
            "insert into turn (inbox_id, chat_id, user_id, session_id, kind, prompt_id, hint, soft,"
            " variant, reply_to, created_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (inbox_id, chat_id, user_id, session_id, kind, prompt_id, hint, int(soft), int(variant), reply_to, now),
        )

    def get(self, turn_id: int) -> Turn | None:
        """The turn in whichever state it is; None where there is none with this id."""
        row = self._connection.row(f"select {_COLUMNS} from turn where id = ?", (turn_id,))
        return _turn(row) if row else None

    def first_shown(self, prompt_id: int, chat_id: int) -> tuple[int, str] | None:
        """Whose turn an answer is, and its kind, while no message shows it yet; None otherwise, and for words."""
        row = self._connection.row(
            "select turn.user_id, turn.kind from prompt join turn on turn.id = prompt.turn_id"
            " where prompt.id = ?1 and prompt.role = 'assistant'"
            " and not exists (select 1 from sent where prompt_id = ?1 and chat_id = ?2)",
            (prompt_id, chat_id),
        )
        return (row["user_id"], row["kind"]) if row else None

    def open_in(self, chat_id: int) -> Turn | None:
        """The waiting or running turn of a chat."""
        row = self._connection.row(
            f"select {_COLUMNS} from turn where chat_id = ? and state in ('waiting', 'running')", (chat_id,)
        )
        return _turn(row) if row else None

    def open_by(self, user_id: int) -> list[Turn]:
        """Every waiting or running turn of a user, in whatever chat."""
        sql = f"select {_COLUMNS} from turn where state in ('waiting', 'running') and user_id = ?"
        return [_turn(row) for row in self._connection.rows(sql, (user_id,))]

    def open_of(self, session_id: int) -> bool:
        """Whether a session has a waiting or running turn."""
        sql = "select count(*) from turn where session_id = ? and state in ('waiting', 'running')"
        return bool(self._connection.value(sql, (session_id,)))

    def waiting(self) -> list[int]:
        """The ids of all waiting turns, first come first."""
        return [row["id"] for row in self._connection.rows("select id from turn where state = 'waiting' order by id")]

    def start(self, turn_id: int) -> Turn | None:
        """Compare-and-set waiting → running; the turn, None when it waits no more."""
        row = self._connection.row(
            f"update turn set state = 'running' where id = ? and state = 'waiting' returning {_COLUMNS}", (turn_id,)
        )
        return _turn(row) if row else None

    def end(self, turn_id: int, state: str, now: int) -> bool:
        """Compare-and-set open → `state` (answered, stopped, failed); False when it had ended before.

        Its update is done with it.
        """
        return (
            self._connection.run(
                "update turn set state = ?, ended_at = ? where id = ? and state in ('waiting', 'running')",
                (state, now, turn_id),
            )
            == 1
        )

    def release(self, turn_id: int) -> None:
        """A hearing gives its update back, to be handled as words, and forgets the voice message."""
        self._connection.run("update turn set inbox_id = null, hint = '' where id = ?", (turn_id,))

    def take_hint(self, turn_id: int) -> str:
        """What a failed turn was told, to tell it another one; empty from then on."""
        with self._connection.transaction():
            hint: str | None = self._connection.value("select hint from turn where id = ?", (turn_id,))
            self._connection.run("update turn set hint = '' where id = ?", (turn_id,))
        return hint or ""

    def set_notice(self, turn_id: int, message_id: int | None) -> None:
        """The message that shows the turn's place in the queue; None: there is none any more."""
        self._connection.run("update turn set notice_message_id = ? where id = ?", (message_id, turn_id))

    def failed_under(self, prompt_id: int) -> bool:
        """Whether the last turn that was to answer a prompt failed."""
        return bool(
            self._connection.value(
                "select state = 'failed' from turn where prompt_id = ? order by id desc limit 1", (prompt_id,)
            )
        )

    def recover(self) -> list[Turn]:
        """Turns that a crash cut off wait again; the open ones, first come first."""
        self._connection.run(  # as the index of open turns says it, so that no other turn is looked at
            "update turn set state = 'waiting' where state in ('waiting', 'running') and state = 'running'"
        )
        rows = self._connection.rows(f"select {_COLUMNS} from turn where state = 'waiting' order by id")
        return [_turn(row) for row in rows]

    def notices(self) -> list[tuple[int, int]]:
        """`(chat_id, message_id)` of every queue notice that nobody took away; forgets them."""
        with self._connection.transaction():
            rows = self._connection.rows(
                "select chat_id, notice_message_id from turn where notice_message_id is not null"
            )
            self._connection.run("update turn set notice_message_id = null where notice_message_id is not null")
        return [(row["chat_id"], row["notice_message_id"]) for row in rows]
