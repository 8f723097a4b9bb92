"""Who uses the bot: registration, the step of the conversation, the open session."""

from __future__ import annotations

from dataclasses import dataclass

from conversation.states import Step
from storage.connection import Connection, Row

_COLUMNS = (
    "id, username, first_name, last_name, language, model, at_full, step, came_from, asks_about, session_id, balance,"
    " reserved, spent, sessions, debug, blocked, banned"
)


@dataclass(frozen=True, slots=True)
class User:
    """A registered user. Tokens: `balance` is what is left, `reserved` the part of it held by calls under way."""

    id: int
    username: str | None
    first_name: str
    last_name: str | None
    language: str
    model: str  # empty: the default one
    at_full: str  # what a chat does when it fills the prompt: summarise, or begin anew
    step: Step
    came_from: Step
    asks_about: int | None
    session_id: int | None
    balance: int
    reserved: int
    spent: int
    sessions: int
    debug: bool
    blocked: bool
    banned: bool

    @property
    def free(self) -> int:
        """Tokens of the balance that no reservation holds; never below 0."""
        return max(0, self.balance - self.reserved)


def _user(row: Row) -> User:
    values = dict(row)
    values["step"] = Step(values["step"])
    values["came_from"] = Step(values["came_from"])
    values["debug"] = bool(values["debug"])
    values["blocked"] = bool(values["blocked"])
    values["banned"] = bool(values["banned"])
    return User(**values)


class Users:
    """The table `user`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, user_id: int) -> User | None:
        """The user; None where the bot doesn't know this id."""
        row = self._connection.row(f"select {_COLUMNS} from user where id = ?", (user_id,))
        return _user(row) if row else None

    def count(self) -> int:
        """How many users the bot knows, blocked ones too."""
        return int(self._connection.value("select count(*) from user"))

    def register(
        self,
        user_id: int,
        username: str | None,
        first_name: str,
        last_name: str | None,
        *,
        language: str,
        balance: int,
        now: int,
    ) -> User:
        """A new user with a first balance of tokens."""
        self._connection.run(
            "insert into user (id, username, first_name, last_name, language, balance, registered_at)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (user_id, username, first_name, last_name, language, balance, now),
        )
        user = self.get(user_id)
        assert user is not None
        return user

    def rename(self, user_id: int, username: str | None, first_name: str, last_name: str | None) -> None:
        """Takes over the names that Telegram shows now; a user who writes has not blocked the bot."""
        self._connection.run(
            "update user set username = ?, first_name = ?, last_name = ?, blocked = 0 where id = ?",
            (username, first_name, last_name, user_id),
        )

    def move(self, user_id: int, step_before: Step, step: Step) -> bool:
        """Compare-and-set of the step; False when the user has moved meanwhile, and then nothing changed."""
        return (
            self._connection.run("update user set step = ? where id = ? and step = ?", (step, user_id, step_before))
            == 1
        )

    def ask(self, user_id: int, came_from: Step, asks_about: int | None) -> None:
        """Remembers where to go back to after a question that needs one answer, and what it is about."""
        self._connection.run(
            "update user set came_from = ?, asks_about = ? where id = ?", (came_from, asks_about, user_id)
        )

    def set_language(self, user_id: int, language: str) -> None:
        """The language of the bot's sentences to this user from now on, by its code."""
        self._connection.run("update user set language = ? where id = ?", (language, user_id))

    def set_model(self, user_id: int, model: str) -> None:
        """Chooses a model; empty: the default one."""
        self._connection.run("update user set model = ? where id = ?", (model, user_id))

    def drop_model(self, user_id: int, model: str) -> bool:
        """Back to the default model for somebody who still has this one; False where they have another by now."""
        return self._connection.run("update user set model = '' where id = ? and model = ?", (user_id, model)) == 1

    def open_session(self, user_id: int, session_id: int | None) -> None:
        """Makes a session the user's open one; None: none is."""
        self._connection.run("update user set session_id = ? where id = ?", (session_id, user_id))

    def refill(self, user_id: int, tokens: int, up_to: int, day: int) -> bool:
        """Gives tokens back once a day, up to `up_to`; a balance above that stays. True where it was done."""
        return (
            self._connection.run(
                "update user set balance = max(balance, min(balance + :tokens, :up_to)), refilled_on = :day"
                " where id = :id and refilled_on < :day",
                {"id": user_id, "tokens": tokens, "up_to": up_to, "day": day},
            )
            == 1
        )

    def set_debug(self, user_id: int, on: bool) -> None:
        """Turns the user's debug mode on or off."""
        self._connection.run("update user set debug = ? where id = ?", (int(on), user_id))

    def set_blocked(self, user_id: int, blocked: bool) -> None:
        """Notes whether the user has blocked the bot, so that nothing can be sent to them."""
        self._connection.run("update user set blocked = ? where id = ?", (int(blocked), user_id))

    def in_debug(self) -> list[int]:
        """The ids of those who have the debug mode on."""
        return [row["id"] for row in self._connection.rows("select id from user where debug = 1 and blocked = 0")]

    def keep_words(self, user_id: int, text: str, session_id: int | None, now: int) -> int:
        """Keeps words that belong to no story yet, though to `session_id` maybe; their id.

        At most the last 20 of a user are kept.
        """
        kept = self._connection.insert(
            "insert into kept_words (user_id, session_id, text, kept_at) values (?, ?, ?, ?)",
            (user_id, session_id, text, now),
        )
        self._connection.run(
            "delete from kept_words where user_id = ?1 and id not in"
            " (select id from kept_words where user_id = ?1 order by id desc limit 20)",
            (user_id,),
        )
        return kept

    def words_are_for(self, user_id: int, kept_id: int) -> int | None:
        """The session that was offered for kept words."""
        found: int | None = self._connection.value(
            "select session_id from kept_words where id = ? and user_id = ?", (kept_id, user_id)
        )
        return found

    def kept_words(self, user_id: int, kept_id: int) -> str | None:
        """Kept words, which stay where they are; None when they aren't there or belong to another user."""
        text: str | None = self._connection.value(
            "select text from kept_words where id = ? and user_id = ?", (kept_id, user_id)
        )
        return text

    def take_words(self, user_id: int, kept_id: int) -> str | None:
        """Kept words, taken out; None when they are not there (any more) or belong to another user."""
        text: str | None = self._connection.value(
            "select text from kept_words where id = ? and user_id = ?", (kept_id, user_id)
        )
        if text is not None:
            self._connection.run("delete from kept_words where id = ?", (kept_id,))
        return text
