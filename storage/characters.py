"""Characters: built-in ones, users' own, heroes of stories; and the character each user has chosen.

The choice is a column of the user's row. Each character's conversation is a talk of its own (`talks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conversation.personas import BuiltIn, Persona
from core.days import DAY_S
from storage.connection import Connection, Row

KEPT_DELETED_S = DAY_S

_COLUMNS = (
    "character.id, owner_id, key, language, name, line, greeting, personality, picture is not null as has_picture,"
    " character.story_id, character.deleted_at is not null or exists (select 1 from session as story"
    " where story.id = character.story_id and story.deleted_at is not null) as deleted"
)
# A user's own one, whose texts they have written.
_OWN = "id = ? and owner_id = ? and story_id is null and deleted_at is null"
_TEXTS = ("name", "line", "greeting", "personality")


@dataclass(frozen=True, slots=True)
class Character:
    """A character. Built-in ones have a `key` and no `owner_id`; the hero of a story has a `story_id`."""

    id: int
    owner_id: int | None
    key: str | None
    language: str
    persona: Persona
    has_picture: bool
    story_id: int | None
    deleted: bool  # or its story is

    @property
    def name(self) -> str:
        return self.persona.name


def _character(row: Row) -> Character:
    persona = Persona(**{name: row[name] for name in _TEXTS})
    return Character(
        row["id"],
        row["owner_id"],
        row["key"],
        row["language"],
        persona,
        bool(row["has_picture"]),
        row["story_id"],
        bool(row["deleted"]),
    )


class Characters:
    """The table `character`, and each user's choice."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # ------------------------------------------------------------------ built-in

    def bring_up_to_date(self, language: str, built_in: Sequence[BuiltIn], now: int) -> None:
        """Store a language's built-in characters and hide those that are no longer among them."""
        with self._connection.transaction():
            self._connection.run(
                "update character set deleted_at = ? where owner_id is null and language = ? and deleted_at is null",
                (now, language),
            )
            for one in built_in:
                texts = tuple(getattr(one.persona, name) for name in _TEXTS)
                self._connection.run(
                    "insert into character (key, language, name, line, greeting, personality, created_at)"
                    " values (?, ?, ?, ?, ?, ?, ?) on conflict (key, language) do update set name = excluded.name,"
                    " line = excluded.line, greeting = excluded.greeting, personality = excluded.personality,"
                    " deleted_at = null",
                    (one.key, language, *texts, now),
                )

    # ------------------------------------------------------------------ all characters

    def get(self, character_id: int | None) -> Character | None:
        """Return the character, even if deleted; None if the id is unknown."""
        row = self._connection.row(f"select {_COLUMNS} from character where id = ?", (character_id,))
        return _character(row) if row else None

    def offered(self, user_id: int, language: str) -> list[Character]:
        """Return the characters a user may talk to: own ones, newest first, then the language's built-in ones.

        Heroes are met from their stories.
        """
        rows = self._connection.rows(
            f"select {_COLUMNS} from character where deleted_at is null and story_id is null"
            " and (owner_id = ?1 or (owner_id is null and language = ?2))"
            " order by owner_id is null, case when owner_id is null then id else -id end",
            (user_id, language),
        )
        return [_character(row) for row in rows]

    def may_talk(self, user_id: int, character_id: int) -> Character | None:
        """Return the character if this user may talk to it, otherwise None."""
        character = self.get(character_id)
        if character is None or character.deleted or character.owner_id not in (None, user_id):
            return None
        return character

    def count_of(self, owner_id: int) -> int:
        """Return how many characters a user has written, without deleted ones."""
        sql = "select count(*) from character where owner_id = ? and story_id is null and deleted_at is null"
        return int(self._connection.value(sql, (owner_id,)))

    def add(self, owner_id: int, language: str, persona: Persona, now: int) -> int:
        """Add a character of a user's own. Return its id."""
        return self._connection.insert(
            "insert into character (owner_id, language, name, line, greeting, personality, created_at)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (owner_id, language, *(getattr(persona, name) for name in _TEXTS), now),
        )

    def change(self, character_id: int, owner_id: int, persona: Persona) -> bool:
        """Change the texts of a user's own character. Return False if it isn't theirs."""
        return (
            self._connection.run(
                f"update character set name = ?, line = ?, greeting = ?, personality = ? where {_OWN}",
                (*(getattr(persona, name) for name in _TEXTS), character_id, owner_id),
            )
            == 1
        )

    def delete(self, character_id: int, owner_id: int, now: int) -> bool:
        """Delete a user's own character and its picture. Return False if it isn't theirs."""
        sql = f"update character set deleted_at = ?, picture = null where {_OWN}"
        return self._connection.run(sql, (now, character_id, owner_id)) == 1

    def purge(self, now: int) -> int:
        """Remove characters deleted more than a day ago. Return how many."""
        sql = "delete from character where owner_id is not null and deleted_at < ?"
        return self._connection.run(sql, (now - KEPT_DELETED_S,))

    def picture(self, character_id: int) -> bytes | None:
        """Return the picture's bytes; None if there is none."""
        picture: bytes | None = self._connection.value("select picture from character where id = ?", (character_id,))
        return picture

    def set_picture(self, character_id: int, owner_id: int, picture: bytes | None) -> bool:
        """Set or (None) remove the picture of a user's own character. Return False if it isn't theirs."""
        sql = f"update character set picture = ? where {_OWN}"
        return self._connection.run(sql, (picture, character_id, owner_id)) == 1

    # ------------------------------------------------------------------ heroes of stories

    def put_hero(self, story_id: int, owner_id: int, language: str, persona: Persona, now: int) -> Character:
        """Store the texts of a story's hero, which is added if the story has none yet. Return it."""
        texts = tuple(getattr(persona, name) for name in _TEXTS)
        with self._connection.transaction():
            changed = self._connection.run(
                "update character set name = ?, line = ?, greeting = ?, personality = ? where story_id = ?",
                (*texts, story_id),
            )
            if not changed:
                self._connection.insert(
                    "insert into character"
                    " (story_id, owner_id, language, name, line, greeting, personality, created_at)"
                    " values (?, ?, ?, ?, ?, ?, ?, ?)",
                    (story_id, owner_id, language, *texts, now),
                )
            row = self._connection.row(f"select {_COLUMNS} from character where story_id = ?", (story_id,))
        assert row is not None
        return _character(row)

    # ------------------------------------------------------------------ the chosen one

    def choose(self, user_id: int, character_id: int) -> None:
        """Store which character a user has chosen."""
        self._connection.run("update user set character_id = ? where id = ?", (character_id, user_id))

    def chosen(self, user_id: int) -> Character | None:
        """Return the character that a user chose last, unless it is deleted."""
        chosen: int | None = self._connection.value("select character_id from user where id = ?", (user_id,))
        return self.may_talk(user_id, chosen) if chosen is not None else None
