"""Payments in Telegram Stars: each charge is credited once, and taken back once when it is refunded.

`user.bought` is the part of a balance that was bought. Free tokens are spent first (the trigger `bought_is_spent`), and
the daily refill looks at the free part alone, so that a purchase neither stops it nor is lost to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.days import DAY_S
from core.star_packs import MONTH_S, StarPack
from storage.connection import Connection, Row
from storage.forgetting import Forgetting

_LATE_S = 3 * DAY_S  # a month may be charged after the end of the one before
PAID, REFUNDING, REFUNDED = "paid", "refunding", "refunded"
_OF_SUBSCRIPTION = "subscription = (select subscription from payment where charge_id = ?)"
_COLUMNS = "charge_id, user_id, stars, tokens, payload, state, taken_back, renews, until, paid_at"


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment. `user_id` is None if the payer's data was deleted; `until`: how long a subscription's month lasts."""

    charge_id: str
    user_id: int | None
    stars: int
    tokens: int  # credited; 0: nobody could tell what was bought
    payload: str
    state: str
    taken_back: int
    renews: bool
    until: int | None
    paid_at: int


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a subscription: its end, whether it goes on then, and whether it is the first one.

    `first` None: it is, unless it begins when a month of such a subscription ends, or ends when one begins.
    """

    until: int
    goes_on: bool = True
    first: bool | None = None


@dataclass(frozen=True, slots=True)
class Sales:
    """Sums over all payments: Stars that came in and those of them that went back, and tokens credited."""

    payments: int
    stars: int
    refunded: int
    tokens: int


def _payment(row: Row) -> Payment:
    return Payment(**(dict(row) | {"renews": bool(row["renews"])}))


class Payments:
    """The table `payment`, and what it does to balances."""

    def __init__(self, connection: Connection, forgetting: Forgetting) -> None:
        self._connection = connection
        self._forgetting = forgetting

    def get(self, charge_id: str) -> Payment | None:
        """Return the payment with this charge id."""
        row = self._connection.row(f"select {_COLUMNS} from payment where charge_id = ?", (charge_id,))
        return _payment(row) if row else None

    def last_of(self, user_id: int, number: int) -> list[Payment]:
        """Return a user's last payments, the latest first."""
        rows = self._connection.rows(
            f"select {_COLUMNS} from payment where user_id = ? order by paid_at desc, rowid desc limit ?",
            (user_id, number),
        )
        return [_payment(row) for row in rows]

    def sales(self) -> Sales:
        """Return the sums over all payments."""
        row = self._connection.row(
            "select count(*) as payments, coalesce(sum(stars), 0) as stars,"
            " coalesce(sum(iif(state = 'refunded', stars, 0)), 0) as refunded, coalesce(sum(tokens), 0) as tokens"
            " from payment"
        )
        assert row is not None
        return Sales(**dict(row))

    def credit(
        self,
        *,
        charge_id: str,
        user_id: int,
        stars: int,
        payload: str,
        pack: StarPack | None,
        month: Month | None,
        now: int,
    ) -> bool:
        """Store a payment and add its pack's tokens to the payer's balance. Return False if the charge is known.

        `pack` None: nobody can tell what was bought, and the balance stays. `month`: what was paid of a subscription. A
        payer who has had their data deleted has the tokens when they return.
        """
        tokens = pack.tokens if pack is not None else 0
        with self._connection.transaction():
            if self.get(charge_id) is not None:
                return False
            subscription = (self._joined(user_id, payload, month) or charge_id) if month is not None else None
            self._connection.run(
                "insert into payment (charge_id, user_id, stars, tokens, payload, until, paid_at, subscription)"
                " values (?, (select id from user where id = ?), ?, ?, ?, ?, ?, ?)",
                (charge_id, user_id, stars, tokens, payload, month.until if month else None, now, subscription),
            )
            if month is not None and month.goes_on:
                self._set_going_on(subscription, user_id, payload, month)
            self._add(user_id, tokens, bought=tokens)
            return True

    def _set_going_on(self, subscription: str | None, user_id: int, payload: str, month: Month) -> None:
        """Note that a subscription goes on, and that those of its pack do not which it was bought after, or outlasts.

        Another one may go on beside it: one that was cancelled and is taken up again after this one was bought.
        """
        self._connection.run(
            "update payment set renews = (subscription = ?1) where user_id = ?2 and payload = ?3"
            " and subscription is not null and (subscription = ?1 or ?4"
            " or (select max(until) from payment as month where month.subscription = payment.subscription) < ?5)",
            (subscription, user_id, payload, int(bool(month.first)), month.until - MONTH_S - _LATE_S),
        )

    def _joined(self, user_id: int, payload: str, month: Month) -> str | None:
        """Return the subscription of which a month was paid; None if a new one was."""
        if month.first:
            return None
        joined: str | None = self._connection.value(
            "select subscription from (select *, rowid as place, min(abs(until - ?3), abs(until - ?4)) as distance"
            " from payment where user_id = ?1 and payload = ?2 and until is not null)"
            " where distance <= ?5 or ?6 order by distance, place desc limit 1",
            (user_id, payload, month.until - MONTH_S, month.until + MONTH_S, _LATE_S, int(month.first is False)),
        )
        return joined

    # ------------------------------------------------------------------ refunds

    def begin_refund(self, charge_id: str, user_id: int) -> int | None:
        """Take a payment's tokens back, as far as they are not spent. Return how many; None if it was done before.

        What running calls hold stays. `user_id` is the payer, who may have had their data deleted since: what they have
        when they return is less by these tokens.
        """
        with self._connection.transaction():
            payment = self.get(charge_id)
            if payment is None or payment.state != PAID:
                return None
            taken, bought = self._take(user_id, payment.tokens)
            self._connection.run(
                "update payment set state = 'refunding', taken_back = ?, bought_back = ? where charge_id = ?",
                (taken, bought, charge_id),
            )
            return taken

    def _take(self, user_id: int, tokens: int) -> tuple[int, int]:
        """Take up to so many tokens off a balance. Return how many there were, and how many of them were bought."""
        left = self._connection.row(
            "select max(0, balance - reserved) as free, bought from user where id = ?", (user_id,)
        )
        if left is None:
            return self._forgetting.debit(user_id, tokens)
        taken = min(tokens, left["free"])
        bought = min(taken, left["bought"])
        self._connection.run(
            "update user set balance = balance - ?1, bought = bought - ?2 where id = ?3", (taken, bought, user_id)
        )
        return taken, bought

    def cancel_refund(self, charge_id: str, user_id: int) -> bool:
        """Give the tokens of a refund that Telegram refused to the payer again, free ones as free ones.

        Return False if it isn't under way.
        A payer who has had their data deleted since has them when they return.
        """
        with self._connection.transaction():
            taken = self._connection.row(
                "select taken_back, bought_back from payment where charge_id = ? and state = 'refunding'", (charge_id,)
            )
            if taken is None:
                return False
            self._connection.run(
                "update payment set state = 'paid', taken_back = 0, bought_back = 0 where charge_id = ?", (charge_id,)
            )
            self._add(user_id, taken["taken_back"], bought=taken["bought_back"])
            return True

    def _add(self, user_id: int, tokens: int, *, bought: int) -> None:
        """Add tokens, `bought` of them bought ones, to a balance; or to that which a forgotten user returns to."""
        known = self._connection.run(
            "update user set balance = balance + ?1, bought = bought + ?2 where id = ?3", (tokens, bought, user_id)
        )
        if not known:
            self._forgetting.credit(user_id, tokens, bought=bought)

    def end_refund(self, charge_id: str, now: int) -> bool:
        """Mark a payment as refunded. Return False unless its refund was under way."""
        return (
            self._connection.run(
                "update payment set state = 'refunded', refunded_at = ? where charge_id = ? and state = 'refunding'",
                (now, charge_id),
            )
            == 1
        )

    def add_refunded(self, *, charge_id: str, user_id: int, stars: int, payload: str, now: int) -> None:
        """Store the refund of a payment that never came here, so that it is not credited if it comes later."""
        known = "(select id from user where id = ?)"
        self._connection.run(
            "insert into payment (charge_id, user_id, stars, tokens, payload, state, paid_at, refunded_at)"
            f" values (?, {known}, ?, 0, ?, 'refunded', ?, ?)",
            (charge_id, user_id, stars, payload, now, now),
        )

    # ------------------------------------------------------------------ subscriptions

    def set_renewal(
        self, user_id: int, payload: str, renews: bool, now: int, *, failed: bool = False
    ) -> Payment | None:
        """Note whether a subscription goes on after its month. Return that month; None if it was known.

        Telegram names the pack only. Of several subscriptions of it that this changes, the one that could not be paid
        (`failed`) is that whose month ends first. Which one was cancelled or taken up again is a guess: the last.
        """
        order = "asc" if failed else "desc"
        last = self._connection.row(
            "select charge_id, subscription from (select *, row_number() over (partition by subscription"
            " order by until desc, rowid desc) as place from payment"
            " where user_id = ? and payload = ? and state = 'paid' and until > ?)"
            f" where place = 1 and renews <> ? order by until {order} limit 1",
            (user_id, payload, now if renews else now - _LATE_S, int(renews)),
        )
        if last is None:
            return None
        self._connection.run(
            "update payment set renews = ? where subscription = ?", (int(renews), last["subscription"])
        )
        return self.get(last["charge_id"])

    def subscriptions(self, user_id: int, now: int) -> list[Payment]:
        """Return the last payment for each pack of a user whose month isn't over.

        Of several subscriptions of a pack it is that of one that goes on, if any does.
        """
        rows = self._connection.rows(
            f"select {_COLUMNS} from (select *, row_number() over (partition by payload"
            " order by renews desc, until desc, rowid desc) as place from payment where user_id = ? and until > ?"
            " and state = 'paid') where place = 1 order by until",
            (user_id, now),
        )
        return [_payment(row) for row in rows]

    def goes_on(self, charge_id: str) -> bool:
        """Return whether the subscription of this payment, one of its months, goes on."""
        return bool(
            self._connection.value(
                f"select exists (select 1 from payment where renews and {_OF_SUBSCRIPTION})",
                (charge_id,),
            )
        )

    def may_go_on(self, charge_id: str) -> bool:
        """Return whether the subscription of this payment, or another one of its pack, goes on.

        Which of them was cancelled is a guess (`set_renewal`).
        """
        return bool(
            self._connection.value(
                "select exists (select 1 from payment as one join payment as other on other.subscription ="
                " one.subscription or (other.user_id = one.user_id and other.payload = one.payload)"
                " where one.charge_id = ? and one.subscription is not null and other.renews)",
                (charge_id,),
            )
        )

    def end_renewal(self, charge_id: str) -> bool:
        """Note that the subscription of this payment, one of its months, doesn't go on. Return False if it didn't."""
        changed = self._connection.run(
            f"update payment set renews = 0 where renews and {_OF_SUBSCRIPTION}", (charge_id,)
        )
        return changed > 0

    def resume_renewal(self, charge_id: str, now: int) -> int | None:
        """Note that the subscription of this payment goes on after all, unless its user's data was deleted.

        Return the end of its last month. None, and nothing changes, if that is over.
        """
        until: int | None = self._connection.value(
            f"select max(until) from payment where {_OF_SUBSCRIPTION}", (charge_id,)
        )
        if until is None or until <= now:
            return None
        self._connection.run(
            f"update payment set renews = 1 where user_id is not null and {_OF_SUBSCRIPTION}", (charge_id,)
        )
        return until

    def stop_renewals(self, user_id: int, now: int) -> list[Payment]:
        """Note that no subscription of a user goes on. Return the last month of each that may, as it was.

        One whose month has just ended may still be charged for the next one. Of several of a pack each may go on: which
        of them was cancelled is a guess (`set_renewal`).
        """
        with self._connection.transaction():
            rows = self._connection.rows(
                f"select {_COLUMNS} from (select *, row_number() over (partition by subscription"
                " order by until desc, rowid desc) as place from payment where user_id = ?1 and until > ?2) as last"
                " where place = 1 and (renews or exists (select 1 from payment where user_id = ?1"
                " and payload = last.payload and subscription <> last.subscription)) order by renews desc",
                (user_id, now - _LATE_S),
            )
            self._connection.run("update payment set renews = 0 where user_id = ? and renews", (user_id,))
            return [_payment(row) for row in rows]
