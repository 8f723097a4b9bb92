"""A session's texts as a tree: the shown path, variants and memories.

A prompt's text never changes. The shown path is the walk from the session's head up to the nearest ancestor with a
memory, which summarises everything older. Variants are siblings. Each prompt stores the child that the path went on to
(`chosen_id`), so that an undone turn can be redone. Rejected texts are off the path and never reach a model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from core import sent_files
from core.schemas import MessageRole
from core.sent_files import SentFile
from storage.connection import Connection, Row
from storage.illustrations import Illustrations
from storage.rows import reader

BROUGHT = "brought"  # the kind of a user's text that was written elsewhere: what stands in brackets there is no wish


@dataclass(frozen=True, slots=True)
class Prompt:
    """One text of a session: the user's words, or the model's part, ending or epilogue (`kind`)."""

    id: int
    parent_id: int | None
    chosen_id: int | None
    user_id: int  # who wrote it, or whom it answers
    role: MessageRole
    kind: str
    text: str
    quoted: str  # the message that a question replies to
    turn_id: int | None
    created_at: int
    files: tuple[SentFile, ...] = ()  # that a question is about

    @property
    def has_wishes(self) -> bool:
        """Whether what stands in brackets is asked of the model, and no part of the text."""
        return self.role == "user" and self.kind != BROUGHT


@dataclass(frozen=True, slots=True)
class StoryPath:
    """The shown part of a session, from the end of its memory to its head, oldest first.

    `memory_id` is the prompt that holds the memory; None without a memory.
    """

    memory: str
    prompts: tuple[Prompt, ...]
    memory_id: int | None = None


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Sentences that the user may go on with, made for where a story stood then."""

    session_id: int
    head_id: int | None
    options: tuple[str, ...]


_COLUMNS = "id, parent_id, chosen_id, user_id, role, kind, text, quoted, turn_id, created_at, files"
_OF_PROMPT = ", ".join(f"prompt.{name}" for name in _COLUMNS.split(", "))
# The walk from a prompt to the root; `limit` ends it in a damaged file with a cycle.
_WALK = f"""
with recursive walk ({_COLUMNS}, depth) as (
    select {_COLUMNS}, 0 from prompt where id = :head
    union all
    select {_OF_PROMPT}, depth + 1 from prompt join walk on prompt.id = walk.parent_id
    {{until}}
    limit 100000
)
"""
# The same walk without texts, down to `after`, for counting.
_PARTS = """
with recursive walk (id, parent_id, role) as (
    select id, parent_id, role from prompt where id = :head and id is not :after
    union all
    select prompt.id, prompt.parent_id, prompt.role from prompt join walk on prompt.id = walk.parent_id
    where prompt.id is not :after
    limit 100000
)
select count(*) from walk where role = 'assistant'
"""
# The first texts on the same walk.
_BEGINNING = f"""
with recursive walk (id, parent_id, depth) as (
    select id, parent_id, 0 from prompt where id = :head and id is not :after
    union all
    select prompt.id, prompt.parent_id, depth + 1 from prompt join walk on prompt.id = walk.parent_id
    where prompt.id is not :after
    limit 100000
), beginning as (select id, depth from walk order by depth desc limit :most)
select {_OF_PROMPT} from beginning join prompt on prompt.id = beginning.id order by depth desc
"""
# The user's texts on the same walk that have a bracket, oldest first.
_BRACKETED = """
with recursive walk (id, depth) as (
    select :head, 0
    union all
    select prompt.parent_id, depth + 1 from prompt join walk on prompt.id = walk.id where prompt.parent_id is not null
    limit 100000
)
select text from walk join prompt on prompt.id = walk.id
where role = 'user' and kind <> 'brought' and instr(text, '(') order by depth desc
"""
# Let the head's parent point to the head. A turn is an answer and, possibly, the user's words above it: then the
# parent of those words points to them.
_CHOOSE = """
update prompt set chosen_id = step.child_id from (
    select parent_id, id as child_id from prompt where id = :head
    union all
    select words.parent_id, words.id from prompt as answer
    join prompt as words on words.id = answer.parent_id and words.role = 'user'
    where answer.id = :head
) as step
where prompt.id = step.parent_id
"""
_UNTIL_MEMORY = "where not exists (select 1 from memory where memory.prompt_id = walk.parent_id)"
# The shown path, oldest first. Each row has its parent's memory; the head also has its own.
_PATH = f"""{_WALK.format(until=_UNTIL_MEMORY)}
select walk.*, memory.text as memory, own.text as memory_of_head
from walk left join memory on memory.prompt_id = walk.parent_id
left join memory as own on own.prompt_id = walk.id and depth = 0
order by depth desc
"""


_prompt = reader(Prompt, files=sent_files.load)


class Tree:
    """The tables `prompt`, `memory` and `suggestion`, and a session's head."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._illustrations = Illustrations(connection)

    def add(
        self,
        session_id: int,
        parent_id: int | None,
        user_id: int,
        role: MessageRole,
        text: str,
        *,
        now: int,
        kind: str = "part",
        tokens: int = 0,
        turn_id: int | None = None,
        quoted: str = "",
        files: Sequence[SentFile] = (),
    ) -> int:
        """Add a text below `parent_id` and return its id. The shown path changes only with `set_head`."""
        return self._connection.insert(
            "insert into prompt"
            " (session_id, parent_id, user_id, role, kind, text, quoted, tokens, turn_id, created_at, files)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*(session_id, parent_id, user_id, role, kind, text, quoted, tokens, turn_id, now), sent_files.dump(files)),
        )

    def get(self, prompt_id: int | None) -> Prompt | None:
        """Return the prompt; None if the id is None or unknown."""
        row = self._connection.row(f"select {_COLUMNS} from prompt where id = ?", (prompt_id,))
        return _prompt(row) if row else None

    def set_head(self, session_id: int, prompt_id: int | None, now: int) -> None:
        """End the shown path at `prompt_id`, and make the parents of its last turn point to it (`chosen_id`)."""
        self._connection.run(
            "update session set head_id = ?, touched_at = max(touched_at, ?) where id = ?", (prompt_id, now, session_id)
        )
        self._connection.run(_CHOOSE, {"head": prompt_id})

    def session_of(self, prompt_id: int) -> int | None:
        """Return the session that a prompt belongs to; None for an unknown one."""
        found: int | None = self._connection.value("select session_id from prompt where id = ?", (prompt_id,))
        return found

    def hang(self, prompt_id: int, parent_id: int | None) -> None:
        """Put a text that nothing follows below another one."""
        self._connection.run("update prompt set parent_id = ? where id = ?", (parent_id, prompt_id))

    def drop_unasked(self, user_id: int, *, kept: int) -> int:
        """Delete a user's questions about files that no model was asked, but for the last ones. Return how many."""
        return self._connection.run(
            "delete from prompt where id in (select id from prompt as unasked where user_id = ? and files <> ''"
            " and not exists (select 1 from turn where turn.prompt_id = unasked.id)"
            " order by id desc limit -1 offset ?)",
            (user_id, kept),
        )

    def is_of(self, prompt_id: int, session_id: int) -> bool:
        """Return whether a prompt belongs to this session."""
        sql = "select count(*) from prompt where id = ? and session_id = ?"
        return bool(self._connection.value(sql, (prompt_id, session_id)))

    # ------------------------------------------------------------------ the path

    def path(self, head_id: int | None) -> StoryPath:
        """Return the shown path that ends at `head_id`, from its nearest memory on, with that memory."""
        rows = self._connection.rows(_PATH, {"head": head_id})
        if not rows:
            return StoryPath("", ())
        if rows[-1]["memory_of_head"] is not None:
            return StoryPath(rows[-1]["memory_of_head"], (), head_id)
        memory = rows[0]["memory"]
        prompts = tuple(_prompt(row) for row in rows)
        return StoryPath(memory or "", prompts, rows[0]["parent_id"] if memory is not None else None)

    def whole(self, head_id: int | None, after: int | None = None) -> tuple[Prompt, ...]:
        """Return the path from the first text, or from the one after `after`, regardless of memories."""
        rows = self._connection.rows(
            _WALK.format(until="") + "select * from walk order by depth desc", {"head": head_id}
        )
        prompts = tuple(_prompt(row) for row in rows)
        places = [place for place, prompt in enumerate(prompts, start=1) if prompt.id == after]
        return prompts[places[0] :] if places else prompts

    def beginning(self, head_id: int | None, after: int | None, most: int) -> tuple[Prompt, ...]:
        """Return the first texts of the path, or the first ones after `after`; cheap however long the path is."""
        rows = self._connection.rows(_BEGINNING, {"head": head_id, "after": after, "most": most})
        return tuple(_prompt(row) for row in rows)

    def parts(self, head_id: int | None, after: int | None = None) -> int:
        """Return how many of the model's texts the path has, from the first one or from the one after `after`."""
        return int(self._connection.value(_PARTS, {"head": head_id, "after": after}))

    def chars_of(self, session_id: int, kind: str) -> int:
        """Return how many characters the texts of one kind have in a session, those beside the path too."""
        sql = "select coalesce(sum(length(text)), 0) from prompt where session_id = ? and kind = ?"
        return int(self._connection.value(sql, (session_id, kind)))

    def bracketed(self, head_id: int | None) -> list[str]:
        """Return the user's texts on the whole path that have a bracket, oldest first."""
        return [row["text"] for row in self._connection.rows(_BRACKETED, {"head": head_id})]

    # ------------------------------------------------------------------ memory

    def remember(self, prompt_id: int, text: str, *, edited: bool = False) -> None:
        """Store `text` as the memory of everything up to and including `prompt_id`."""
        self._connection.run(
            "insert or replace into memory (prompt_id, text, edited) values (?, ?, ?)", (prompt_id, text, int(edited))
        )

    def forget(self, head_id: int | None) -> int:
        """Delete every memory on the path to `head_id`. Return how many."""
        walk = _WALK.format(until="")
        return self._connection.run(
            f"delete from memory where prompt_id in ({walk} select id from walk)", {"head": head_id}
        )

    # ------------------------------------------------------------------ variants, undo and redo

    def variants(self, prompt: Prompt, session_id: int) -> list[int]:
        """Return the ids of a part and its variants, oldest first. An ending is no variant of a part."""
        return self.siblings(session_id, prompt.parent_id, prompt.role, prompt.kind)

    def siblings(self, session_id: int, parent_id: int | None, role: MessageRole, kind: str) -> list[int]:
        """Return the ids of all texts of one role and kind below a text, oldest first."""
        rows = self._connection.rows(
            "select id from prompt where session_id = ? and parent_id is ? and role = ? and kind = ? order by id",
            (session_id, parent_id, role, kind),
        )
        return [row["id"] for row in rows]

    def before(self, prompt: Prompt) -> Prompt | None:
        """Return the text before the turn that ends at `prompt`; None at the beginning."""
        parent = self.get(prompt.parent_id)
        if prompt.role == "assistant" and parent is not None and parent.role == "user" and parent.kind != BROUGHT:
            return self.get(parent.parent_id)
        return parent

    def after(self, prompt: Prompt) -> Prompt | None:
        """Return the text that followed `prompt` before an undo; None if nothing did."""
        child = self.get(prompt.chosen_id)
        if child is not None and child.role == "user":
            return self.get(child.chosen_id) or child
        return child

    def copy(self, head_id: int | None, session_id: int, now: int) -> int | None:
        """Copy the path to `head_id`, with its nearest memory and its pictures, into an empty session.

        Return the new head.
        """
        path = self.path(head_id)
        copied: dict[int, int] = {}
        last: int | None = None
        user_id = self._connection.value("select user_id from session where id = ?", (session_id,))
        for prompt in self.whole(head_id):
            last = self.add(session_id, last, user_id, prompt.role, prompt.text, now=now, kind=prompt.kind)
            copied[prompt.id] = last
        self._illustrations.copy(copied)
        if path.memory_id is not None:
            self.remember(copied[path.memory_id], path.memory)
        self.set_head(session_id, last, now)
        return last

    # ------------------------------------------------------------------ suggestions

    def suggest(self, session_id: int, head_id: int | None, options: Sequence[str]) -> int:
        """Store suggestions for the current head. Return their id."""
        return self._connection.insert(
            "insert into suggestion (session_id, head_id, texts) values (?, ?, ?)",
            (session_id, head_id, json.dumps(options, ensure_ascii=False)),
        )

    def suggested_for(self, session_id: int, head_id: int | None) -> list[Suggestions]:
        """Return the suggestions that were made for a head, oldest first."""
        sql = "select session_id, head_id, texts from suggestion where session_id = ? and head_id is ? order by id"
        return [_suggestions(row) for row in self._connection.rows(sql, (session_id, head_id))]

    def suggested(self, suggestion_id: int) -> Suggestions | None:
        """Return suggestions by their id; None if there are none."""
        row = self._connection.row("select session_id, head_id, texts from suggestion where id = ?", (suggestion_id,))
        return _suggestions(row) if row else None


def _suggestions(row: Row) -> Suggestions:
    return Suggestions(row["session_id"], row["head_id"], tuple(json.loads(row["texts"])))
