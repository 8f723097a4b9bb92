"""By which texts a story that an admin removed is known again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from database import Database
from storage.connection import Connection
from storage.public_shelf import First, PublicShelf
from storage.removed_texts import are_known, remember

LONG = " волны били в стену маяка" * 10


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """Return a database in which the prompts 2, 4, 6, 8 are of user 2."""
    made = Database(tmp_path / "bot.db")
    made.users.register(2, "", "Борис", None, language="ru", balance=1, now=1)
    session = made.stories.create(2, 2, genre="", hero="", setting="", extra="", title="", now=1)
    for prompt_id in (2, 4, 6, 8):
        made._connection.run(
            "insert into prompt (id, session_id, user_id, role, text, created_at) values (?, ?, 2, 'assistant', '', 1)",
            (prompt_id, session),
        )
    yield made._connection
    made.close()


numbers = st.lists(st.integers(1, 9), min_size=1, max_size=5, unique=True)


@given(removed=st.lists(numbers, max_size=3), own=st.sets(st.integers(1, 9)), user_id=st.sampled_from([1, 2]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_story_is_known_by_the_last_text_or_half_of_the_texts_that_its_user_had_not_first(
    connection: Connection, removed: list[list[int]], own: set[int], user_id: int
) -> None:
    connection.run("delete from removed_text")
    for published_id, story in enumerate(removed):
        texts = {f"{number}{LONG}": number for number in story}
        remember(connection, published_id, texts, f"{story[-1]}{LONG}")
    alike = False
    for story in removed:
        counted = {number for number in story if user_id == 1 or number % 2}
        alike |= story[-1] in own & counted or (bool(counted) and 2 * len(own & counted) >= len(counted))
    assert are_known(connection, [f"{number}{LONG}" for number in own], user_id) is alike


def test_one_text_in_two_ways_of_writing_counts_once(connection: Connection) -> None:
    remember(connection, 1, {f"{number}{LONG}": None for number in range(4)}, f"3{LONG}")
    assert not are_known(connection, [f"0{LONG}", f"0{LONG.upper()}"], 1)


def test_a_long_story_is_looked_up_at_once_among_many_removed_ones(connection: Connection) -> None:
    connection.run(
        "with recursive n (i) as (select 0 union all select i + 1 from n where i < 9999)"
        " insert into removed_text select i / 20, randomblob(32), 0, i from n"
    )
    began = time.thread_time()
    assert not are_known(connection, [f"{number}{LONG}" for number in range(200)], 1)
    assert time.thread_time() - began < 0.25


def test_who_had_a_text_first_is_looked_up_without_reading_all_texts(connection: Connection) -> None:
    statements: list[str] = []
    connection._raw.set_trace_callback(statements.append)
    assert PublicShelf(connection)._firsts(2) == {"": First(2, 2)}
    connection._raw.set_trace_callback(None)
    plan = [row["detail"] for row in connection.rows(f"explain query plan {statements[0]}")]
    assert any("prompt_of_length" in step for step in plan)
