"""«Пиши мне сам»: which character may write to a user first, and how many of its letters weren't answered."""

from __future__ import annotations

from dataclasses import dataclass

from storage.connection import Connection
from storage.rows import reader

_COLUMNS = "user_id, character_id, zone_minutes, last_at, last_prompt_id, unanswered"


@dataclass(frozen=True, slots=True)
class FirstLetter:
    """A user's wish. Times are Unix seconds; `last_at` is 0 before the first letter."""

    user_id: int
    character_id: int
    zone_minutes: int | None  # east of UTC; None: not chosen yet
    last_at: int
    last_prompt_id: int
    unanswered: int


_letter = reader(FirstLetter)


class FirstLetters:
    """The table `first_letter`: one character at most for each user."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, user_id: int) -> FirstLetter | None:
        """Return a user's wish; None if nobody writes to them first."""
        row = self._connection.row(f"select {_COLUMNS} from first_letter where user_id = ?", (user_id,))
        return _letter(row) if row else None

    def wanted(self) -> list[FirstLetter]:
        """Return the wishes of all users whom the bot can write to."""
        rows = self._connection.rows(
            f"select {', '.join(f'first_letter.{name}' for name in _COLUMNS.split(', '))} from first_letter"
            " join user on user.id = user_id where zone_minutes is not null and not user.blocked order by user_id"
        )
        return [_letter(row) for row in rows]

    def ask(self, user_id: int, character_id: int) -> None:
        """Note for whom a user chooses a time zone; the zone of an earlier wish is kept, its counts are not.

        The time of the last letter stays: a change doesn't bring a second one on the same day.
        """
        self._connection.run(
            "insert into first_letter (user_id, character_id) values (?, ?) on conflict (user_id) do update set"
            " character_id = excluded.character_id, unanswered = 0, last_prompt_id = 0",
            (user_id, character_id),
        )

    def set_zone(self, user_id: int, zone_minutes: int | None) -> None:
        """Store a user's time zone: letters begin. None: they end, and the time of the last one is kept."""
        self._connection.run(
            "update first_letter set zone_minutes = ?, unanswered = 0 where user_id = ?", (zone_minutes, user_id)
        )

    def is_answered(self, letter: FirstLetter) -> bool:
        """Return whether the user has said something to the character since its last letter."""
        sql = (
            "select exists (select 1 from prompt join session on session.id = prompt.session_id"
            " where session.chat_id = ?1 and session.character_id = ?2 and prompt.role = 'user'"
            " and prompt.user_id = ?1 and prompt.id > ?3)"
        )
        return bool(self._connection.value(sql, (letter.user_id, letter.character_id, letter.last_prompt_id)))

    def begin(self, user_id: int, now: int, unanswered: int) -> None:
        """Note that a letter is being written, in the transaction that adds its turn."""
        self._connection.run(
            "update first_letter set last_at = ?, unanswered = ?,"
            " last_prompt_id = (select coalesce(max(id), 0) from prompt) where user_id = ?",
            (now, unanswered, user_id),
        )

    def take_back(self, user_id: int) -> None:
        """Note that no letter came of it; another is tried on another day."""
        self._connection.run(
            "update first_letter set unanswered = max(0, unanswered - 1) where user_id = ?", (user_id,)
        )

    def last_talked_at(self, user_id: int) -> int:
        """Return when a user was last answered by a model, or touched a talk or a story; 0 if never."""
        return int(
            self._connection.value(
                "select max(coalesce((select last_request_at from user where id = ?1), 0),"
                " coalesce((select max(touched_at) from session where user_id = ?1 and chat_id = ?1), 0))",
                (user_id,),
            )
        )

    def has_waiting_words(self, user_id: int) -> bool:
        """Return whether an update of a user's chat isn't handled yet."""
        sql = "select exists (select 1 from inbox where chat_id = ? and state in ('new', 'turn'))"
        return bool(self._connection.value(sql, (user_id,)))
