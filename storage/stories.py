"""Stories: settings, state, and the user's list of them. Their texts are in `tree`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from conversation.wishes import without_wishes
from core.days import DAY_S
from storage.connection import Connection
from storage.rows import reader

UNDO_DELETE_S = DAY_S
_WORD: Final = re.compile(r"\w+")
_BRACKETS: Final = re.compile(r"\([^()]*\)")  # what is asked of the model about a hero or a setting

_COLUMNS = (
    "session_id, user_id, genre, hero, setting, extra, tone, length, language, title, named, starts_after, share_token,"
    " head_id, spent, reserved, finished_at is not null as finished, deleted_at is not null as deleted, warned,"
    " created_at, touched_at, chat_id, topic_id, note"
)
_FROM = f"select {_COLUMNS} from session join story on story.session_id = session.id"


@dataclass(frozen=True, slots=True)
class Story:
    """A session that is a story: its settings and state."""

    session_id: int
    user_id: int
    genre: str
    hero: str
    setting: str
    extra: str
    tone: str
    length: str
    language: str
    title: str
    named: bool  # the title is the user's own
    starts_after: int | None
    share_token: str | None
    head_id: int | None
    spent: int
    reserved: int
    finished: bool
    deleted: bool
    warned: bool
    created_at: int
    touched_at: int
    chat_id: int = 0  # negative: the story is a group's
    topic_id: int = 0  # of its user's private chat, in which it is told; 0: none of its own
    note: str = ""  # what its reader wants to be kept in mind

    def is_own_of(self, user_id: int) -> bool:
        """Return whether the story is this user's own: theirs, and no group's."""
        return self.user_id == user_id and self.chat_id >= 0


_story = reader(Story, named=bool, finished=bool, deleted=bool, warned=bool)


def _has(text: str, wanted: Sequence[str]) -> bool:
    """Return whether each of these words, or one that begins with it, is in the text. Accents don't count."""
    words = _WORD.findall(_plain(text))
    return all(any(one.startswith(part) for one in words) for word in wanted for part in _WORD.findall(_plain(word)))


def _plain(text: str) -> str:
    """Return the text as the index has it: in lower case, without accents."""
    return "".join(mark for mark in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(mark))


class Stories:
    """The tables `session` and `story`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self,
        user_id: int,
        chat_id: int,
        *,
        genre: str,
        hero: str,
        setting: str,
        extra: str,
        title: str,
        now: int,
        language: str = "ru",
        topic_id: int = 0,
    ) -> int:
        """Create a story without a first part. Return its session's id.

        The story keeps its language when the user changes theirs.
        """
        session_id = self._connection.insert(
            "insert into session (user_id, chat_id, kind, created_at, touched_at, topic_id)"
            " values (?, ?, 'story', ?, ?, ?)",
            (user_id, chat_id, now, now, topic_id),
        )
        self._connection.run(
            "insert into story (session_id, genre, hero, setting, extra, language, title) values (?, ?, ?, ?, ?, ?, ?)",
            (session_id, genre, hero, setting, extra, language, title),
        )
        return session_id

    def get(self, session_id: int | None) -> Story | None:
        """Return the story of a session, even if deleted; None if there is none."""
        row = self._connection.row(f"{_FROM} where session.id = ?", (session_id,))
        return _story(row) if row else None

    def own(self, user_id: int, session_id: int | None) -> Story | None:
        """Return a story of the user's own; None for a deleted one, a group's or somebody else's."""
        story = self.get(session_id)
        return story if story is not None and story.is_own_of(user_id) and not story.deleted else None

    def in_topic(self, chat_id: int, topic_id: int) -> Story | None:
        """Return the newest story that is told in a topic."""
        row = self._connection.row(
            f"{_FROM} where session.chat_id = ? and session.topic_id = ? and deleted_at is null"
            " order by session.id desc limit 1",
            (chat_id, topic_id),
        )
        return _story(row) if row else None

    def set_topic(self, session_id: int, topic_id: int) -> None:
        """Let a story be told in a topic from now on; 0: in none."""
        self._connection.run("update session set topic_id = ? where id = ?", (topic_id, session_id))

    def has_begun(self, session_id: int) -> bool:
        """Return whether a model was asked in a story."""
        return self._connection.value("select started_at from session where id = ?", (session_id,)) is not None

    def shared(self, token: str) -> Story | None:
        """Return the story that a link's token opens; deleted stories are not shared."""
        row = self._connection.row(f"{_FROM} where share_token = ? and deleted_at is null", (token,))
        return _story(row) if row else None

    def touch(self, session_id: int, now: int) -> None:
        """Set the time of the last activity (Unix seconds), by which the list is sorted."""
        self._connection.run("update session set touched_at = ? where id = ?", (now, session_id))

    def finish(self, session_id: int, now: int | None) -> None:
        """Mark the story as finished at `now`; None reopens it."""
        self._connection.run("update session set finished_at = ? where id = ?", (now, session_id))

    def set_warned(self, session_id: int) -> None:
        """Record that the user was warned that the session's limit is near."""
        self._connection.run("update session set warned = 1 where id = ?", (session_id,))

    def set_title(self, session_id: int, title: str, *, named: bool = False) -> None:
        """Set the title. `named`: the user's own title, which only another one of theirs replaces."""
        self._connection.run(
            "update story set title = ?1, named = ?2 where session_id = ?3 and named <= ?2",
            (title, int(named), session_id),
        )

    def set_tone(self, session_id: int, tone: str) -> None:
        """Set the tone of further parts; empty: the model chooses."""
        self._connection.run("update story set tone = ? where session_id = ?", (tone, session_id))

    def set_length(self, session_id: int, length: str) -> None:
        """Set the length of further parts, by its name."""
        self._connection.run("update story set length = ? where session_id = ?", (length, session_id))

    def start_after(self, session_id: int, prompt_id: int) -> None:
        """Start the story after this text. Earlier text is a previous volume: remembered, but not shown."""
        self._connection.run("update story set starts_after = ? where session_id = ?", (prompt_id, session_id))

    def share(self, session_id: int, token: str | None) -> None:
        """Set the token of the story's link; None revokes it, and the links of cards that were listed."""
        self._connection.run(
            "update story set share_token = ?, offered_token = null where session_id = ?", (token, session_id)
        )

    # ------------------------------------------------------------------ a group's stories

    def open_in(self, chat_id: int, topic_id: int) -> Story | None:
        """Return the story that a group's topic writes or has just finished: the last touched one."""
        return next(iter(self.of_chat(chat_id, topic_id, limit=1)), None)

    def of_chat(self, chat_id: int, topic_id: int, *, limit: int) -> list[Story]:
        """Return the stories of a group's topic without deleted ones, the last touched first."""
        rows = self._connection.rows(
            f"{_FROM} where chat_id = ? and topic_id = ? and kind = 'story' and deleted_at is null"
            " order by touched_at desc, session_id desc limit ?",
            (chat_id, topic_id, limit),
        )
        return [_story(row) for row in rows]

    # ------------------------------------------------------------------ the user's list

    def of_user(self, user_id: int, *, limit: int, offset: int = 0) -> list[Story]:
        """Return a user's own stories without deleted ones and those of groups, the last touched first."""
        rows = self._connection.rows(
            f"{_FROM} where user_id = ? and chat_id > 0 and deleted_at is null"
            " order by touched_at desc, session_id desc limit ? offset ?",
            (user_id, limit, offset),
        )
        return [_story(row) for row in rows]

    def count_of(self, user_id: int) -> int:
        """Return how many stories `of_user` has in all."""
        sql = "select count(*) from session where user_id = ? and chat_id > 0 and kind = 'story' and deleted_at is null"
        return int(self._connection.value(sql, (user_id,)))

    def has_unfinished(self, user_id: int) -> bool:
        """Return whether a user has a story of their own without an ending, deleted ones left out."""
        sql = (
            "select exists (select 1 from session where user_id = ? and chat_id > 0 and kind = 'story'"
            " and finished_at is null and deleted_at is null)"
        )
        return bool(self._connection.value(sql, (user_id,)))

    def count_not_started(self, user_id: int) -> int:
        """Return how many of a user's stories no model was asked for, deleted ones included."""
        sql = "select count(*) from session where user_id = ? and kind = 'story' and started_at is null"
        return int(self._connection.value(sql, (user_id,)))

    def search(self, user_id: int, words: str, *, limit: int) -> list[Story]:
        """Return a user's stories in which every word (or a word that begins with it) occurs.

        All words must be in one text, or all in the title, hero and setting. What a user asks for in brackets isn't
        searched. The last touched story comes first.
        """
        wanted = re.sub(r'["\0]', " ", words).casefold().split()  # marks that end a word of the index's language
        if not wanted:
            return []
        rows = self._connection.rows(
            "select distinct session_id, "
            " iif(role = 'user' and kind <> 'brought' and instr(prompt.text, '('), prompt.text, '') as words"
            " from prompt_words join prompt on prompt.id = prompt_words.rowid"
            " where prompt_words match ? and prompt.user_id = ?",
            (" ".join(f'"{word}"*' for word in wanted), user_id),
        )
        found = {row["session_id"] for row in rows if not row["words"] or _has(without_wishes(row["words"]), wanted)}
        # Names are compared here: SQLite's lower() knows no Cyrillic, and there are few.
        stories = self.of_user(user_id, limit=-1)
        named = (_BRACKETS.sub(" ", f"{story.title} {story.hero} {story.setting}").casefold() for story in stories)
        hits = [
            story
            for story, name in zip(stories, named, strict=True)
            if story.session_id in found or all(any(one.startswith(word) for one in name.split()) for word in wanted)
        ]
        return hits[:limit]

    def delete(self, session_id: int, now: int) -> None:
        """Delete a story; `put_back` can undo it for a day."""
        self._connection.run("update session set deleted_at = ? where id = ?", (now, session_id))

    def put_back(self, session_id: int) -> bool:
        """Undo a deletion. Return False if the story is gone."""
        return (
            self._connection.run(
                "update session set deleted_at = null where id = ? and deleted_at is not null", (session_id,)
            )
            == 1
        )

    def purge(self, now: int) -> int:
        """Remove sessions of any kind that were deleted more than a day ago. Return how many."""
        before = (now - UNDO_DELETE_S,)
        with self._connection.transaction():
            self._connection.run(
                "delete from sent where prompt_id in (select prompt.id from prompt"
                " join session on session.id = prompt.session_id where session.deleted_at < ?)",
                before,
            )
            return self._connection.run("delete from session where deleted_at < ?", before)
