"""Payments in Telegram Stars: each charge is credited once, and taken back once when it is refunded.

`user.bought` is the part of a balance that was bought. Free tokens are spent first (the trigger `bought_is_spent`), and
the daily refill looks at the free part alone, so that a purchase neither stops it nor is lost to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.star_packs import StarPack
from storage.connection import Connection, Row
from storage.forgetting import Forgetting

PAID, REFUNDING, REFUNDED = "paid", "refunding", "refunded"
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
        until: int | None,
        now: int,
    ) -> bool:
        """Store a payment and add its pack's tokens to the payer's balance. Return False if the charge is known.

        `pack` None: nobody can tell what was bought, and the balance stays. `until`: the end of a subscription's month.
        """
        tokens = pack.tokens if pack is not None else 0
        with self._connection.transaction():
            added = self._connection.run(
                "insert or ignore into payment (charge_id, user_id, stars, tokens, payload, renews, until, paid_at)"
                " values (?, ?, ?, ?, ?, ?, ?, ?)",
                (charge_id, user_id, stars, tokens, payload, int(until is not None), until, now),
            )
            if added:
                self._connection.run(
                    "update user set balance = balance + ?1, bought = bought + ?1 where id = ?2", (tokens, user_id)
                )
            return added == 1

    # ------------------------------------------------------------------ refunds

    def begin_refund(self, charge_id: str, user_id: int) -> int | None:
        """Take a payment's tokens back, as far as they are not spent. Return how many; None if it was done before.

        What running calls hold stays. `user_id` is the payer, who may have had their data deleted since: what they have
        when they return is less by these tokens.
        """
        with self._connection.transaction():
            taken: int | None = self._connection.value(
                "update payment set state = 'refunding', taken_back = min(tokens, coalesce("
                " (select max(0, balance - reserved) from user where user.id = ?2), 0))"
                " where charge_id = ?1 and state = 'paid' returning taken_back",
                (charge_id, user_id),
            )
            if taken is None:
                return None
            known = self._connection.run(
                "update user set balance = balance - ?1, bought = max(0, bought - ?1) where id = ?2", (taken, user_id)
            )
            return taken if known else self._begin_for_forgotten(charge_id, user_id)

    def _begin_for_forgotten(self, charge_id: str, user_id: int) -> int:
        tokens: int = self._connection.value("select tokens from payment where charge_id = ?", (charge_id,))
        taken = self._forgetting.debit(user_id, tokens)
        self._connection.run("update payment set taken_back = ? where charge_id = ?", (taken, charge_id))
        return taken

    def cancel_refund(self, charge_id: str, user_id: int) -> bool:
        """Give the tokens of a refund that Telegram refused to the payer again. Return False if it isn't under way.

        A payer who has had their data deleted since has them when they return.
        """
        with self._connection.transaction():
            taken: int | None = self._connection.value(
                "select taken_back from payment where charge_id = ? and state = 'refunding'", (charge_id,)
            )
            if taken is None:
                return False
            self._connection.run("update payment set state = 'paid', taken_back = 0 where charge_id = ?", (charge_id,))
            known = self._connection.run(
                "update user set balance = balance + ?1, bought = bought + ?1 where id = ?2", (taken, user_id)
            )
            if not known:
                self._forgetting.credit(user_id, taken)
            return True

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

    def set_renewal(self, user_id: int, payload: str, renews: bool) -> Payment | None:
        """Note whether a subscription goes on after its month. Return its last payment; None if there is none."""
        if not renews:  # nor do earlier months: the same pack may be subscribed to anew
            self._connection.run("update payment set renews = 0 where user_id = ? and payload = ?", (user_id, payload))
        row = self._connection.row(
            "update payment set renews = ? where rowid = (select max(rowid) from payment where user_id = ?"
            f" and payload = ? and until is not null and state = 'paid') returning {_COLUMNS}",
            (int(renews), user_id, payload),
        )
        return _payment(row) if row else None

    def subscriptions(self, user_id: int, now: int) -> list[Payment]:
        """Return the last payment for each pack of a user whose month isn't over."""
        rows = self._connection.rows(
            f"select {_COLUMNS} from payment where rowid in (select max(rowid) from payment where user_id = ?"
            " and until is not null and state = 'paid' group by payload) and until > ? order by until",
            (user_id, now),
        )
        return [_payment(row) for row in rows]

    def end_renewal(self, charge_id: str) -> bool:
        """Note that the subscription of this payment, one of its months, doesn't go on. Return False if it didn't."""
        month = self._connection.row(
            "select user_id, payload from payment where charge_id = ? and renews", (charge_id,)
        )
        if month is None:
            return False
        self._connection.run(
            "update payment set renews = 0 where charge_id = ? or (user_id = ? and payload = ?)",
            (charge_id, month["user_id"], month["payload"]),
        )
        return True

    def stop_renewals(self, user_id: int, now: int) -> list[str]:
        """Note that no subscription of a user goes on. Return the charges by which Telegram knows those that did."""
        rows = self._connection.rows(
            "update payment set renews = 0 where user_id = ? and renews and until > ? returning charge_id",
            (user_id, now),
        )
        return [row["charge_id"] for row in rows]
