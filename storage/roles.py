"""The assistant's role in each chat, private or group, and in each of their topics."""

from __future__ import annotations

from dataclasses import dataclass

from storage.connection import Connection


@dataclass(frozen=True, slots=True)
class Role:
    """A ready role's name in `mode`, or a user's own text in `prompt`; both empty: the default role."""

    mode: str = ""
    prompt: str = ""


class Roles:
    """The table `chat_role`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, chat_id: int, topic_id: int) -> Role:
        """Return a topic's role, else its chat's; the default if none is set."""
        row = self._connection.row(
            "select mode, prompt from chat_role where chat_id = ? and topic_id in (0, ?)"
            " order by topic_id desc limit 1",
            (chat_id, topic_id),
        )
        return Role(row["mode"], row["prompt"]) if row else Role()

    def put(self, chat_id: int, topic_id: int, role: Role) -> None:
        """Set the role of a topic, or of a chat outside its topics."""
        if role == Role() and not topic_id:
            self._connection.run("delete from chat_role where chat_id = ? and topic_id = 0", (chat_id,))
        else:
            self._connection.run(
                "insert or replace into chat_role (chat_id, topic_id, mode, prompt) values (?, ?, ?, ?)",
                (chat_id, topic_id, role.mode, role.prompt),
            )
