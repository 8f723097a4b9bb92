"""Delete a user's data in one transaction, and leave no trace of it in the file's pages.

| data | what happens to it |
|---|---|
| the user's row, stories, chats, own characters, drafts, kept words | deleted |
| their role for the assistant, voices of answers, unhandled updates, links from messages to texts | deleted |
| what they said in groups, their wishes for a group's story, the model's answers | deleted; other people's words stay |
| payments | kept for refunds and the books, without whose they were: charge id, sums, times |
| turns and calls | kept as token sums, without anything that says whose they were |
| tokens spent, and a ban | kept under a keyed hash of the user id, so that returning resets nothing |

SQLite overwrites deleted content (`secure_delete`), except in the full-text index, which only marks a text as deleted
until its pages are merged. `erase_words` merges it step by step, also for texts deleted otherwise. The caller stops the
user's running turns first. Backups and logs are not changed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from storage.connection import Connection
from storage.settings import MARK_KEY_SETTING, Settings

_LEFT = "words_left"  # a trigger sets this setting when a text is deleted
_PIECE = 16  # FTS5 pages merged in one step: takes a few milliseconds

_KEPT = "balance, bought, spent, requests, sessions, more_sessions, refilled_on, banned, asked_more_at"


class Forgetting:
    """Deletes users from every table and recognises returning ones by a hash."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings
        self._erasing = False

    def forget(self, user_id: int, inbox_id: int) -> None:
        """Delete a user's data; `inbox_id` is the update that asks for it. No turn of theirs may be open."""
        run = self._connection.run
        with self._connection.transaction():
            run(
                f"insert or replace into forgotten (mark, {_KEPT}) select ?, {_KEPT} from user where id = ?",
                (self._mark(user_id), user_id),
            )
            self._leave_groups(user_id)
            run("delete from sent where chat_id = ?", (user_id,))
            run("delete from notice where chat_id = ?", (user_id,))
            run("delete from growing where chat_id = ?", (user_id,))
            run("delete from guest_answer where inbox_id in (select inbox_id from turn where user_id = ?)", (user_id,))
            run("delete from chat_role where chat_id = ?", (user_id,))
            run("delete from answer_voice where chat_id = ?", (user_id,))
            run("update call set user_id = 0, session_id = null where user_id = ?", (user_id,))
            run(
                "update turn set user_id = null, chat_id = 0, session_id = null, prompt_id = null, inbox_id = null,"
                " hint = '', reply_to = null, notice_message_id = null where user_id = ?",
                (user_id,),
            )
            self._empty_inbox(user_id, inbox_id)
            run("delete from user where id = ?", (user_id,))

    def _leave_groups(self, user_id: int) -> None:
        """Delete a user's words, and the answers to them, from group talks.

        A talk that the user began passes to another speaker; without one it is deleted with the user. What they wished
        for in a group's story goes.
        """
        values = {"user": user_id}
        theirs = "select id from prompt where session_id = :session and user_id = :user"
        sessions = self._connection.rows(
            "select distinct session_id from prompt join session on session.id = prompt.session_id"
            " where prompt.user_id = :user and session.chat_id <> :user",
            values,
        )
        for session in sessions:
            values["session"] = session["session_id"]
            self._connection.run(f"delete from sent where prompt_id in ({theirs})", values)
            # A memory summarises everything before it, so it may quote the user.
            self._connection.run(
                "delete from memory where prompt_id in (select id from prompt where session_id = :session"
                " and id >= (select min(id) from prompt where session_id = :session and user_id = :user))",
                values,
            )
            for row in self._connection.rows(f"{theirs} order by id", values):
                self._cut_out(row["id"])
        self._connection.run(
            "update story set extra = '' where session_id in"
            " (select id from session where user_id = :user and chat_id <> :user)",
            {"user": user_id},
        )
        self._connection.run(
            "update session set user_id = (select prompt.user_id from prompt join user on user.id = prompt.user_id"
            " where prompt.session_id = session.id order by prompt.id desc limit 1)"
            " where user_id = :user and chat_id <> :user and exists (select 1 from prompt"
            " join user on user.id = prompt.user_id where prompt.session_id = session.id)",
            {"user": user_id},
        )

    def _cut_out(self, prompt_id: int) -> None:
        """Delete a text from a talk and link what followed it to what preceded it."""
        above = "(select parent_id from prompt where id = ?1)"
        self._connection.run(f"update session set head_id = {above} where head_id = ?1", (prompt_id,))
        self._connection.run(f"update prompt set parent_id = {above} where parent_id = ?1", (prompt_id,))
        self._connection.run("update prompt set chosen_id = null where chosen_id = ?", (prompt_id,))
        self._connection.run("delete from prompt where id = ?", (prompt_id,))

    def _empty_inbox(self, user_id: int, inbox_id: int) -> None:
        """End waiting updates and empty stored ones; their ids stay as the filter for redelivery."""
        self._connection.run("update inbox set chat_id = 0 where id = ? and chat_id = ?", (inbox_id, user_id))
        self._connection.run(
            "update inbox set state = 'done', done_at = coalesce(done_at, arrived_at), body = '', chat_id = 0"
            " where chat_id = ? and (state in ('done', 'aside', 'turn') or queued <> 0)",
            (user_id,),
        )
        said = "coalesce(" + ", ".join(f"json_extract(body, '$.{sender}.id')" for sender in _SENDERS) + ")"
        self._connection.run(
            "update inbox set state = 'done', done_at = coalesce(done_at, arrived_at), body = ''"
            " where body <> '' and (state in ('aside', 'turn') or queued <> 0)"
            f" and chat_id <> ?1 and case when json_valid(body) then {said} end = ?1",
            (user_id,),
        )

    # ------------------------------------------------------------------ returning users

    def recall(self, user_id: int) -> bool:
        """Restore a returning user's limits from before their deletion. Return whether there were any."""
        if self._settings.get(MARK_KEY_SETTING) is None:
            return False
        mark = self._mark(user_id)
        found = self._connection.run(
            f"update user set ({_KEPT}) = (select {_KEPT} from forgotten where mark = ?1)"
            " where id = ?2 and exists (select 1 from forgotten where mark = ?1)",
            (mark, user_id),
        )
        self._connection.run("delete from forgotten where mark = ?", (mark,))
        return found == 1

    def credit(self, user_id: int, tokens: int, *, bought: int) -> None:
        """Add tokens, `bought` of them bought ones, to what a user who was forgotten has when they return."""
        if self._settings.get(MARK_KEY_SETTING) is not None:
            self._connection.run(
                "update forgotten set balance = balance + ?1, bought = bought + ?2 where mark = ?3",
                (tokens, bought, self._mark(user_id)),
            )

    def debit(self, user_id: int, tokens: int) -> tuple[int, int]:
        """Take tokens of what a user who was forgotten has when they return.

        Return how many there were to take, and how many of them were bought.
        """
        if self._settings.get(MARK_KEY_SETTING) is None:
            return 0, 0
        mark = self._mark(user_id)
        left = self._connection.row("select max(0, balance) as free, bought from forgotten where mark = ?", (mark,))
        if left is None:
            return 0, 0
        taken = min(tokens, left["free"])
        bought = min(taken, left["bought"])
        self._connection.run(
            "update forgotten set balance = balance - ?1, bought = bought - ?2 where mark = ?3", (taken, bought, mark)
        )
        return taken, bought

    def returns_banned(self, user_id: int) -> bool | None:
        """Return whether a user who was forgotten is banned when they return; None if nobody with this id was."""
        if self._settings.get(MARK_KEY_SETTING) is None:
            return None
        found = self._connection.value("select banned from forgotten where mark = ?", (self._mark(user_id),))
        return None if found is None else bool(found)

    def _mark(self, user_id: int) -> str:
        secret = self._settings.get(MARK_KEY_SETTING)
        if secret is None:
            secret = secrets.token_hex(32)
            self._settings.put(MARK_KEY_SETTING, secret)
        return hmac.new(bytes.fromhex(secret), str(user_id).encode(), hashlib.sha256).hexdigest()

    # ------------------------------------------------------------------ the full-text index

    def erase_words(self) -> bool:
        """Merge another part of the full-text index without deleted words. Return True while there is more.

        The last step also truncates the WAL, which held those pages too, unless Litestream copies it.
        """
        if not self._erasing and self._settings.get(_LEFT) is None:
            return False
        with self._connection.transaction():
            piece = _PIECE if self._erasing else -_PIECE  # FTS5: a negative number starts a full merge
            if not self._erasing:
                self._connection.run("delete from setting where key = ?", (_LEFT,))
            before = self._connection.total_changes
            self._connection.run("insert into prompt_words (prompt_words, rank) values ('merge', ?)", (piece,))
            self._erasing = self._connection.total_changes - before > 1
        if not self._erasing:
            self._connection.empty_log()
        return self._erasing


_SENDERS = (
    *("message.from", "edited_message.from", "guest_message.from", "callback_query.from", "message_reaction.user"),
    *("pre_checkout_query.from", "subscription.user"),
    *("inline_query.from", "chosen_inline_result.from"),
)
