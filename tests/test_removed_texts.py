"""By which texts a story that an admin removed is known again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.connection import Connection
from storage.removed_texts import REMOVED_TEXTS, are_known, remember

LONG = " волны били в стену маяка" * 10


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    made = Connection(tmp_path / "bot.db")
    made.run(REMOVED_TEXTS)
    yield made
    made.close()


numbers = st.lists(st.integers(0, 9), min_size=1, max_size=5, unique=True)


@given(removed=st.lists(numbers, max_size=3), own=st.sets(st.integers(0, 9)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_story_is_known_by_the_last_text_or_half_of_the_texts(
    connection: Connection, removed: list[list[int]], own: set[int]
) -> None:
    connection.run("delete from removed_text")
    for published_id, story in enumerate(removed):
        remember(connection, published_id, [f"{number}{LONG}" for number in story], f"{story[-1]}{LONG}")
    alike = any(story[-1] in own or 2 * len(own & set(story)) >= len(story) for story in removed)
    assert are_known(connection, [f"{number}{LONG}" for number in own]) is alike


def test_a_long_story_is_looked_up_at_once_among_many_removed_ones(connection: Connection) -> None:
    connection.run(
        "with recursive n (i) as (select 0 union all select i + 1 from n where i < 9999)"
        " insert into removed_text select i / 20, randomblob(32), 0 from n"
    )
    began = time.thread_time()
    assert not are_known(connection, [f"{number}{LONG}" for number in range(200)])
    assert time.thread_time() - began < 0.25
