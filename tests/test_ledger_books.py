"""The ledger's books: what each reservation, charge, return and crash writes for user, session, call and project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import LimitReached
from core.metrics import Metrics
from core.schemas import Usage
from database import Budget, Caps, Database, Turn
from storage.connection import Connection
from storage.ledger import Ledger
from tests.ready_made import new_database, put_new_database

NO_LIMITS = Caps(balance=False, kept=0, begins_story=False, session=None, project=None, sessions=None)
BALANCE = 1_000


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = new_database(tmp_path / "bot.db")
    for user_id in (1, 2):
        opened.users.register(user_id, None, "А", None, language="ru", balance=BALANCE, now=1)
    yield opened
    opened.close()


def story(db: Database, user_id: int = 1, chat_id: int = 1) -> int:
    return db.stories.create(user_id, chat_id, genre="г", hero="г", setting="м", extra="", title="", now=1)


def turn(db: Database, chat_id: int = 1, user_id: int = 1, session_id: int | None = None) -> Turn:
    """Return a running turn."""
    [row] = db.inbox.add([(None, chat_id, "{}")], 1)
    turn_id = db.turns.add(
        inbox_id=row.id,
        chat_id=chat_id,
        user_id=user_id,
        session_id=session_id,
        kind="part",
        prompt_id=None,
        hint="",
        now=1,
    )
    started = db.turns.start(turn_id)
    assert started is not None
    return started


def reserve(db: Database, turn: Turn, tokens: int, caps: Caps = NO_LIMITS, **values: Any) -> int | None:
    given: dict[str, Any] = {"purpose": "part", "period": "ever", "now": 5}
    session_id = turn.session_id or None
    return db.ledger.reserve(
        turn_id=turn.id, user_id=turn.user_id, session_id=session_id, tokens=tokens, caps=caps, **given | values
    )


def asked(db: Database, turn: Turn, tokens: int, caps: Caps = NO_LIMITS, **values: Any) -> int:
    call_id = reserve(db, turn, tokens, caps, **values)
    assert call_id is not None
    return call_id


def refusal(db: Database, turn: Turn, tokens: int, caps: Caps) -> tuple[str, int, int] | None:
    """Return the limit that a reservation of so many tokens would exceed, what is used of it, and what is allowed."""
    session_id = turn.session_id or None
    try:
        db.ledger.check(turn.user_id, session_id, tokens, "ever", caps)
    except LimitReached as error:
        with pytest.raises(LimitReached, match=str(error)):
            reserve(db, turn, tokens, caps)
        return error.limit, error.used, error.allowed
    return None


def row(db: Database, call_id: int) -> dict[str, Any]:
    found = db._connection.row("select * from call where id = ?", (call_id,))
    assert found is not None
    return dict(found)


def held(db: Database, user_id: int, session_id: int) -> tuple[int, int, int]:
    """Return what is reserved of a user's balance, a session and the project."""
    user, session = db.users.get(user_id), db.stories.get(session_id)
    assert user is not None and session is not None
    return user.reserved, session.reserved, db.ledger.budget("ever").reserved


def spent(db: Database, user_id: int, session_id: int) -> tuple[int, int, int, int]:
    """Return what a user has left and has spent, a session has spent, and the project has spent."""
    account, session = db.accounts.get(user_id), db.stories.get(session_id)
    assert account is not None and session is not None
    return account.balance, account.spent, session.spent, db.ledger.budget("ever").spent


def test_a_reservation_is_written_to_the_call_its_user_session_and_period(db: Database) -> None:
    mine, other = story(db), story(db, 2, 2)
    call_id = asked(db, turn(db, session_id=mine), 300, model="large", purpose="summary")
    assert row(db, call_id) | {"id": 0, "turn_id": 0} == {
        "id": 0,
        "turn_id": 0,
        "user_id": 1,
        "session_id": mine,
        "purpose": "summary",
        "model": "large",
        "state": "asked",
        "period": "ever",
        "reserved": 300,
        "input": 0,
        "output": 0,
        "price": 0,
        "charged": 0,
        "estimated": 0,
        "cached": 0,
        "asked_at": 5,
        "ended_at": None,
    }
    assert (held(db, 1, mine), held(db, 2, other)) == ((300, 300, 300), (0, 0, 300))
    unnamed = asked(db, turn(db, 2, 2, other), 50)
    assert row(db, unnamed)["model"] == ""  # the default one
    assert (held(db, 1, mine), held(db, 2, other)) == ((300, 300, 350), (50, 50, 350))
    assert db.ledger.budget("2026-11") == Budget(0, 0, 0, 0)


def test_a_session_counts_at_its_first_call_only(db: Database) -> None:
    mine = story(db)
    running = turn(db, session_id=mine)
    for call_at in (5, 6):
        asked(db, running, 10, now=call_at)
    asked(db, turn(db, 7, 1), 10)  # belongs to no session
    account = db.accounts.get(1)
    assert account is not None and account.sessions == 1
    assert db._connection.value("select started_at from session where id = ?", (mine,)) == 5
    assert db._connection.value("select sessions from user where id = 2") == 0


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


@pytest.mark.parametrize(
    ("reserved", "usage", "price", "limit", "charged"),
    [
        (100, Usage(30, 20), None, 1_000, 50),
        (100, Usage(30, 20), 70, 1_000, 70),
        (100, Usage(30, 20), 0, 1_000, 0),
        (100, Usage(90, 60), None, 1_000, 150),  # more than was reserved, which balance and session have
        (100, Usage(90, 60), None, 120, 120),
        (100, Usage(90, 60), None, 90, 100),  # what was reserved is paid whatever the limit
        (100, Usage(90, 60), 5_000, 5_000, 1_000),
        (1_000, Usage(90, 60), 5_000, 5_000, 1_000),
    ],
)
def test_a_call_is_charged_its_price_as_far_as_balance_and_session_have_it(
    db: Database, reserved: int, usage: Usage, price: int | None, limit: int, charged: int
) -> None:
    mine, other = story(db), story(db, 2, 2)
    call_id = asked(db, turn(db, session_id=mine), reserved)
    others = asked(db, turn(db, 2, 2, other), 30)
    usage = replace(usage, cached=7, estimated=True)
    assert db.ledger.settle(call_id, usage, 9, price=price, session_limit=limit) == charged
    cost = usage.total if price is None else price
    ended = {"state": "settled", "ended_at": 9, "price": cost, "charged": charged}
    told = {"input": usage.input, "output": usage.output, "cached": 7, "estimated": 1}
    assert row(db, call_id).items() >= (ended | told).items()
    assert spent(db, 1, mine) == (BALANCE - charged, charged, charged, cost)
    assert held(db, 1, mine) == (0, 0, 30)
    assert row(db, others)["state"] == "asked" and spent(db, 2, other)[:3] == (BALANCE, 0, 0)
    account, another = db.accounts.get(1), db.accounts.get(2)
    assert account is not None and (account.requests, account.last_request_at) == (1, 9)
    assert another is not None and (another.requests, another.last_request_at) == (0, None)
    assert db.ledger.settle(call_id, usage, 10, session_limit=limit) is None
    assert spent(db, 1, mine) == (BALANCE - charged, charged, charged, cost)


def test_a_call_without_a_session_is_limited_by_the_balance_alone(db: Database) -> None:
    call_id = asked(db, turn(db), 100)
    assert db.ledger.settle(call_id, Usage(400, 0), 9, session_limit=50) == 400


def test_without_a_limit_of_its_session_a_call_pays_what_it_held(db: Database) -> None:
    for tokens in (100, 0):
        call_id = asked(db, turn(db, tokens + 1, 1, story(db)), tokens)
        assert db.ledger.settle(call_id, Usage(400, 0), 9) == tokens


def test_other_calls_of_a_user_keep_what_they_hold(db: Database) -> None:
    mine = story(db)
    running = turn(db, session_id=mine)
    first, second = asked(db, running, 100), asked(db, running, 600)
    assert db.ledger.settle(first, Usage(5_000, 0), 9, session_limit=10_000) == 400
    assert held(db, 1, mine) == (600, 600, 600)
    assert db.ledger.settle(second, Usage(600, 0), 9, session_limit=10_000) == 600
    running = turn(db, 2, 2, story(db, 2, 2))
    first, second = asked(db, running, 100), asked(db, running, 300)
    assert db.ledger.settle(first, Usage(600, 0), 9, session_limit=600) == 300


def test_a_paid_call_is_counted_once(tmp_path: Path) -> None:
    class Counted(Metrics):
        def __init__(self) -> None:
            self.settled: list[tuple[Usage, int]] = []

        def call_settled(self, usage: Usage, charged: int) -> None:
            self.settled.append((usage, charged))

    metrics = Counted()
    put_new_database(tmp_path / "bot.db")
    db = Database(tmp_path / "bot.db", metrics)
    db.users.register(1, None, "А", None, language="ru", balance=BALANCE, now=1)
    call_id = asked(db, turn(db), 100)
    for _ in range(2):
        db.ledger.settle(call_id, Usage(30, 20), 9, session_limit=1)
    db.ledger.give_back(asked(db, turn(db, 2), 100), 9)
    db.close()
    assert metrics.settled == [(Usage(30, 20), 50)]


def test_a_returned_call_costs_the_user_nothing_and_the_project_what_is_billed(db: Database) -> None:
    mine = story(db)
    running = turn(db, session_id=mine)
    first, second = asked(db, running, 100), asked(db, running, 200)
    elsewhere = asked(db, running, 1, period="2026-11")
    assert db.ledger.give_back(first, 9, billed=40)
    assert row(db, first).items() >= {"state": "returned", "ended_at": 9, "charged": 0, "price": 0}.items()
    assert row(db, second)["state"] == "asked" and held(db, 1, mine) == (201, 201, 200)
    assert db.ledger.budget("ever") == Budget(0, 200, 40, 0)
    assert db.ledger.budget("2026-11") == Budget(0, 1, 0, 0)
    assert not db.ledger.give_back(first, 10, billed=40)
    assert db.ledger.give_back(second, 10) and db.ledger.give_back(elsewhere, 10)
    assert db.ledger.budget("ever") == Budget(0, 0, 40, 0)
    assert spent(db, 1, mine) == (BALANCE, 0, 0, 0)
    account = db.accounts.get(1)
    assert account is not None and (account.requests, account.last_request_at) == (0, None)


def test_a_crash_returns_what_was_held_and_the_project_books_it_as_lost(db: Database) -> None:
    mine = story(db)
    running = turn(db, session_id=mine)
    paid = asked(db, running, 100)
    db.ledger.settle(paid, Usage(10, 0), 6, session_limit=BALANCE)
    calls = [asked(db, running, 200), asked(db, running, 300, period="2026-11"), asked(db, turn(db, 2, 2), 5)]
    assert db.ledger.recover(9) == 3
    assert [(row(db, call)["state"], row(db, call)["ended_at"]) for call in calls] == [("lost", 9)] * 3
    assert row(db, paid)["state"] == "settled"
    assert (db.ledger.budget("ever"), db.ledger.budget("2026-11")) == (Budget(10, 0, 205, 0), Budget(0, 0, 300, 0))
    assert held(db, 1, mine) == (0, 0, 0) and spent(db, 1, mine)[:3] == (BALANCE - 10, 10, 10)
    assert db.ledger.recover(10) == 0


def test_the_disk_has_what_a_start_gives_back(tmp_path: Path) -> None:
    put_new_database(tmp_path / "bot.db")
    synced: list[int] = []
    connection = Connection(tmp_path / "bot.db", sync=synced.append)
    Ledger(connection).recover(9)
    assert len(synced) == 1
    connection.close()


def test_a_counter_that_holds_what_no_call_does_is_reset_at_a_start(db: Database) -> None:
    mine = story(db)
    asked(db, turn(db, session_id=mine), 100)
    db._connection.run("delete from call")  # as an older version could
    assert held(db, 1, mine) == (100, 100, 100)
    db.ledger.recover(9)
    assert held(db, 1, mine) == (0, 0, 0)


def test_what_a_turn_has_paid_is_known_by_purpose(db: Database) -> None:
    running, other = turn(db, session_id=story(db)), turn(db, 2, 2)
    assert db.ledger.charged_for(running.id) == 0
    for tokens, purpose in ((10, "summary"), (30, "part")):
        call_id = asked(db, running, 100, purpose=purpose)
        assert not db.ledger.paid_for(running.id, purpose)
        db.ledger.settle(call_id, Usage(tokens, 0), 6, session_limit=BALANCE)
        assert db.ledger.paid_for(running.id, purpose)
    db.ledger.give_back(asked(db, running, 100, purpose="title"), 6)
    assert not db.ledger.paid_for(running.id, "title") and not db.ledger.paid_for(other.id, "part")
    assert (db.ledger.charged_for(running.id), db.ledger.charged_for(other.id)) == (40, 0)


def test_a_refund_gives_back_what_a_turn_has_cost_its_user_and_nothing_else(db: Database) -> None:
    mine, other = story(db), story(db, 2, 2)
    running, others = turn(db, session_id=mine), turn(db, 2, 2, other)
    earlier = turn(db, 9, 1, story(db, 1, 9))
    for paying, tokens in ((running, 10), (running, 30), (others, 70), (earlier, 90)):
        db.ledger.settle(asked(db, paying, 100), Usage(tokens, 0), 6, session_limit=BALANCE)
    held_still = asked(db, running, 200)
    assert running.inbox_id is not None
    for _ in range(2):
        db.ledger.refund(running.inbox_id)
        assert spent(db, 1, mine) == (BALANCE - 90, 90, 0, 200)
        assert spent(db, 2, other) == (BALANCE - 70, 70, 70, 200)
    assert (db.ledger.charged_for(running.id), db.ledger.charged_for(earlier.id)) == (0, 90)
    assert row(db, held_still)["state"] == "asked" and held(db, 1, mine) == (200, 200, 200)


def test_what_admins_were_told_is_kept_by_period(db: Database) -> None:
    for period in ("ever", "2026-11"):
        asked(db, turn(db, len(period)), 1, period=period)
    db.ledger.set_told("ever", 50)
    assert (db.ledger.budget("ever").told, db.ledger.budget("2026-11").told) == (50, 0)
