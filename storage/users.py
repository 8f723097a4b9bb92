"""The bot's users: registration, step of the conversation, open session."""

from __future__ import annotations

from dataclasses import dataclass

from conversation.steps import Step
from storage.connection import Connection
from storage.rows import reader

_COLUMNS = (
    "id, username, first_name, last_name, language, model, at_full, step, came_from, asks_about, asks_card,"
    " asked_under, session_id, balance, bought, reserved, spent, sessions, debug, blocked, banned,"
    " voice_to_voice, topic_id"
)


@dataclass(frozen=True, slots=True)
class User:
    """A registered user. `balance` is the tokens left, `bought` of them bought; running calls hold `reserved`."""

    id: int
    username: str | None
    first_name: str
    last_name: str | None
    language: str
    model: str  # empty: the default one
    at_full: str  # `summarise` or `anew`: what a chat does when it fills the prompt
    step: Step
    came_from: Step
    asks_about: int | None  # a session
    asks_card: int | None
    asked_under: int | None  # the message whose button asked
    session_id: int | None
    balance: int
    bought: int
    reserved: int
    spent: int
    sessions: int
    debug: bool
    blocked: bool
    banned: bool
    voice_to_voice: bool  # whoever asks by voice is answered by voice
    topic_id: int  # of the private chat, whose state this is

    @property
    def free(self) -> int:
        """Tokens of the balance that no reservation holds; never below 0."""
        return max(0, self.balance - self.reserved)


_user = reader(User, step=Step, came_from=Step, debug=bool, blocked=bool, banned=bool, voice_to_voice=bool)


class Users:
    """The table `user`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, user_id: int) -> User | None:
        """Return the user; None if the id is unknown."""
        row = self._connection.row(f"select {_COLUMNS} from user where id = ?", (user_id,))
        return _user(row) if row else None

    def language_of(self, user_id: int) -> str:
        """Return the language, by code, in which the bot speaks to a user; empty if the id is unknown."""
        return str(self._connection.value("select language from user where id = ?", (user_id,)) or "")

    def model_of(self, user_id: int) -> str:
        """Return the name of the model that a user has chosen; empty for the default one, and if the id is unknown."""
        return str(self._connection.value("select model from user where id = ?", (user_id,)) or "")

    def count(self) -> int:
        """Return how many users are registered, including those who blocked the bot."""
        return int(self._connection.value("select count(*) from user"))

    def speaking(self, language: str) -> list[int]:
        """Return the ids of the users with this language whom the bot can write to."""
        rows = self._connection.rows("select id from user where language = ? and not blocked order by id", (language,))
        return [row["id"] for row in rows]

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
        """Add a user with a first balance of tokens."""
        self._connection.run(
            "insert into user (id, username, first_name, last_name, language, balance, registered_at)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (user_id, username, first_name, last_name, language, balance, now),
        )
        user = self.get(user_id)
        assert user is not None
        return user

    def rename(self, user_id: int, username: str | None, first_name: str, last_name: str | None) -> None:
        """Store the names that Telegram shows now. A user who writes has not blocked the bot."""
        self._connection.run(
            "update user set username = ?, first_name = ?, last_name = ?, blocked = 0 where id = ?",
            (username, first_name, last_name, user_id),
        )

    def move(self, user_id: int, step_before: Step, step: Step) -> bool:
        """Set the step by compare-and-set. Return False, and change nothing, if the user has moved."""
        return (
            self._connection.run("update user set step = ? where id = ? and step = ?", (step, user_id, step_before))
            == 1
        )

    def ask(
        self,
        user_id: int,
        came_from: Step,
        asks_about: int | None,
        *,
        card_id: int | None = None,
        asked_under: int | None = None,
    ) -> None:
        """Store the step to return to after a question that takes one answer, and the session and card it is about.

        `asked_under` is the message that the answer changes.
        """
        self._connection.run(
            "update user set came_from = ?, asks_about = ?, asks_card = ?, asked_under = ? where id = ?",
            (came_from, asks_about, card_id, asked_under, user_id),
        )

    def set_language(self, user_id: int, language: str) -> None:
        """Set the language, by code, in which the bot speaks to this user."""
        self._connection.run("update user set language = ? where id = ?", (language, user_id))

    def set_model(self, user_id: int, model: str) -> None:
        """Choose a model; empty: the default one."""
        self._connection.run("update user set model = ? where id = ?", (model, user_id))

    def drop_model(self, user_id: int, model: str) -> bool:
        """Reset a user who still has this model to the default. Return False if they have another."""
        return self._connection.run("update user set model = '' where id = ? and model = ?", (user_id, model)) == 1

    def open_session(self, user_id: int, session_id: int | None) -> None:
        """Set the user's open session; None: none."""
        self._connection.run("update user set session_id = ? where id = ?", (session_id, user_id))

    def refill(self, user_id: int, tokens: int, up_to: int, day: int) -> bool:
        """Add tokens once a day, up to `up_to` free ones; more than that stay. Return whether it was done.

        Bought tokens don't count: they neither stop the refill nor are lost to it.
        """
        return (
            self._connection.run(
                "update user set refilled_on = :day,"
                " balance = bought + max(balance - bought, min(balance - bought + :tokens, :up_to))"
                " where id = :id and refilled_on < :day",
                {"id": user_id, "tokens": tokens, "up_to": up_to, "day": day},
            )
            == 1
        )

    def set_debug(self, user_id: int, on: bool) -> None:
        """Turn the user's debug mode on or off."""
        self._connection.run("update user set debug = ? where id = ?", (int(on), user_id))

    def set_voice_to_voice(self, user_id: int, on: bool) -> None:
        """Choose whether the user's spoken questions are answered by voice."""
        self._connection.run("update user set voice_to_voice = ? where id = ?", (int(on), user_id))

    def set_blocked(self, user_id: int, blocked: bool) -> None:
        """Record whether the user has blocked the bot; nothing can be sent to them then."""
        self._connection.run("update user set blocked = ? where id = ?", (int(blocked), user_id))

    def in_debug(self) -> list[int]:
        """Return the ids of users with debug mode on who have not blocked the bot."""
        return [row["id"] for row in self._connection.rows("select id from user where debug = 1 and blocked = 0")]

    def keep_words(self, user_id: int, text: str, session_id: int | None, now: int) -> int:
        """Keep words until the user chooses a story for them; `session_id`: the one offered. Return their id.

        The last 20 of a user are kept.
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

    def session_of_words(self, user_id: int, kept_id: int) -> int | None:
        """Return the session that was offered for kept words."""
        found: int | None = self._connection.value(
            "select session_id from kept_words where id = ? and user_id = ?", (kept_id, user_id)
        )
        return found

    def kept_words(self, user_id: int, kept_id: int) -> str | None:
        """Return kept words; None if they are gone or belong to another user."""
        text: str | None = self._connection.value(
            "select text from kept_words where id = ? and user_id = ?", (kept_id, user_id)
        )
        return text

    def take_words(self, user_id: int, kept_id: int) -> str | None:
        """Remove and return kept words; None if they are gone or belong to another user."""
        text: str | None = self._connection.value(
            "select text from kept_words where id = ? and user_id = ?", (kept_id, user_id)
        )
        if text is not None:
            self._connection.run("delete from kept_words where id = ?", (kept_id,))
        return text
