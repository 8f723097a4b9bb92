"""Where a user is in each topic of their private chat: the step, the open story, the draft, the character.

The user's row has the state of one topic at a time, `user.topic_id`; those of the others wait in `topic_state`. An
update or a turn of another topic brings that topic's state into the row first. Without topics nothing is ever moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from conversation.steps import ANSWERS, IN_WIZARD, TALKING, Step
from storage.connection import Connection

TOPIC_STATES = """
alter table user add column topic_id integer not null default 0;  -- of the private chat, whose state the row has

create table topic_state (               -- the states of a user's other topics
    user_id integer not null references user (id) on delete cascade,
    topic_id integer not null,
    step text not null,
    came_from text not null,
    asks_about integer,
    asked_under integer,
    character_id integer references character (id) on delete set null,
    session_id integer references session (id) on delete set null,
    draft text,                          -- a row of `draft`, as JSON
    primary key (user_id, topic_id)
) strict, without rowid;
create index topic_state_of_character on topic_state (character_id);
create index topic_state_of_session on topic_state (session_id);

-- In private, too, each topic has a turn of its own.
drop index turn_open_in_chat;
create unique index turn_open_in_chat on turn (chat_id, topic_id) where state in ('waiting', 'running');

-- Each topic has a role of its own; without one, that of its chat.
alter table chat_role rename to chat_role_before;
create table chat_role (
    chat_id integer not null,            -- a private chat or a group
    topic_id integer not null default 0,
    mode text not null default '',       -- name of a ready role; empty: `prompt`, or the default role
    prompt text not null default '',
    primary key (chat_id, topic_id)
) strict, without rowid;
insert into chat_role (chat_id, mode, prompt) select chat_id, mode, prompt from chat_role_before;
drop table chat_role_before;
"""

_STATE = "step, came_from, asks_about, asks_card, asked_under, character_id, session_id"
_DRAFT = "genre, hero, setting, extra, step, page, lucky"
_IN_A_STORY = (Step.STORY, Step.FINALE, Step.FINISHED)
_STAYS = ", ".join(f"'{step}'" for step in sorted(TALKING | IN_WIZARD))  # the steps that need no open story
_LIKE = "kind = ?1 and character_id is ?2 and chat_id = ?3 and topic_id = ?4"  # the talks with one character, or none
_ASKS = ", ".join(f"'{step}'" for step in ANSWERS)


class TopicStates:
    """The table `topic_state`, and the part of the table `user` that it keeps for other topics."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def enter(self, user_id: int, topic_id: int) -> None:
        """Bring the state of a topic into the user's row.

        A topic that is new goes on with the chat or the character of the topic before, else begins in the menu.
        """
        values = {"user": user_id, "topic": topic_id}
        before = self._connection.row("select topic_id, step from user where id = :user", values)
        if before is None or before["topic_id"] == topic_id:
            return
        run = self._connection.run
        with self._connection.transaction():
            run(
                f"insert or replace into topic_state (user_id, topic_id, {_STATE}, draft)"
                f" select id, topic_id, {_STATE}, (select json_array({_DRAFT}) from draft where user_id = :user)"
                " from user where id = :user",
                values,
            )
            run("delete from draft where user_id = :user", values)
            if self._connection.value("select 1 from topic_state where user_id = :user and topic_id = :topic", values):
                self._load(values)
            else:
                stays = Step(before["step"]) in TALKING
                fresh = (
                    "topic_id = :topic, asks_about = null, asks_card = null, asked_under = null, session_id = null,"
                    " came_from = 'menu'"
                )
                run(f"update user set {fresh} where id = :user", values)
                if not stays:
                    run("update user set step = 'menu' where id = :user", values)

    @contextmanager
    def within(self, user_id: int, chat_id: int, topic_id: int) -> Iterator[None]:
        """Have the user's row show the state of a private chat's topic in the block; in a group, change nothing.

        The block is inside a transaction.
        """
        if chat_id != user_id:
            yield
            return
        before: int | None = self._connection.value("select topic_id from user where id = ?", (user_id,))
        if before is None or before == topic_id:
            yield
            return
        self.enter(user_id, topic_id)
        yield
        self.enter(user_id, before)

    def hand_over(self, user_id: int, from_id: int, to_id: int, session_id: int) -> None:
        """Open a story in a topic, at the step at which it was open in another one, which is left for the menu."""
        values: dict[str, int | str] = {"user": user_id, "session": session_id}
        run = self._connection.run
        with self.within(user_id, user_id, from_id):
            sql = "select step from user where id = :user and session_id = :session"
            step: str | None = self._connection.value(sql, values)
            if step is None:
                return  # it is open elsewhere, or nowhere
            in_story = Step(step) in _IN_A_STORY
            run("update user set session_id = null where id = :user", values)
            if in_story:
                run("update user set step = 'menu' where id = :user", values)
        values["step"] = step if in_story else Step.STORY
        with self.within(user_id, user_id, to_id):
            run("update user set session_id = :session, step = :step where id = :user", values)
            self._mend({"user": user_id, "topic": to_id})

    def topic_gone(self, user_id: int, topic_id: int) -> None:
        """Let the stories and talks of a deleted topic go on in the main one.

        The story that was touched last is open there unless another is; a talk is, unless there is another like it.
        """
        run, values = self._connection.run, {"user": user_id, "topic": topic_id}
        with self._connection.transaction():
            told = "user_id = :user and chat_id = :user and topic_id = :topic and kind = 'story'"
            newest: int | None = self._connection.value(
                f"select id from session where {told} and deleted_at is null order by touched_at desc limit 1", values
            )
            run(f"update session set topic_id = 0 where {told}", values)
            self._move_talks(values)
            if newest is None:
                return
            with self.within(user_id, user_id, 0):
                sql = "select 1 from user where id = ? and step = 'menu' and session_id is null"
                free = self._connection.value(sql, (user_id,)) is not None
            if free:
                self.hand_over(user_id, topic_id, 0, newest)

    def _move_talks(self, values: dict[str, int]) -> None:
        """Move a topic's talks to the main one, in their order, behind a talk like them that is open there."""
        newest = f"select max(touched_at) from session where {_LIKE} and deleted_at is null"
        sorts = self._connection.rows(
            "select distinct kind, character_id from session"
            " where chat_id = :user and topic_id = :topic and kind <> 'story'",
            values,
        )
        for sort in sorts:
            talks = (sort["kind"], sort["character_id"], values["user"])
            there = self._connection.value(newest, (*talks, 0))
            here = self._connection.value(newest, (*talks, values["topic"]))
            later_s = max(0, here - there + 1) if here is not None and there is not None else 0
            self._connection.run(
                f"update session set topic_id = 0, touched_at = touched_at - ?5 where {_LIKE}",
                (*talks, values["topic"], later_s),
            )

    def leave_elsewhere(self, user_id: int, session_id: int) -> None:
        """Close a story in all topics but the one that the user's row shows: it is open in one at a time.

        A chat, a character or a new story's questions, for which a topic has left the story, stay open there.
        """
        self._connection.run(
            f"update topic_state set session_id = null, step = iif(step in ({_STAYS}), step, 'menu')"
            " where user_id = ? and session_id = ?",
            (user_id, session_id),
        )

    def _load(self, values: dict[str, int]) -> None:
        run = self._connection.run
        run(
            f"update user set ({_STATE}) = (select {_STATE} from topic_state"
            " where user_id = :user and topic_id = :topic), topic_id = :topic where id = :user",
            values,
        )
        columns = ", ".join(f"json_extract(draft, '$[{place}]')" for place in range(len(_DRAFT.split(", "))))
        run(
            f"insert into draft (user_id, {_DRAFT}) select user_id, {columns} from topic_state"
            " where user_id = :user and topic_id = :topic and draft is not null",
            values,
        )
        run("delete from topic_state where user_id = :user and topic_id = :topic", values)
        self._mend(values)

    def _mend(self, values: dict[str, int]) -> None:
        """Leave a story that was deleted, or a draft or a character that went, while another topic was open."""
        self._leave_question(values)
        row = self._connection.row(
            "select user.step, session.deleted_at is null as stands, session.finished_at is not null as finished,"
            " exists (select 1 from draft where user_id = user.id) as has_draft, session.id as session_id"
            " from user left join session on session.id = user.session_id where user.id = :user",
            values,
        )
        assert row is not None
        step = Step(row["step"])
        if row["session_id"] is not None and not row["stands"]:
            self._connection.run("update user set session_id = null where id = :user", values)
        lost = row["session_id"] is None or not row["stands"]
        if (step in _IN_A_STORY and lost) or (step in IN_WIZARD and not row["has_draft"]):
            self._connection.run("update user set step = 'menu' where id = :user", values)
        elif step in (Step.STORY, Step.FINALE) and row["finished"]:
            self._connection.run("update user set step = 'finished' where id = :user", values)

    def _leave_question(self, values: dict[str, int]) -> None:
        """Go back from a question about a story that is deleted."""
        self._connection.run(
            f"update user set step = came_from where id = :user and step in ({_ASKS}) and asks_about is not null"
            " and not exists (select 1 from session where id = asks_about and deleted_at is null)",
            values,
        )
