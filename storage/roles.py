"""Roles: what the assistant is told to be in a chat, private or a group."""

from __future__ import annotations

from dataclasses import dataclass

from storage.connection import Connection


@dataclass(frozen=True, slots=True)
class Role:
    """A ready role's name in `mode`, or somebody's own words in `prompt`; both empty: the default one."""

    mode: str = ""
    prompt: str = ""


class Roles:
    """The table `chat_role`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, chat_id: int) -> Role:
        """The chat's role; the default one where none is set."""
        row = self._connection.row("select mode, prompt from chat_role where chat_id = ?", (chat_id,))
        return Role(row["mode"], row["prompt"]) if row else Role()

    def put(self, chat_id: int, role: Role) -> None:
        """Sets a chat's role; an empty one is the default again."""
        if role == Role():
            self._connection.run("delete from chat_role where chat_id = ?", (chat_id,))
        else:
            self._connection.run(
                "insert or replace into chat_role (chat_id, mode, prompt) values (?, ?, ?)",
                (chat_id, role.mode, role.prompt),
            )
