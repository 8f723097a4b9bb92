"""The ledger's books: what each reservation, charge, return and crash writes for user, session, call and project."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.metrics import Metrics
from core.schemas import Usage
from core.star_packs import StarPack
from database import Budget, Database
from storage.connection import Connection
from storage.ledger import Ledger
from tests.ledger_calls import BALANCE, asked, db, held, row, spent, story, turn
from tests.ready_made import put_new_database

__all__ = ["db"]


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
        "bought": 0,
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
    for paying, tokens in ((running, 9), (running, 1), (running, 30), (others, 70), (earlier, 90)):
        db.ledger.settle(asked(db, paying, 100), Usage(tokens, 0), 6, session_limit=BALANCE)
    held_still = asked(db, running, 200)
    assert running.inbox_id is not None
    for tokens in (40, 0):
        assert db.ledger.refund(running.inbox_id) == tokens
        assert spent(db, 1, mine) == (BALANCE - 90, 90, 0, 200)
        assert spent(db, 2, other) == (BALANCE - 70, 70, 70, 200)
    assert (db.ledger.charged_for(running.id), db.ledger.charged_for(earlier.id)) == (0, 90)
    assert row(db, held_still)["state"] == "asked" and held(db, 1, mine) == (200, 200, 200)


def test_a_refund_gives_each_token_back_as_what_it_was(db: Database) -> None:
    """Also when free ones came, or a pack was bought, since."""
    pack = StarPack(500, 1)
    db.payments.credit(charge_id="a", user_id=1, stars=1, payload=pack.payload, pack=pack, month=None, now=2)
    mixed, all_bought = turn(db), turn(db, 9)
    for paying, tokens in ((mixed, BALANCE - 100), (mixed, 300), (all_bought, 150)):
        db.ledger.settle(asked(db, paying, tokens), Usage(tokens, 0), 6)
    assert balances(db) == (150, 150)
    db.accounts.grant_tokens(1, 40)
    assert all_bought.inbox_id is not None and mixed.inbox_id is not None
    assert db.ledger.refund(all_bought.inbox_id) == 150 and balances(db) == (340, 300)
    assert db.ledger.refund(mixed.inbox_id) == BALANCE + 200 and balances(db) == (BALANCE + 540, 500)
    assert db._connection.value("select sum(charged + bought) from call") == 0


def balances(db: Database) -> tuple[int, int]:
    """Return what a user has, and how much of it was bought."""
    user = db.users.get(1)
    assert user is not None
    return user.balance, user.bought


def test_what_admins_were_told_is_kept_by_period(db: Database) -> None:
    for period in ("ever", "2026-11"):
        asked(db, turn(db, len(period)), 1, period=period)
    db.ledger.set_told("ever", 50)
    assert (db.ledger.budget("ever").told, db.ledger.budget("2026-11").told) == (50, 0)
