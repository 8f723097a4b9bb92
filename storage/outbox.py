"""Messages to send, from the transaction that stores them until Telegram has them.

The table `sent` maps a message of a chat, the bot's or the user's, to the prompt that it shows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple

from core.schemas import DeferredAttachment, OutboxRow, Outgoing
from storage.connection import Connection, Row


def _outbox_row(row: Row) -> OutboxRow:
    files = {row["file_field"]: (row["file_name"], row["file"])} if row["file_field"] else None
    deferred = DeferredAttachment(*json.loads(row["attachment"])) if row["attachment"] else None
    params = json.loads(row["params"])
    return OutboxRow(
        row["id"],
        row["chat_id"],
        row["method"],
        params,
        files,
        row["prompt_id"],
        deferred,
        row["inbox_id"],
        row["note_for_end"],
    )


REFUSED = 0  # in place of a prompt id: words that a limit refused, which the user may edit and send again


class Outbox:
    """The tables `outbox`, `sent` and `notice`. Implements `telegram.send_call.OutboxStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, inbox_id: int | None, messages: Sequence[Outgoing]) -> list[OutboxRow]:
        """Store messages that answer `inbox_id`. Return the rows to hand to `Delivery.wake` after the commit."""
        return [self._add(inbox_id, message) for message in messages]

    def _add(self, inbox_id: int | None, message: Outgoing) -> OutboxRow:
        field, name, content = None, None, None
        if message.files:
            [(field, (name, content))] = message.files.items()  # one file a call
        row_id = self._connection.insert(
            "insert into outbox (inbox_id, seq, chat_id, method, params, file_field, file_name, file, attachment,"
            " prompt_id, notice, note_for_end) values"
            " (?1, (select coalesce(max(seq), -1) + 1 from outbox where inbox_id = ?1), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                inbox_id,
                message.chat_id,
                message.method,
                json.dumps(message.params, ensure_ascii=False),
                field,
                name,
                content,
                json.dumps(astuple(message.deferred)) if message.deferred else None,
                message.prompt_id,
                int(message.notice),
                message.note_for_end,
            ),
        )
        return OutboxRow(
            row_id,
            message.chat_id,
            message.method,
            message.params,
            message.files,
            message.prompt_id,
            message.deferred,
            inbox_id,
            message.note_for_end,
        )

    def pending(self) -> list[OutboxRow]:
        """Return the rows that Telegram does not have, in order."""
        return [_outbox_row(row) for row in self._connection.rows("select * from outbox order by id")]

    def pending_of(self, methods: Sequence[str]) -> list[OutboxRow]:
        """Return the calls of these methods that Telegram does not have, in order."""
        marks = ", ".join("?" * len(methods))
        rows = self._connection.rows(f"select * from outbox where method in ({marks}) order by id", tuple(methods))
        return [_outbox_row(row) for row in rows]

    def waiting_for(self, chat_id: int) -> list[int]:
        """Return the ids of a chat's unsent messages."""
        return [row["id"] for row in self._connection.rows("select id from outbox where chat_id = ?", (chat_id,))]

    def withdraw(self, row_ids: Sequence[int], *, but_for: Sequence[str]) -> None:
        """Mark calls as not to be made after a start, but for those of some methods."""
        self._connection.run(
            "update outbox set withdrawn = 1 where id in (select value from json_each(?1))"
            " and method not in (select value from json_each(?2))",
            (json.dumps(row_ids), json.dumps(but_for)),
        )

    def delete_withdrawn(self) -> None:
        """Delete the calls that were withdrawn. For a start, before anything is queued."""
        self._connection.run("delete from outbox where withdrawn = 1")

    def has_attachment(self, chat_id: int, kind: str) -> bool:
        """Return whether an attachment of this kind is on its way to a chat."""
        sql = "select 1 from outbox where chat_id = ? and json_extract(attachment, '$[0]') = ?"
        return self._connection.value(sql, (chat_id, kind)) is not None

    def sent(
        self, row_id: int, chat_id: int, message_id: int | None, prompt_id: int | None, inline_id: str = ""
    ) -> None:
        """Delete a row that Telegram has; record which prompt its message shows, and the number of a notice.

        `inline_id`: of the message that answers a guest query, which is later edited by it.
        """
        if inline_id:
            with self._connection.transaction():
                self._connection.run(
                    "insert or replace into guest_answer (inbox_id, inline_message_id) select inbox_id, ? from outbox"
                    " where id = ? and inbox_id is not null",
                    (inline_id, row_id),
                )
                self._connection.run("delete from outbox where id = ?", (row_id,))
        elif message_id is None:
            self._connection.run("delete from outbox where id = ?", (row_id,))
        else:
            self._connection.run("insert into delivered values (?, ?, ?, ?)", (row_id, chat_id, message_id, prompt_id))

    def dropped(self, row_id: int, reason: str) -> None:
        """Delete a row that Telegram refused for good. The caller logs the reason."""
        self._connection.run("delete from outbox where id = ?", (row_id,))

    def show(
        self, chat_id: int, message_id: int, prompt_id: int, *, start: int | None = None, length: int | None = None
    ) -> None:
        """Record that a message of a chat shows a prompt, or `length` characters of it from `start`."""
        self._connection.run(
            "insert or replace into sent (chat_id, message_id, prompt_id, piece_start, piece_length)"
            " values (?, ?, ?, ?, ?)",
            (chat_id, message_id, prompt_id, start, length),
        )

    def pieces_of(self, chat_id: int, prompt_id: int) -> list[tuple[int, int, int]]:
        """Return message, start and length of each piece that a prompt was sent in; empty if it was one message."""
        rows = self._connection.rows(
            "select message_id, piece_start, piece_length from sent where prompt_id = ? and chat_id = ?"
            " and piece_start is not null order by piece_start",
            (prompt_id, chat_id),
        )
        return [(row["message_id"], row["piece_start"], row["piece_length"]) for row in rows]

    def hide(self, chat_id: int, message_id: int) -> None:
        """Record that a message shows no prompt any more."""
        self._connection.run("delete from sent where chat_id = ? and message_id = ?", (chat_id, message_id))

    def has_notice(self, inbox_id: int) -> bool:
        """Return whether Telegram has a message that says what an update's work is, or one is on its way."""
        sql = (
            "select exists (select 1 from notice where inbox_id = ?1)"
            " or exists (select 1 from outbox where inbox_id = ?1 and notice = 1)"
        )
        return bool(self._connection.value(sql, (inbox_id,)))

    def notices_left(self, chat_id: int, topic_id: int) -> list[int]:
        """Return the done updates whose notice a chat's topic still has, or gets.

        Menus leave one. So does a notice that was on its way when its deletion was ordered: deleting it again harms
        nobody.
        """
        return [
            row["id"]
            for row in self._connection.rows(
                "select id from inbox where chat_id = ? and topic_id = ? and state = 'done' and id in"
                " (select inbox_id from notice where chat_id = ?1 union"
                " select inbox_id from outbox where chat_id = ?1 and notice = 1) order by id",
                (chat_id, topic_id),
            )
        ]

    def take_notice(self, inbox_id: int) -> int | None:
        """Return the message that says what an update's work is, and forget it; None if Telegram has none."""
        found: int | None = self._connection.value(
            "delete from notice where inbox_id = ? returning message_id", (inbox_id,)
        )
        return found

    def notice(self, inbox_id: int) -> int | None:
        """Return the message that says what an update's work is; None if Telegram has none."""
        found: int | None = self._connection.value("select message_id from notice where inbox_id = ?", (inbox_id,))
        return found

    def messages_of(self, chat_id: int, prompt_id: int | None) -> list[int]:
        """Return the ids of a chat's messages that show a prompt, in order."""
        rows = self._connection.rows(
            "select message_id from sent where prompt_id = ? and chat_id = ? order by message_id", (prompt_id, chat_id)
        )
        return [row["message_id"] for row in rows]

    def shown(self, chat_id: int, message_id: int) -> int | None:
        """Return the prompt that a message shows; None if its session is deleted."""
        found: int | None = self._connection.value(
            "select prompt_id from sent where chat_id = ? and message_id = ? and not exists (select 1 from prompt"
            " join session on session.id = prompt.session_id"
            " where prompt.id = sent.prompt_id and session.deleted_at is not null)",
            (chat_id, message_id),
        )
        return found
