"""Pictures of a story's parts and its cover, small enough for a book.

A picture belongs to a prompt; a later one of the same prompt replaces it. Branches share pictures with the story that
they were copied from. A trigger deletes a picture when no prompt has it any more.
"""

from __future__ import annotations

from collections.abc import Mapping

from storage.connection import Connection


class Illustrations:
    """The tables `illustration`, `picture` and `cover`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, prompt_id: int, jpeg: bytes) -> None:
        """Make a JPEG the picture of a prompt."""
        with self._connection.transaction():
            self._connection.run("delete from illustration where prompt_id = ?", (prompt_id,))
            picture_id = self._connection.insert("insert into picture (jpeg) values (?)", (jpeg,))
            self._link(prompt_id, picture_id)

    def of_session(self, session_id: int) -> list[int]:
        """Return the prompts of a session that have a picture, shown or not, in the order of their ids."""
        rows = self._connection.rows(
            "select prompt_id from illustration join prompt on prompt.id = illustration.prompt_id"
            " where prompt.session_id = ? order by prompt_id",
            (session_id,),
        )
        return [row["prompt_id"] for row in rows]

    def jpeg(self, prompt_id: int) -> bytes | None:
        """Return a prompt's picture; None if it has none."""
        found: bytes | None = self._connection.value(
            "select jpeg from illustration join picture on picture.id = picture_id where prompt_id = ?", (prompt_id,)
        )
        return found

    def put_cover(self, session_id: int, jpeg: bytes) -> None:
        """Make a JPEG the cover of a story's books."""
        self._connection.run("insert or replace into cover (session_id, jpeg) values (?, ?)", (session_id, jpeg))

    def cover(self, session_id: int) -> bytes | None:
        """Return the cover of a story's books; None if none was drawn."""
        found: bytes | None = self._connection.value("select jpeg from cover where session_id = ?", (session_id,))
        return found

    def copy(self, copied: Mapping[int, int]) -> None:
        """Give the pictures of prompts to their copies. `copied`: each prompt with its copy."""
        if not copied:
            return
        rows = self._connection.rows(
            "select prompt_id, picture_id from illustration where prompt_id between ? and ?",
            (min(copied), max(copied)),
        )
        for row in rows:
            if row["prompt_id"] in copied:
                self._link(copied[row["prompt_id"]], row["picture_id"])

    def _link(self, prompt_id: int, picture_id: int) -> None:
        self._connection.run("insert into illustration (prompt_id, picture_id) values (?, ?)", (prompt_id, picture_id))
