"""Stories and other sessions: a tree of prompts, the shown path through it, and its memory.

A prompt's text never changes. The shown path is the walk from the session's head up to the nearest
ancestor that has a memory: what is older stands in that memory. Rejected text hangs beside the path and
never reaches a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from messages import Role
from storage.connection import Connection, Row


@dataclass(frozen=True, slots=True)
class Story:
    """A session that is a story: its settings and where it stands."""

    session_id: int
    user_id: int
    genre: str
    hero: str
    setting: str
    extra: str
    tone: str
    title: str
    head_id: int | None
    spent: int
    reserved: int
    finished: bool
    warned: bool
    touched_at: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """One text of a session: the user's words or the model's part."""

    id: int
    parent_id: int | None
    role: Role
    text: str
    turn_id: int | None


@dataclass(frozen=True, slots=True)
class Path:
    """What is shown of a session, from the end of its memory to its head, oldest first."""

    memory: str
    prompts: tuple[Prompt, ...]


def _prompt(row: Row) -> Prompt:
    return Prompt(row["id"], row["parent_id"], cast(Role, row["role"]), row["text"], row["turn_id"])


# The walk from a prompt to the root; `limit` guards against a damaged file that holds a circle.
_WALK = """
with recursive walk (id, parent_id, role, text, turn_id, depth) as (
    select id, parent_id, role, text, turn_id, 0 from prompt where id = :head
    union all
    select prompt.id, prompt.parent_id, prompt.role, prompt.text, prompt.turn_id, depth + 1
    from prompt join walk on prompt.id = walk.parent_id
    {until}
    limit 100000
)
"""
_UNTIL_MEMORY = "where not exists (select 1 from memory where memory.prompt_id = walk.parent_id)"


class Stories:
    """The tables `session`, `story`, `prompt` and `memory`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self, user_id: int, chat_id: int, *, genre: str, hero: str, setting: str, extra: str, title: str, now: int
    ) -> int:
        """A new story without a first part; its session's id."""
        session_id = self._connection.insert(
            "insert into session (user_id, chat_id, kind, created_at, touched_at) values (?, ?, 'story', ?, ?)",
            (user_id, chat_id, now, now),
        )
        self._connection.run(
            "insert into story (session_id, genre, hero, setting, extra, title) values (?, ?, ?, ?, ?, ?)",
            (session_id, genre, hero, setting, extra, title),
        )
        return session_id

    def get(self, session_id: int) -> Story | None:
        row = self._connection.row(
            "select session_id, user_id, genre, hero, setting, extra, tone, title, head_id, spent, reserved,"
            " finished_at is not null as finished, warned, touched_at"
            " from session join story on story.session_id = session.id where session.id = ?",
            (session_id,),
        )
        if row is None:
            return None
        values = dict(row)
        values["finished"] = bool(values["finished"])
        values["warned"] = bool(values["warned"])
        return Story(**values)

    def add_prompt(
        self,
        session_id: int,
        parent_id: int | None,
        user_id: int,
        role: Role,
        text: str,
        *,
        now: int,
        tokens: int = 0,
        turn_id: int | None = None,
    ) -> int:
        """A new text below `parent_id`; the shown path stays as it is until `set_head`."""
        return self._connection.insert(
            "insert into prompt (session_id, parent_id, user_id, role, text, tokens, turn_id, created_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            (session_id, parent_id, user_id, role, text, tokens, turn_id, now),
        )

    def prompt(self, prompt_id: int) -> Prompt | None:
        row = self._connection.row("select id, parent_id, role, text, turn_id from prompt where id = ?", (prompt_id,))
        return _prompt(row) if row else None

    def set_head(self, session_id: int, prompt_id: int | None, now: int) -> None:
        """The shown path now ends at `prompt_id`."""
        self._connection.run(
            "update session set head_id = ?, touched_at = ? where id = ?", (prompt_id, now, session_id)
        )

    def touch(self, session_id: int, now: int) -> None:
        self._connection.run("update session set touched_at = ? where id = ?", (now, session_id))

    def finish(self, session_id: int, now: int) -> None:
        self._connection.run("update session set finished_at = ? where id = ?", (now, session_id))

    def set_warned(self, session_id: int) -> None:
        self._connection.run("update session set warned = 1 where id = ?", (session_id,))

    def path(self, head_id: int | None) -> Path:
        """The shown path that ends at `head_id`, from its nearest memory on, and that memory."""
        rows = self._connection.rows(
            _WALK.format(until=_UNTIL_MEMORY) + "select * from walk order by depth desc", {"head": head_id}
        )
        if rows and rows[-1]["depth"] == 0:
            own = self._connection.value("select text from memory where prompt_id = ?", (head_id,))
            if own is not None:
                return Path(own, ())
        first_parent = rows[0]["parent_id"] if rows else None
        memory = self._connection.value("select text from memory where prompt_id = ?", (first_parent,))
        return Path(memory or "", tuple(_prompt(row) for row in rows))

    def whole(self, head_id: int | None) -> tuple[Prompt, ...]:
        """The shown path from the very first text, memories or not."""
        rows = self._connection.rows(
            _WALK.format(until="") + "select * from walk order by depth desc", {"head": head_id}
        )
        return tuple(_prompt(row) for row in rows)

    def parts(self, head_id: int | None) -> int:
        """How many parts of the model the shown path has."""
        return int(
            self._connection.value(
                _WALK.format(until="") + "select count(*) from walk where role = 'assistant'", {"head": head_id}
            )
        )

    def remember(self, prompt_id: int, text: str) -> None:
        """`text` is the memory of all up to and including `prompt_id`."""
        self._connection.run("insert or replace into memory (prompt_id, text) values (?, ?)", (prompt_id, text))
