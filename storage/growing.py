"""The messages in which running turns' answers grow by edits.

A turn has at most one. The trigger `growing_ends` forgets it when the row that completes or deletes it has left the
outbox.
"""

from __future__ import annotations

from storage.connection import Connection


class GrowingAnswers:
    """The table `growing`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def set(self, turn_id: int, chat_id: int, message_id: int | None) -> None:
        """Store the message of a turn; None: it has none any more."""
        if message_id is None:
            self._connection.run("delete from growing where turn_id = ?", (turn_id,))
        else:
            self._connection.run(
                "insert or replace into growing (turn_id, chat_id, message_id) select id, ?, ? from turn where id = ?",
                (chat_id, message_id, turn_id),
            )

    def message_of(self, turn_id: int) -> int | None:
        """Return the message of a turn; None if Telegram has none."""
        found: int | None = self._connection.value("select message_id from growing where turn_id = ?", (turn_id,))
        return found

    def take_orphans(self) -> list[tuple[int, int]]:
        """Return `(chat_id, message_id)` of the messages that no row of the outbox completes, and forget them.

        For the start of the bot: no turn runs yet.
        """
        rows = self._connection.rows(
            "delete from growing where turn_id not in (select json_extract(attachment, '$[1]') from outbox"
            " where attachment is not null and json_extract(attachment, '$[0]') = 'growing')"
            " returning chat_id, message_id"
        )
        return [(row["chat_id"], row["message_id"]) for row in rows]
