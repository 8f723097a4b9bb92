"""What limits a reservation, to the token, and whom it limits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.schemas import Usage
from database import Budget, Database
from tests.ledger_calls import BALANCE, NO_LIMITS, asked, db, refusal, reserve, story, turn

__all__ = ["db"]


def test_only_a_running_turn_reserves(db: Database) -> None:
    running = turn(db, session_id=story(db))
    ended = turn(db, 2, 2, story(db, 2, 2))
    db.turns.end(ended.id, "stopped", 2)
    assert reserve(db, ended, 10) is None
    assert reserve(db, running, 10) is not None
    db.turns.end(running.id, "failed", 2)
    assert reserve(db, running, 10) is None
    assert db.ledger.budget("ever").reserved == 10


def test_the_project_is_limited_by_what_is_spent_reserved_and_lost(db: Database) -> None:
    running = turn(db, session_id=story(db))
    caps = replace(NO_LIMITS, project=100)
    assert refusal(db, running, 101, caps) == ("project", 0, 100)
    db.ledger.settle(asked(db, running, 20), Usage(8, 2), 6, session_limit=BALANCE)
    db.ledger.give_back(asked(db, running, 20), 6, billed=30)
    asked(db, running, 40)
    assert db.ledger.budget("ever") == Budget(spent=10, reserved=40, lost=30, told=0)
    assert db.ledger.budget("ever").used == 80
    assert refusal(db, running, 21, caps) == ("project", 80, 100)
    assert refusal(db, running, 20, caps) is None
    assert refusal(db, running, 21, NO_LIMITS) is None


def test_a_session_is_limited_by_what_is_spent_and_reserved(db: Database) -> None:
    running = turn(db, session_id=story(db))
    caps = replace(NO_LIMITS, session=100)
    db.ledger.settle(asked(db, running, 20), Usage(8, 2), 6, session_limit=BALANCE)
    asked(db, running, 40)
    assert refusal(db, running, 51, caps) == ("session", 50, 100)
    assert refusal(db, running, 50, caps) is None
    assert refusal(db, turn(db, 7, 1), 51, caps) is None  # belongs to no session


def test_a_balance_is_limited_by_what_is_free_of_it(db: Database) -> None:
    running = turn(db, session_id=story(db))
    caps = replace(NO_LIMITS, balance=True)
    asked(db, running, 400)
    assert refusal(db, running, 601, caps) == ("balance", 601, 600)
    assert refusal(db, running, 600, caps) is None
    assert refusal(db, running, 601, NO_LIMITS) is None
    assert refusal(db, turn(db, 2, 2), 1_000, caps) is None  # another user's is untouched


def test_users_begin_as_many_sessions_as_they_are_allowed(db: Database) -> None:
    caps = replace(NO_LIMITS, sessions=1)
    first = turn(db, session_id=story(db))
    assert refusal(db, first, 10, caps) is None
    asked(db, first, 10)
    assert refusal(db, first, 10, caps) is None  # it has begun
    second = turn(db, 5, 1, story(db, 1, 5))
    assert refusal(db, second, 10, caps) == ("sessions", 1, 1)
    assert refusal(db, second, 10, NO_LIMITS) is None
    db.accounts.grant_sessions(1, 2)
    assert refusal(db, second, 10, caps) is None
    assert refusal(db, second, 10, replace(caps, sessions=-1)) == ("sessions", 1, 1)
    assert refusal(db, turn(db, 2, 2, story(db, 2, 2)), 10, caps) is None


@pytest.mark.parametrize(
    ("kind", "kept"),
    [("story", True), ("finished", False), ("deleted", False), ("group", False), ("chat", False), ("another's", False)],
)
def test_a_balance_keeps_tokens_while_its_user_has_an_unfinished_story(db: Database, kind: str, kept: bool) -> None:
    if kind == "chat":
        db.talks.create(1, 1, 1)
    else:
        unfinished = story(db, 2 if kind == "another's" else 1, -5 if kind == "group" else 1)
        if kind == "finished":
            db.stories.finish(unfinished, 2)
        if kind == "deleted":
            db.stories.delete(unfinished, 2)
    caps = replace(NO_LIMITS, balance=True, kept=300)
    free = 700 if kept else 1_000
    assert refusal(db, turn(db, 9), free + 1, caps) == ("balance", free + 1, free)
    assert refusal(db, turn(db, 10), free, caps) is None


def test_a_story_that_is_to_begin_keeps_tokens_too(db: Database) -> None:
    caps = replace(NO_LIMITS, balance=True, kept=300, begins_story=True)
    assert refusal(db, turn(db), 701, caps) == ("balance", 701, 700)
    talk = turn(db, 2, 1, db.talks.create(1, 2, 1))
    assert refusal(db, talk, 701, caps) is None
    assert refusal(db, turn(db, 3), 1, replace(caps, kept=1_001)) == ("balance", 1, 0)
