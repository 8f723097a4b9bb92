"""A database of any size, written directly into the file.

Each user of a measurement has an open story with its first part. Other users have old stories with their turns, calls
and shown messages; there are no memories, drafts or unfinished turns.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench.load import FIRST_ID, USERS
from database import Database

STORY_PROMPTS: Final = 20  # of an old story: ten of the user, ten parts
STORIES_EACH: Final = 10
OLD_FIRST_ID: Final = 10_000_000
_PART: Final = "Туман лёг на воду, и смотритель услышал три гудка там, где кораблей не было уже двадцать лет. "
_TABLES: Final = {
    "user": "id, first_name, registered_at, step, session_id, balance",
    "session": "id, user_id, chat_id, kind, head_id, spent, created_at, started_at, finished_at, touched_at",
    "story": "session_id, genre, hero, setting, title",
    "prompt": "id, session_id, parent_id, user_id, role, text, tokens, turn_id, created_at",
    "turn": "id, inbox_id, chat_id, user_id, session_id, kind, prompt_id, state, created_at, ended_at",
    "call": "id, turn_id, user_id, session_id, purpose, state, period, reserved, input, output, charged, asked_at,"
    " ended_at",
    "inbox": "id, update_id, chat_id, body, state, arrived_at, done_at",
    "sent": "chat_id, message_id, prompt_id",
}
Rows = dict[str, list[tuple[Any, ...]]]


def fill(path: Path, prompts: int = 0) -> None:
    """Make a database at `path`: the users of a measurement and `prompts` old texts of others, half of them turns."""
    db = Database(path)
    connection = db._connection._raw  # a million rows at once, without the repositories
    connection.execute("pragma foreign_keys=off")
    connection.execute("pragma synchronous=off")
    connection.execute("begin")
    for rows in _users_and_old_stories(prompts):
        for table, columns in _TABLES.items():
            marks = ", ".join("?" * (columns.count(",") + 1))
            connection.executemany(f"insert into {table} ({columns}) values ({marks})", rows[table])
    connection.execute("insert into budget (period, spent) values ('ever', 1000)")
    connection.execute("commit")
    connection.execute("pragma wal_checkpoint(truncate)")
    db.close()


def _users_and_old_stories(prompts: int) -> Iterator[Rows]:
    now = int(time.time())
    chance = random.Random(1)
    past = prompts // STORY_PROMPTS
    for first in range(0, past, 500):
        yield _old_stories(range(first, min(past, first + 500)), now, chance)
    rows: Rows = {table: [] for table in _TABLES}
    for number in range(USERS):
        user_id, session_id, prompt_id = FIRST_ID + number, past + number + 1, prompts + number + 1
        rows["user"].append((user_id, "Анна", now, "story", session_id, 10**9))
        rows["session"].append((session_id, user_id, user_id, "story", prompt_id, 0, now, now, None, now))
        rows["story"].append((session_id, "Детектив", "Смотритель маяка", "Остров в тумане", "Маяк"))
        turn_id = prompts // 2 + number + 1  # answered: the bot says a hint below a user's first part
        rows["prompt"].append((prompt_id, session_id, None, user_id, "assistant", _PART * 4, 100, turn_id, now))
        rows["turn"].append((turn_id, None, user_id, user_id, session_id, "part", None, "answered", now, now))
    yield rows


def _old_stories(numbers: range, now: int, chance: random.Random) -> Rows:
    rows: Rows = {table: [] for table in _TABLES}
    for number in numbers:
        user_id, session_id = OLD_FIRST_ID + number // STORIES_EACH, number + 1
        begun_at = now - chance.randrange(86_400, 365 * 86_400)
        last = (number + 1) * STORY_PROMPTS
        if number % STORIES_EACH == 0:
            rows["user"].append((user_id, "Борис", begun_at, "story", session_id, 1000))
        rows["session"].append((session_id, user_id, user_id, "story", last, 5000, begun_at, begun_at, None, begun_at))
        rows["story"].append((session_id, "Фэнтези", "Рыцарь без коня", "Горы", f"История {number}"))
        for place in range(STORY_PROMPTS):
            prompt_id = number * STORY_PROMPTS + place + 1
            role = "assistant" if place % 2 else "user"
            text = _PART * chance.randrange(2, 7) if place % 2 else f"Рыцарь идёт к башне {chance.random()}."
            parent_id, turn_id = (prompt_id - 1 if place else None), prompt_id // 2
            at = begun_at + place * 60
            rows["prompt"].append(
                (prompt_id, session_id, parent_id, user_id, role, text, 100, turn_id if place % 2 else None, at)
            )
            rows["sent"].append((user_id, prompt_id, prompt_id))
            if place % 2:
                ids = (turn_id, turn_id, user_id, user_id, session_id)
                rows["turn"].append((*ids, "part", parent_id, "answered", at, at + 5))
                rows["call"].append(
                    (*(turn_id, turn_id, user_id, session_id, "part", "settled", "ever"), 1300, 400, 100, 500, at, at)
                )
                # The filter against redelivery keeps two days of updates only: the newest turns' ones here.
                done = ("", "done", now - 3600, now - 3600)
                if number >= numbers.stop - 20:
                    rows["inbox"].append((turn_id, -turn_id, user_id, *done))
    return rows
