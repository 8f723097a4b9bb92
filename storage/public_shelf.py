"""The public shelf: finished stories that their authors show to all users, hearts, and reports.

A published story is a path of the author's tree, by its last text: what is written or undone later doesn't change it.
It is seen while it is neither reported, removed nor withdrawn, its session isn't deleted and its author isn't banned.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from storage import removed_texts
from storage.connection import Connection
from storage.rows import reader

_HEARTS = (
    "(select count(*) from heart join user as reader on reader.id = heart.user_id"
    " where published_id = published.id and reader.banned = 0)"
)
_COLUMNS = (
    "published.id, published.session_id, published.user_id, published.head_id, starts_after, published.title,"
    f" published.genre, story.language, author, state, withdrawn, published_at, {_HEARTS} as hearts"
)
_FROM = (
    "from published join session on session.id = published.session_id"
    " join story on story.session_id = published.session_id join user on user.id = published.user_id"
)
_SEEN = "state in ('shown', 'allowed') and withdrawn = 0 and session.deleted_at is null and user.banned = 0"
# `part`: the model's texts of the path to `?1`, the last one first.
_PARTS = (
    "with recursive above (id, parent_id, role, text) as (select id, parent_id, role, text from prompt where id = ?1"
    " union all select prompt.id, prompt.parent_id, prompt.role, prompt.text from prompt"
    " join above on prompt.id = above.parent_id),"
    " part (id, text) as (select id, text from above where role = 'assistant') "
)
_HIDDEN = "published.state in ('reported', 'removed') and published.head_id <> ?1"


class Order(StrEnum):
    """What comes first in a list."""

    NEWEST = "new"
    LOVED = "loved"


_ORDERS = {Order.NEWEST: "published_at desc", Order.LOVED: "hearts desc, published_at desc"}


@dataclass(frozen=True, slots=True)
class Published:
    """A story on the shelf. `author` is empty if its author doesn't wish to be named."""

    id: int
    session_id: int
    user_id: int
    head_id: int
    starts_after: int | None
    title: str
    genre: str
    language: str
    author: str
    state: str
    withdrawn: bool
    published_at: int
    hearts: int


@dataclass(frozen=True, slots=True)
class First:
    """Who had a text first, and in which prompt."""

    prompt_id: int
    user_id: int


_published = reader(Published, withdrawn=bool)


class PublicShelf:
    """The tables `published`, `heart`, `report` and `removed_text`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # ------------------------------------------------------------------ reading

    def seen(self, order: Order, *, genre: str = "", limit: int, offset: int = 0) -> list[Published]:
        """Return a page of the shelf; of all genres if `genre` is empty."""
        rows = self._connection.rows(
            f"select {_COLUMNS} {_FROM} where {_SEEN} and (?1 = '' or published.genre = ?1)"
            f" order by {_ORDERS[order]}, published.id desc limit ?2 offset ?3",
            (genre, limit, offset),
        )
        return [_published(row) for row in rows]

    def count(self, genre: str = "") -> int:
        """Return how many stories are seen; of all genres if `genre` is empty."""
        sql = f"select count(*) {_FROM} where {_SEEN} and (?1 = '' or published.genre = ?1)"
        return int(self._connection.value(sql, (genre,)))

    def genres(self, limit: int) -> list[tuple[int, str, int]]:
        """Return the genres with most stories: the number of a story that has it, its name, how many stories."""
        rows = self._connection.rows(
            f"select min(published.id) as one, published.genre as genre, count(*) as n {_FROM} where {_SEEN}"
            " group by published.genre order by n desc, one limit ?",
            (limit,),
        )
        return [(row["one"], row["genre"], row["n"]) for row in rows]

    def get(self, published_id: int) -> Published | None:
        """Return a published story, whether it is seen or not."""
        return self._one("published.id = ?", published_id)

    def find(self, published_id: int) -> Published | None:
        """Return a published story that is seen."""
        return self._one(f"published.id = ? and {_SEEN}", published_id)

    def of_session(self, session_id: int) -> Published | None:
        """Return what was published of a session, withdrawn and removed ones too."""
        return self._one("published.session_id = ?", session_id)

    def _one(self, condition: str, value: int) -> Published | None:
        row = self._connection.row(f"select {_COLUMNS} {_FROM} where {condition}", (value,))
        return _published(row) if row else None

    # ------------------------------------------------------------------ the author

    def publish(
        self, *, session_id: int, user_id: int, head_id: int, title: str, genre: str, author: str, now: int
    ) -> int:
        """Put a story on the shelf, or its present text in the place of an earlier one. Return its number there.

        It counts as new once a day. What an admin has decided about this very text holds; a removed or reported
        story stays hidden.
        """
        self._connection.run(
            "insert into published (session_id, user_id, head_id, title, genre, author, published_at)"
            " values (?, ?, ?, ?, ?, ?, ?) on conflict (session_id) do update set"
            " state = case when published.state = 'allowed'"
            " and (published.head_id, published.title) <> (excluded.head_id, excluded.title)"
            " then 'shown' else published.state end,"
            " head_id = excluded.head_id, title = excluded.title, genre = excluded.genre, author = excluded.author,"
            " published_at = iif(published.published_at < excluded.published_at - 86400, excluded.published_at,"
            " published.published_at), withdrawn = 0",
            (session_id, user_id, head_id, title, genre, author, now),
        )
        return int(self._connection.value("select id from published where session_id = ?", (session_id,)))

    def hidden_like(self, head_id: int, user_id: int) -> Published | None:
        """Return a reported or removed story of which a user's story has the last text, or at least half of the texts.

        `head_id` is the last text of the user's story. Branches and copies have the texts of what they were made of:
        of another's hidden story, those don't count that the user had first.
        """
        alike = self._connection.rows(
            f"{_PARTS} select id, head_id, user_id from published where {_HIDDEN} and exists (select 1 from prompt"
            " where prompt.session_id = published.session_id and role = 'assistant'"
            " and prompt.text in (select text from part))",
            (head_id,),
        )
        texts = self._texts(head_id) if alike else set()
        for row in alike:
            last: str = self._connection.value("select text from prompt where id = ?", (row["head_id"],))
            hidden = self._texts(row["head_id"])
            if row["user_id"] != user_id:
                firsts = self._firsts(row["head_id"])
                hidden = {text for text in hidden if firsts[text].user_id != user_id}
            shared = texts & hidden
            if last in shared or (hidden and 2 * len(shared) >= len(hidden)):
                return self.get(row["id"])
        return None

    def has_hashes(self, user_id: int) -> bool:
        """Return whether there are hashes of a story that an admin has removed and its author still has."""
        sql = "select 1 from published join removed_text on published_id = published.id where user_id = ? limit 1"
        return self._connection.value(sql, (user_id,)) is not None

    def was_removed(self, head_id: int, user_id: int) -> bool:
        """Return whether an admin has removed a story like the user's one of this last text, be it deleted since."""
        return removed_texts.are_known(self._connection, self._texts(head_id), user_id)

    def _texts(self, head_id: int) -> set[str]:
        return {row["text"] for row in self._connection.rows(f"{_PARTS} select text from part", (head_id,))}

    def _firsts(self, head_id: int) -> dict[str, First]:
        """Return where each text of a story was first."""
        rows = self._connection.rows(
            f"{_PARTS} select part.text, min(prompt.id) as prompt_id, session.user_id from part cross join prompt"
            " on length(prompt.text) = length(part.text) and prompt.text = part.text and prompt.role = 'assistant'"
            " join session on session.id = prompt.session_id group by part.text",
            (head_id,),
        )
        return {row["text"]: First(row["prompt_id"], row["user_id"]) for row in rows}

    def withdraw(self, session_id: int) -> bool:
        """Take a story off the shelf; its hearts go. Return False if it wasn't there."""
        with self._connection.transaction():
            self._connection.run(
                "delete from heart where published_id = (select id from published where session_id = ?)", (session_id,)
            )
            sql = "update published set withdrawn = 1 where session_id = ? and withdrawn = 0"
            return self._connection.run(sql, (session_id,)) == 1

    def published_since(self, user_id: int, since: int) -> int:
        """Return how many stories a user has published since a moment, withdrawn ones too."""
        sql = "select count(*) from published where user_id = ? and published_at >= ?"
        return int(self._connection.value(sql, (user_id, since)))

    # ------------------------------------------------------------------ readers

    def has_heart(self, published_id: int, user_id: int) -> bool:
        """Return whether a user has given a story a heart."""
        sql = "select count(*) from heart where published_id = ? and user_id = ?"
        return bool(self._connection.value(sql, (published_id, user_id)))

    def toggle_heart(self, published_id: int, user_id: int, now: int) -> bool:
        """Give a heart, or take it back. Return whether it is given now."""
        with self._connection.transaction():
            sql = "delete from heart where published_id = ? and user_id = ?"
            if self._connection.run(sql, (published_id, user_id)):
                return False
            self._connection.run("insert into heart values (?, ?, ?)", (published_id, user_id, now))
            return True

    def report(self, published_id: int, user_id: int, now: int) -> bool:
        """Store a reader's report, one of each. Return whether it has hidden the story: an admin must look."""
        with self._connection.transaction():
            self._connection.run("insert or ignore into report values (?, ?, ?)", (published_id, user_id, now))
            sql = "update published set state = 'reported' where id = ? and state = 'shown'"
            return self._connection.run(sql, (published_id,)) == 1

    def has_reported(self, published_id: int, user_id: int) -> bool:
        """Return whether a user has reported a story."""
        sql = "select count(*) from report where published_id = ? and user_id = ?"
        return bool(self._connection.value(sql, (published_id, user_id)))

    def reported_since(self, user_id: int, since: int) -> int:
        """Return how many stories a user has reported since a moment."""
        sql = "select count(*) from report where user_id = ? and reported_at >= ?"
        return int(self._connection.value(sql, (user_id, since)))

    # ------------------------------------------------------------------ the admin

    def decide(self, published_id: int, *, allowed: bool) -> bool:
        """Show a reported story again, or remove it for good. Return False if another admin has decided.

        Of a removed one the hashes of its texts stay.
        """
        with self._connection.transaction():
            sql = "update published set state = ? where id = ? and state = 'reported'"
            if not self._connection.run(sql, ("allowed" if allowed else "removed", published_id)):
                return False
            if not allowed:
                row = self._connection.row("select head_id, user_id from published where id = ?", (published_id,))
                assert row is not None  # updated above
                last: str = self._connection.value("select text from prompt where id = ?", (row["head_id"],))
                firsts = self._firsts(row["head_id"]).items()
                texts = {text: first.prompt_id if first.user_id != row["user_id"] else None for text, first in firsts}
                removed_texts.remember(self._connection, published_id, texts, last)
            return True
