"""Chats in which the bot is a guest: the messages that answer there, and what characters remember of each chat.

A memory is a talk of `talks` whose chat is a guest chat (`core/guest_chats.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from storage.connection import Connection

_GUEST: Final = "session.chat_id <= -1152921504606846976"  # -(1 << 60), as in `core/guest_chats.py`


@dataclass(frozen=True, slots=True)
class GuestTalk:
    """What a character remembers of a chat: `opening` is what a user said first there."""

    session_id: int
    chat_id: int
    character: str
    opening: str


@dataclass(frozen=True, slots=True)
class UnshownCall:
    """A call into a guest chat: `inline_id` of the message that answers it, if Telegram has one; its unsent rows."""

    inbox_id: int
    chat_id: int
    character: str
    inline_id: str | None
    row_ids: tuple[int, ...]


class Guests:
    """The table `guest_answer`, and the talks of guest chats."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def answer_to(self, inbox_id: int) -> str | None:
        """Return the id of the message that answers a query; None if Telegram has none."""
        found: str | None = self._connection.value(
            "select inline_message_id from guest_answer where inbox_id = ?", (inbox_id,)
        )
        return found

    def query_of(self, row_id: int) -> int | None:
        """Return the update whose query an unsent message is to answer; None if it answers none."""
        found: int | None = self._connection.value(
            "select inbox_id from outbox where id = ? and method = 'answerGuestQuery'", (row_id,)
        )
        return found

    def is_refused(self, inbox_id: int) -> bool:
        """Return whether Telegram has refused the answer to a query: it has no message, and none is on its way."""
        return bool(
            self._connection.value(
                "select not exists (select 1 from guest_answer where inbox_id = ?1)"
                " and not exists (select 1 from outbox where inbox_id = ?1 and method = 'answerGuestQuery')",
                (inbox_id,),
            )
        )

    def unshown(self, user_id: int) -> list[UnshownCall]:
        """Return a user's calls that wait, whose answer is being made, or whose answer Telegram doesn't have yet."""
        rows = self._connection.rows(
            "with of_user as (select inbox_id, chat_id, session_id, state in ('waiting', 'running') as open from turn"
            " where user_id = ?1 and kind = 'guest' and inbox_id is not null"
            " union all select id, chat_id, queued, 1 from inbox where queued > 0 and state = 'new'"
            " and case when json_valid(body) then json_extract(body, '$.guest_message.from.id') end = ?1)"
            " select of_user.inbox_id, of_user.chat_id, coalesce(character.name, '…') as character,"
            " guest_answer.inline_message_id as inline_id, (select json_group_array(id) from outbox"
            " where inbox_id = of_user.inbox_id and chat_id = of_user.chat_id) as row_ids"
            " from of_user left join session on session.id = of_user.session_id"
            " left join character on character.id = session.character_id"
            " left join guest_answer on guest_answer.inbox_id = of_user.inbox_id"
            " where of_user.open"
            " or exists (select 1 from outbox where inbox_id = of_user.inbox_id and chat_id = of_user.chat_id)",
            (user_id,),
        )
        return [UnshownCall(**(dict(row) | {"row_ids": tuple(json.loads(row["row_ids"]))})) for row in rows]

    def last_character(self, chat_id: int) -> int | None:
        """Return the character that was talked to last in a chat; None if there is none."""
        found: int | None = self._connection.value(
            "select character_id from session where chat_id = ? and kind = 'character' and character_id is not null"
            " and deleted_at is null order by touched_at desc, id desc limit 1",
            (chat_id,),
        )
        return found

    def talks_in(self, chat_id: int) -> list[int]:
        """Return the talks of a guest chat, one for each character that was called there."""
        rows = self._connection.rows("select id from session where chat_id = ? and deleted_at is null", (chat_id,))
        return [row["id"] for row in rows]

    def talks_of(self, user_id: int, limit: int) -> list[GuestTalk]:
        """Return the guest talks in which a user has said something, the last touched first."""
        rows = self._connection.rows(
            "select session.id as session_id, session.chat_id, coalesce(character.name, '') as character,"
            " (select substr(text, 1, 200) from prompt where session_id = session.id and user_id = ?1"
            " and role = 'user' order by id limit 1) as opening"
            " from session left join character on character.id = session.character_id"
            f" where {_GUEST} and session.deleted_at is null and exists (select 1 from prompt"
            " where session_id = session.id and user_id = ?1 and role = 'user')"
            " order by session.touched_at desc, session.id desc limit ?2",
            (user_id, limit),
        )
        return [GuestTalk(**dict(row)) for row in rows]
