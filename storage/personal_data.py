"""Everything stored about one user, as JSON: the file that `/my_data` sends.

Whole rows are exported, so that new columns are included; times are UTC text. Of groups it has the user's words and the
answers to them, not other people's words. It reads on a connection of its own, since it may be much.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from core.days import DAY_S
from core.schemas import Json
from storage.connection import reading

# What is stored about a user beside their sessions: by its name, the query for it.
_QUERIES: Final[Mapping[str, str]] = {
    "role_of_the_assistant": "select topic_id, mode, prompt from chat_role where chat_id = :user",
    "voices_of_answers": "select character_id, aloud, voice from answer_voice where chat_id = :user",
    "characters": "select * from character where owner_id = :user order by id",
    "in_groups": (
        "select session.chat_id, prompt.* from prompt join session on session.id = prompt.session_id"
        " where prompt.user_id = :user and session.chat_id <> :user order by prompt.id"
    ),
    "votes_in_groups": "select * from story_vote where user_id = :user order by session_id, what",
    "named_in_books_of_groups": "select * from coauthor where user_id = :user order by session_id",
    "cards_of_stories_in_groups": "select * from group_draft where user_id = :user order by id",
    "story_begun_but_not_started": "select * from draft where user_id = :user",
    "other_topics": "select * from topic_state where user_id = :user order by topic_id",
    "words_kept_for_a_choice": "select * from kept_words where user_id = :user order by id",
    "requests_to_models": "select * from turn where user_id = :user order by id",
    "payments": "select * from payment where user_id = :user order by paid_at, charge_id",
    "published_stories": "select * from published where user_id = :user order by id",
    "hearts_given": "select * from heart where user_id = :user order by published_id",
    "stories_reported": "select * from report where user_id = :user order by published_id",
    "calls_of_models": "select * from call where user_id = :user order by id",
    "messages_received": "select * from inbox where chat_id = :user order by id",
    "messages_on_their_way": (
        "select id, method, params, file_name, attachment from outbox where chat_id = :user order by id"
    ),
    "messages_that_show_a_text": "select message_id, prompt_id from sent where chat_id = :user order by message_id",
    "messages_that_say_what_is_under_way": "select message_id from notice where chat_id = :user order by message_id",
    "messages_in_which_an_answer_grows": "select message_id from growing where chat_id = :user order by message_id",
    "messages_that_answer_elsewhere": (
        "select inline_message_id from guest_answer join turn on turn.inbox_id = guest_answer.inbox_id"
        " where turn.user_id = :user order by guest_answer.inbox_id"
    ),
    "letters_that_a_character_writes_first": "select * from first_letter where user_id = :user",
    "opinions": "select * from opinion where user_id = :user order by prompt_id",
    "illustrations": (
        "select prompt_id, jpeg from illustration join picture on picture.id = picture_id"
        " join prompt on prompt.id = prompt_id join session on session.id = prompt.session_id"
        " where session.user_id = :user order by prompt_id"
    ),
    "covers": (
        "select session_id, jpeg from cover join session on session.id = session_id"
        " where session.user_id = :user order by session_id"
    ),
}


def personal_data(path: Path, user_id: int) -> dict[str, Json] | None:
    """Return everything stored about a user; None if the user is unknown. Raises `StorageError`."""
    with reading(path) as raw:
        raw.row_factory = sqlite3.Row
        reader = _Reader(raw, user_id)
        users = reader.rows("select * from user where id = :user")
        if not users:
            return None
        of_user = {name: reader.rows(sql) for name, sql in _QUERIES.items()}
        return {"user": users[0], **reader.sessions(), **of_user}


class _Reader:
    """Reads one user's rows as JSON values."""

    def __init__(self, raw: sqlite3.Connection, user_id: int) -> None:
        self._raw = raw
        self._user_id = user_id

    def rows(self, sql: str, session_id: int = 0) -> list[Json]:
        """Return the rows of `sql` as JSON. The query may use `:user` and `:session`."""
        values = {"user": self._user_id, "session": session_id}
        return [{key: _plain(key, row[key]) for key in row.keys()} for row in self._raw.execute(sql, values)]  # noqa: SIM118

    def sessions(self) -> dict[str, Json]:
        """Return the user's stories, chats and character conversations with their texts, recently deleted ones too."""
        found: dict[str, list[Json]] = {"story": [], "chat": [], "character": []}
        for row in self._raw.execute(
            "select id, kind, head_id, chat_id from session where user_id = ? order by id", (self._user_id,)
        ).fetchall():
            found[row["kind"]].append(self._session(row["id"], row["head_id"], row["chat_id"] != self._user_id))
        return {"stories": found["story"], "chats": found["chat"], "talks_with_characters": found["character"]}

    def _session(self, session_id: int, head_id: int | None, of_group: bool) -> Json:
        [session] = self.rows("select * from session where id = :session", session_id)
        assert isinstance(session, dict)
        about = self.rows("select * from story where session_id = :session", session_id)
        if of_group:  # the user's texts of it are in `in_groups`
            return {**session, "story": about[0]} if about else session
        texts = self.rows(
            "select prompt.*, memory.text as memory, memory.edited as memory_edited from prompt"
            " left join memory on memory.prompt_id = prompt.id where session_id = :session order by id",
            session_id,
        )
        shown = _path(texts, head_id)
        return {
            **session,
            "story": about[0] if about else None,
            "cards": self.rows("select * from card where session_id = :session order by id", session_id),
            "texts": [{**text, "shown": text["id"] in shown} for text in texts if isinstance(text, dict)],
            "suggestions": self.rows("select * from suggestion where session_id = :session order by id", session_id),
        }


def _path(texts: list[Json], head_id: int | None) -> set[Json]:
    """Return the ids of the texts from the head up to the first one."""
    above = {text["id"]: text["parent_id"] for text in texts if isinstance(text, dict)}
    path: set[Json] = set()
    now: Json = head_id
    while now is not None and now in above and now not in path:
        path.add(now)
        now = above[now]
    return path


def _plain(name: str, value: str | int | float | bytes | None) -> Json:
    """Return a column's value as JSON."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, int) and (name.endswith("_at") or name == "until"):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(value))
    if isinstance(value, int) and name == "refilled_on":
        return time.strftime("%Y-%m-%d", time.gmtime(value * DAY_S))
    if isinstance(value, str) and name in ("body", "params", "texts", "attachment", "files") and value:
        return _json(value)
    return value


def _json(text: str) -> Json:
    try:
        found: Json = json.loads(text)
    except ValueError:
        return text
    return found
