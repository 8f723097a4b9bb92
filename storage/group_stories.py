"""What a group's story has beside its texts: the card that it begins with, its writers and their votes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conversation.story_draft import Draft
from storage.connection import Connection, Row

_CARD = "id, chat_id, topic_id, user_id, genre, hero, setting, extra, lucky"


@dataclass(frozen=True, slots=True)
class GroupDraft:
    """The card of a story that a group has not begun yet. `user_id` asked for it."""

    id: int
    chat_id: int
    topic_id: int
    user_id: int
    draft: Draft


def _group_draft(row: Row) -> GroupDraft:
    draft = Draft(row["genre"], row["hero"], row["setting"], row["extra"], lucky=bool(row["lucky"]))
    return GroupDraft(row["id"], row["chat_id"], row["topic_id"], row["user_id"], draft)


class GroupStories:
    """The tables `group_draft`, `story_vote` and `coauthor`, and who writes a story."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # ------------------------------------------------------------------ cards

    def add_draft(self, chat_id: int, topic_id: int, user_id: int, draft: Draft) -> GroupDraft:
        """Store a card in place of the topic's last one, whose buttons are past then."""
        self._connection.run("delete from group_draft where chat_id = ? and topic_id = ?", (chat_id, topic_id))
        draft_id = self._connection.insert(
            "insert into group_draft (chat_id, topic_id, user_id, genre, hero, setting, extra, lucky)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            (chat_id, topic_id, user_id, draft.genre, draft.hero, draft.setting, draft.extra, int(draft.lucky)),
        )
        return GroupDraft(draft_id, chat_id, topic_id, user_id, draft)

    def change_draft(self, draft_id: int, draft: Draft) -> None:
        """Store what a card says now."""
        self._connection.run(
            "update group_draft set genre = ?, hero = ?, setting = ?, extra = ?, lucky = ? where id = ?",
            (draft.genre, draft.hero, draft.setting, draft.extra, int(draft.lucky), draft_id),
        )

    def draft(self, draft_id: int) -> GroupDraft | None:
        """Return a card; None once its story has begun, or another card has its place."""
        row = self._connection.row(f"select {_CARD} from group_draft where id = ?", (draft_id,))
        return _group_draft(row) if row else None

    def draft_in(self, chat_id: int, topic_id: int) -> GroupDraft | None:
        """Return the card of a group's topic; None if there is none."""
        row = self._connection.row(
            f"select {_CARD} from group_draft where chat_id = ? and topic_id = ?", (chat_id, topic_id)
        )
        return _group_draft(row) if row else None

    def drop_draft(self, draft_id: int) -> None:
        """Delete a card."""
        self._connection.run("delete from group_draft where id = ?", (draft_id,))

    # ------------------------------------------------------------------ writers and votes

    def writers(self, session_id: int, since: int) -> list[int]:
        """Return who has written words into a story since that time (Unix seconds)."""
        rows = self._connection.rows(
            "select distinct user_id from prompt where session_id = ? and role = 'user' and created_at >= ?"
            " order by user_id",
            (session_id, since),
        )
        return [row["user_id"] for row in rows]

    def vote(
        self, session_id: int, user_id: int, what: str, head_id: int, *, now: int, since: int, takes_back: bool = True
    ) -> bool:
        """Store a vote for what follows the story's last text; return False if this one took it back.

        A vote from before `since` is over: another one takes its place, as it does of any without `takes_back`.
        """
        taken_back = takes_back and self._connection.run(
            "delete from story_vote where session_id = ? and user_id = ? and what = ? and head_id = ?"
            " and voted_at >= ?",
            (session_id, user_id, what, head_id, since),
        )
        if taken_back:
            return False
        self._connection.run(
            "insert or replace into story_vote (session_id, user_id, what, head_id, voted_at) values (?, ?, ?, ?, ?)",
            (session_id, user_id, what, head_id, now),
        )
        return True

    def voters(self, session_id: int, what: str, head_id: int, *, since: int) -> list[int]:
        """Return who has voted for this since then, after the story's last text, in order."""
        rows = self._connection.rows(
            "select user_id from story_vote where session_id = ? and what = ? and head_id = ? and voted_at >= ?"
            " order by voted_at, user_id",
            (session_id, what, head_id, since),
        )
        return [row["user_id"] for row in rows]

    def end_votes(self, session_id: int) -> None:
        """Delete a story's votes."""
        self._connection.run("delete from story_vote where session_id = ?", (session_id,))

    def spent_by(self, session_id: int, user_ids: Sequence[int]) -> dict[int, int]:
        """Return the tokens that each of these users has paid for a story."""
        rows = self._connection.rows(
            "select user_id, sum(charged) as charged from call where session_id = ? group by user_id", (session_id,)
        )
        charged = {row["user_id"]: row["charged"] for row in rows}
        return {user_id: charged.get(user_id, 0) for user_id in user_ids}

    def sign(self, session_id: int, user_id: int) -> bool:
        """Name a member in the story's book; return False if they were, and aren't any more."""
        values = (session_id, user_id)
        if self._connection.run("delete from coauthor where session_id = ? and user_id = ?", values):
            return False
        self._connection.run("insert into coauthor (session_id, user_id) values (?, ?)", values)
        return True

    def coauthors(self, session_id: int) -> list[str]:
        """Return the first names of those who wish to be named in the story's book beside its beginner."""
        rows = self._connection.rows(
            "select first_name from coauthor join user on user.id = coauthor.user_id"
            " join session on session.id = coauthor.session_id"
            " where coauthor.session_id = ? and user.id <> session.user_id order by user.id",
            (session_id,),
        )
        return [row["first_name"] for row in rows]

    # ------------------------------------------------------------------ the group

    def leave(self, chat_id: int, now: int) -> None:
        """Delete a group's stories; for a day `come_back` brings them back."""
        self._connection.run(
            "update session set deleted_at = ? where chat_id = ? and kind = 'story' and deleted_at is null",
            (now, chat_id),
        )
        self._connection.run("delete from group_draft where chat_id = ?", (chat_id,))

    def come_back(self, chat_id: int) -> None:
        """Bring back the stories of a group that the bot has left, if they are still there."""
        self._connection.run("update session set deleted_at = null where chat_id = ? and kind = 'story'", (chat_id,))
