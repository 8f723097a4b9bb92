"""Talks: chats with the assistant and conversations with characters.

Their texts are in `tree`, as a path without branches. The open talk of a Telegram chat is the one touched last.
"""

from __future__ import annotations

from dataclasses import dataclass

from storage.connection import Connection, Row

# The first words of a talk that were asked serve as its name: a photo may wait for its question.
_OPENING = (
    "coalesce((select substr(text, 1, 200) from prompt where prompt.session_id = session.id and role = 'user'"
    " and (prompt.id = session.head_id or exists (select 1 from prompt as next where next.parent_id = prompt.id))"
    " order by prompt.id limit 1), '')"
)
_COLUMNS = (
    "session.id as session_id, user_id, chat_id, kind, character_id, head_id, spent, reserved, warned,"
    f" started_at is not null as started, deleted_at is not null as deleted, touched_at, topic_id,"
    f" {_OPENING} as opening"
)

# The sessions of a chat that its list shows: no empty chats, and no talk with the hero of a deleted story.
_LISTED = (
    "left join character on character.id = session.character_id"
    " left join session as told on told.id = character.story_id"
    " where session.user_id = ? and session.chat_id = ? and session.deleted_at is null and told.deleted_at is null"
    " and (session.head_id is not null or session.kind <> 'chat')"
)

CONTEXT_NEAR = 1  # bit: the talk nearly fills the model's prompt
SESSION_NEAR = 2  # bit: the session's token limit is nearly reached


@dataclass(frozen=True, slots=True)
class Talk:
    """A session that is a chat or a conversation with a character. `user_id` is who began it."""

    session_id: int
    user_id: int
    chat_id: int
    kind: str
    character_id: int | None
    head_id: int | None
    spent: int
    reserved: int
    warned: int  # warnings given, bits `CONTEXT_NEAR` and `SESSION_NEAR`
    started: bool  # a model was asked
    deleted: bool
    touched_at: int
    topic_id: int
    opening: str  # its first question that was asked


@dataclass(frozen=True, slots=True)
class SessionLine:
    """One line in the list of a chat's sessions, stories and talks.

    `name` is a talk's first words or its character's name; empty for stories, whose titles are in `story`.
    """

    session_id: int
    kind: str
    name: str
    touched_at: int


def _talk(row: Row) -> Talk:
    return Talk(**{**dict(row), "started": bool(row["started"]), "deleted": bool(row["deleted"])})


class Talks:
    """The sessions of the kinds `chat` and `character`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self,
        user_id: int,
        chat_id: int,
        now: int,
        *,
        kind: str = "chat",
        character_id: int | None = None,
        topic_id: int = 0,
    ) -> int:
        """Create an empty talk and make it the open one. Return its session's id."""
        session_id = self._connection.insert(
            "insert into session (user_id, chat_id, kind, character_id, created_at, touched_at, topic_id)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (user_id, chat_id, kind, character_id, now, now, topic_id),
        )
        self.resume(session_id, now)
        return session_id

    def get(self, session_id: int | None) -> Talk | None:
        """Return the talk of a session, even if deleted; None for a story or an unknown id."""
        row = self._connection.row(
            f"select {_COLUMNS} from session where id = ? and kind in ('chat', 'character')", (session_id,)
        )
        return _talk(row) if row else None

    def open_in(
        self, chat_id: int, topic_id: int = 0, *, kind: str = "chat", character_id: int | None = None
    ) -> Talk | None:
        """Return the open talk of a chat or one of its topics, or that with one character there."""
        row = self._connection.row(
            f"select {_COLUMNS} from session where chat_id = ? and topic_id = ? and kind = ? and character_id is ?"
            " and deleted_at is null order by touched_at desc, session.id desc limit 1",
            (chat_id, topic_id, kind, character_id),
        )
        return _talk(row) if row else None

    def last_with(self, chat_id: int, character_id: int) -> Talk | None:
        """Return the talk with a character that was touched last, in whichever topic of a chat."""
        row = self._connection.row(
            f"select {_COLUMNS} from session where chat_id = ? and character_id = ? and deleted_at is null"
            " order by touched_at desc, session.id desc limit 1",
            (chat_id, character_id),
        )
        return _talk(row) if row else None

    def resume(self, session_id: int, now: int) -> None:
        """Make a talk the open one of its chat, even if another was touched in the same second."""
        self._connection.run(
            "update session set touched_at = max(?1, 1 + (select coalesce(max(other.touched_at), 0)"
            " from session as other where other.chat_id = session.chat_id and other.topic_id = session.topic_id"
            " and other.kind = session.kind"
            " and other.id <> session.id)) where id = ?2",
            (now, session_id),
        )

    def move_to_topic(self, session_id: int, topic_id: int) -> None:
        """Let a talk go on in another topic of its chat."""
        self._connection.run("update session set topic_id = ? where id = ?", (topic_id, session_id))

    def count_not_started(self, user_id: int) -> int:
        """Return how many of a user's talks no model was asked in."""
        sql = "select count(*) from session where user_id = ? and kind <> 'story' and started_at is null"
        return int(self._connection.value(sql, (user_id,)))

    def speakers(self, session_id: int) -> dict[int, int]:
        """Return the users who spoke in a talk, each with a number from 1 by the order of their first words."""
        rows = self._connection.rows(
            "select user_id from prompt where session_id = ? and role = 'user' group by user_id order by min(id)",
            (session_id,),
        )
        return {row["user_id"]: number for number, row in enumerate(rows, start=1)}

    def set_warned(self, session_id: int, of: int) -> None:
        """Record that the user was warned: `CONTEXT_NEAR` or `SESSION_NEAR`."""
        self._connection.run("update session set warned = warned | ? where id = ?", (of, session_id))

    def delete(self, session_id: int, now: int) -> int:
        """Delete a talk; `put_back` can undo it for a day. Return how many messages it has. Its cost stays counted."""
        self._connection.run("update session set deleted_at = ? where id = ?", (now, session_id))
        return int(self._connection.value("select count(*) from prompt where session_id = ?", (session_id,)))

    def put_back(self, session_id: int, now: int) -> bool:
        """Undo a deletion, and make the talk the open one of its chat. Return False if it is gone."""
        sql = "update session set deleted_at = null where id = ? and deleted_at is not null and kind <> 'story'"
        found = self._connection.run(sql, (session_id,)) == 1
        if found:
            self.resume(session_id, now)
        return found

    def forget(self, session_id: int) -> int:
        """Delete a talk and its messages for good. Return how many messages. Its cost stays counted."""
        self._connection.run(
            "delete from sent where prompt_id in (select id from prompt where session_id = ?)", (session_id,)
        )
        said = self._connection.run("delete from prompt where session_id = ?", (session_id,))
        self._connection.run("delete from session where id = ?", (session_id,))
        return said

    def move(self, old_chat_id: int, new_chat_id: int) -> None:
        """Move a group's talks and role to its new chat id.

        The links from messages to texts are not moved: the messages have new ids.
        """
        self._connection.run("update session set chat_id = ? where chat_id = ?", (new_chat_id, old_chat_id))
        self._connection.run("update or ignore chat_role set chat_id = ? where chat_id = ?", (new_chat_id, old_chat_id))

    # ------------------------------------------------------------------ all sessions of a chat

    def sessions(self, user_id: int, chat_id: int, *, limit: int, offset: int = 0) -> list[SessionLine]:
        """Return a user's stories and talks in a chat, the last touched first; empty chats are left out."""
        rows = self._connection.rows(
            f"select session.id as session_id, session.kind, coalesce(character.name, {_OPENING}) as name,"
            " session.touched_at"
            f" from session {_LISTED}"
            " order by session.touched_at desc, session.id desc limit ? offset ?",
            (user_id, chat_id, limit, offset),
        )
        return [SessionLine(**dict(row)) for row in rows]

    def count_sessions(self, user_id: int, chat_id: int) -> int:
        """Return how many lines `sessions` has in all."""
        return int(self._connection.value(f"select count(*) from session {_LISTED}", (user_id, chat_id)))
