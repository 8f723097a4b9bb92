"""Subscriptions: which months are one, which of them goes on, and what ends it."""

from __future__ import annotations

from core.days import DAY_S
from core.star_packs import MONTH_S, StarPack
from database import Database, Month
from tests.ledger_calls import bought, db

__all__ = ["db"]


def stopped(db: Database, now: int) -> dict[str, bool]:
    """Stop all subscriptions; return a charge of each that may go on, and whether it was known to."""
    return {one.charge_id: one.renews for one in db.payments.stop_renewals(1, now)}


def test_a_month_is_credited_beside_payments_of_its_pack_that_are_of_no_subscription(db: Database) -> None:
    db.payments.add_refunded(charge_id="lost", user_id=1, stars=1, payload=StarPack(500, 1).payload, now=2)
    bought(db, "without end", 500)
    bought(db, "a", 500, Month(10, first=True))
    bought(db, "b", 500, Month(10 + 2 * MONTH_S, first=False))
    known = {charge_id: db.payments.goes_on(charge_id) for charge_id in ("lost", "without end", "a", "b")}
    assert known == {"lost": False, "without end": False, "a": True, "b": True}


def test_the_refund_of_an_earlier_month_ends_the_subscription(db: Database) -> None:
    bought(db, "a", 500, Month(10, first=True))
    bought(db, "b", 500, Month(20, first=False))
    bought(db, "c", 600, Month(20))  # another one
    assert db.payments.end_renewal("a")
    assert not db.payments.end_renewal("a") and not db.payments.end_renewal("b")
    assert db.payments.resume_renewal("a", 20) is None and not db.payments.end_renewal("a")  # it is over
    assert db.payments.resume_renewal("a", 15) == 20  # Telegram has refused
    assert db.payments.end_renewal("b")
    assert {one.payload: one.renews for one in db.payments.subscriptions(1, 5)} == {
        StarPack(500, 1).payload: False,
        StarPack(600, 1).payload: True,
    }
    bought(db, "d", 500, Month(30))  # subscribed to anew: a refund of the subscription before changes nothing
    assert not db.payments.end_renewal("a")
    assert db.payments.set_renewal(1, StarPack(500, 1).payload, False, 9)
    bought(db, "e", 500, Month(40))
    assert not db.payments.end_renewal("d")
    assert db.payments.end_renewal("e")


def test_any_month_ends_a_subscription_that_was_cancelled_and_taken_up_again(db: Database) -> None:
    payload = StarPack(500, 1).payload
    bought(db, "old", 500, Month(9, first=True))
    bought(db, "a", 500, Month(10 + MONTH_S, first=True))  # another one, bought when the old one had ended
    bought(db, "b", 500, Month(10 + 2 * MONTH_S, first=False))
    for renews in (False, True):
        month = db.payments.set_renewal(1, payload, renews, 9)
        assert month is not None and (month.charge_id, month.renews) == ("b", renews)
        assert db.payments.set_renewal(1, payload, renews, 9) is None  # told of twice
    assert not db.payments.end_renewal("old")
    assert db.payments.end_renewal("a")
    assert not any(one.renews for one in db.payments.subscriptions(1, 5))
    # That it was taken up again was not told of, but its next month was paid.
    bought(db, "c", 500, Month(10 + 3 * MONTH_S, first=False))
    assert [one.charge_id for one in db.payments.subscriptions(1, 5) if one.renews] == ["c"]
    # A month that comes to light late is one of the subscription that goes on, and not its last.
    bought(db, "late", 500, Month(9 + 2 * MONTH_S, goes_on=False))
    assert [one.charge_id for one in db.payments.subscriptions(1, 5)] == ["c"]
    assert db.payments.goes_on("late") and db.payments.end_renewal("late")
    assert not db.payments.goes_on("late")
    assert not any(one.renews for one in db.payments.subscriptions(1, 5))


def test_of_two_subscriptions_of_a_pack_that_changes_which_can(db: Database) -> None:
    payload = StarPack(500, 1).payload
    bought(db, "a", 500, Month(10, first=True))
    assert db.payments.set_renewal(1, payload, False, 5)
    bought(db, "b", 500, Month(20, first=True))  # goes on, and "a" may be taken up again
    for renews, charges in ((True, ["a", None]), (False, ["b", "a", None])):
        for charge_id in charges:
            month = db.payments.set_renewal(1, payload, renews, 5)
            assert (month.charge_id if month is not None else None) == charge_id
    month = db.payments.set_renewal(1, payload, True, 10)
    assert month is not None and month.charge_id == "b"
    assert db.payments.set_renewal(1, payload, True, 10) is None  # "a" is over
    assert stopped(db, 10) == {"a": False, "b": True}


def test_of_two_subscriptions_of_a_pack_both_end_whichever_was_cancelled(db: Database) -> None:
    payload = StarPack(500, 1).payload
    bought(db, "a", 500, Month(10, first=True))
    assert db.payments.set_renewal(1, payload, False, 5)
    bought(db, "b", 500, Month(20 + 3 * DAY_S, first=True))
    assert db.payments.set_renewal(1, payload, True, 5)  # "a" is taken up again
    bought(db, "c", 600, Month(20, first=True))
    assert db.payments.set_renewal(1, StarPack(600, 1).payload, False, 5)  # it is the only one: no guess
    assert db.payments.set_renewal(1, payload, False, 5)  # one is cancelled, and it may be either
    assert [(one.charge_id, one.renews) for one in db.payments.subscriptions(1, 5)] == [("a", True), ("c", False)]
    assert [db.payments.may_go_on(charge_id) for charge_id in "abc"] == [True, True, False]
    assert stopped(db, 15 + 3 * DAY_S) == {"b": False}  # "a" is over
    assert not db.payments.goes_on("a") and not db.payments.goes_on("b")


def test_two_subscriptions_of_a_pack_that_both_go_on_are_renewed_and_end_each_by_itself(db: Database) -> None:
    payload = StarPack(500, 1).payload
    bought(db, "a", 500, Month(MONTH_S, first=True))
    assert db.payments.set_renewal(1, payload, False, 5)
    bought(db, "b", 500, Month(MONTH_S + 20 * DAY_S, first=True))
    assert db.payments.set_renewal(1, payload, True, 6)  # "a" is taken up again
    bought(db, "a2", 500, Month(2 * MONTH_S, first=False))
    bought(db, "b2", 500, Month(2 * MONTH_S + 20 * DAY_S, first=False))
    assert [db.payments.goes_on(charge_id) for charge_id in ("a", "b")] == [True, True]
    assert [one.charge_id for one in db.payments.subscriptions(1, 5)] == ["b2"]
    # The month of "a" has ended, and can't be paid; a month later it is over for good.
    failed = db.payments.set_renewal(1, payload, False, 2 * MONTH_S + 1, failed=True)
    assert failed is not None and failed.charge_id == "a2" and not db.payments.goes_on("a")
    assert db.payments.resume_renewal("a", MONTH_S)
    assert stopped(db, 2 * MONTH_S + 2 * DAY_S) == {"a2": True, "b2": True}
    assert db.payments.resume_renewal("a", MONTH_S) and db.payments.resume_renewal("b", MONTH_S)
    bought(db, "b3", 500, Month(3 * MONTH_S + 20 * DAY_S, first=False))
    assert not db.payments.goes_on("a")
    assert stopped(db, 2 * MONTH_S + 2 * DAY_S) == {"a2": False, "b3": True}


def test_a_month_that_comes_to_light_long_after_a_subscription_begins_another_one(db: Database) -> None:
    bought(db, "a", 500, Month(100, first=True))
    bought(db, "b", 500, Month(100 + MONTH_S + 2 * DAY_S))
    assert db.payments.end_renewal("a")
    assert db.payments.resume_renewal("a", 0)
    bought(db, "c", 500, Month(100 + 3 * MONTH_S))
    assert not db.payments.end_renewal("a") and db.payments.end_renewal("c")


def test_a_past_month_that_comes_to_light_is_joined_to_the_months_before_and_after_it(db: Database) -> None:
    for tokens, order in ((500, (1, 2, 3)), (600, (3, 2, 1))):
        for number in order:
            bought(db, f"{tokens}-{number}", tokens, Month(number * MONTH_S + number, goes_on=number == 3))
    for charge_id in ("500-1", "600-1"):
        assert db.payments.goes_on(charge_id) and db.payments.end_renewal(charge_id)
    assert not any(month.renews for month in db.payments.subscriptions(1, 5))


def test_all_subscriptions_of_a_user_end_with_all_their_months_by_a_charge_each(db: Database) -> None:
    bought(db, "a", 500, Month(10, first=True))
    bought(db, "b", 500, Month(20, first=False))
    bought(db, "c", 500, Month(30, first=False))
    bought(db, "d", 600, Month(20))
    bought(db, "over", 700, Month(5 - 3 * DAY_S))
    bought(db, "late", 800, Month(5 - 2 * DAY_S))  # its next month may be paid yet
    assert stopped(db, 5) == {"c": True, "d": True, "late": True}
    assert not stopped(db, 5)
    assert not any(db.payments.end_renewal(charge_id) for charge_id in "abcd")
