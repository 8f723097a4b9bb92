"""Links to stories and characters in cards that users send into other chats.

A story that is listed gets a token, so that its card has a link before it is chosen. `Stories.share` closes the link.
"""

from __future__ import annotations

import secrets

from storage.connection import Connection
from storage.stories import Stories, Story


class Sharing:
    """The columns `story.offered_token` and `character.share_token`."""

    def __init__(self, connection: Connection, stories: Stories) -> None:
        self._connection = connection
        self._stories = stories

    def finished(self, user_id: int) -> list[Story]:
        """Return a user's finished stories without deleted ones, the last touched first."""
        return [story for story in self._stories.of_user(user_id, limit=-1) if story.finished and story.head_id]

    def offer(self, story: Story) -> str:
        """Return the token of the link in a story's card; it opens the story from now on."""
        if story.share_token:
            return story.share_token
        self._connection.run(
            "update story set offered_token = ? where session_id = ? and offered_token is null",
            (secrets.token_urlsafe(12), story.session_id),
        )
        return str(
            self._connection.value("select offered_token from story where session_id = ?", (story.session_id,)) or ""
        )

    def accept(self, session_id: int, user_id: int) -> bool:
        """Count a user's story whose card was chosen as shared. Return whether it was not before."""
        return bool(
            self._connection.run(
                "update story set share_token = offered_token, offered_token = null"
                " where session_id = ? and share_token is null and offered_token is not null"
                " and exists (select 1 from session where id = session_id and user_id = ? and deleted_at is null)",
                (session_id, user_id),
            )
        )

    def opened(self, token: str) -> Story | None:
        """Return the story that a link opens, which counts as shared from now on; None if there is none."""
        self._connection.run(
            "update story set share_token = offered_token, offered_token = null"
            " where offered_token = ? and share_token is null",
            (token,),
        )
        return self._stories.shared(token)

    def story_of(self, token: str) -> Story | None:
        """Return the story that a link opens, or that a listed card shows, and change nothing."""
        session_id: int | None = self._connection.value(
            "select session_id from story join session on session.id = session_id"
            " where (share_token = ?1 or offered_token = ?1) and deleted_at is null",
            (token,),
        )
        return self._stories.get(session_id)

    # ------------------------------------------------------------------ characters

    def offer_character(self, character_id: int) -> str:
        """Return the token of the link in the card of a user's own character."""
        self._connection.run(
            "update character set share_token = ? where id = ? and share_token is null",
            (secrets.token_urlsafe(12), character_id),
        )
        return str(self._connection.value("select share_token from character where id = ?", (character_id,)) or "")

    def character_of(self, token: str) -> int | None:
        """Return the character that a link names; None if it is deleted or there is none."""
        found: int | None = self._connection.value(
            "select id from character where share_token = ? and deleted_at is null and story_id is null", (token,)
        )
        return found
