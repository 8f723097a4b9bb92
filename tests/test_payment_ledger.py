"""Payments: no order of paying, redelivering, spending, refilling, refunding and dying loses or doubles a token."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.errors import LimitReached
from core.schemas import Usage
from core.star_packs import StarPack, pack_of
from database import Caps, Database
from tests.ledger_calls import BALANCE, asked, bought, db, turn

__all__ = ["db"]

GIVEN, DAILY = 60, 30  # so little that bought tokens are spent, too
CAPS = Caps(balance=True, kept=0, begins_story=False, session=None, project=None, sessions=None)


class Buying(RuleBasedStateMachine):
    """One user buys packs, spends, gets turns and payments refunded, is forgotten and returns; the process dies.

    `free` and `bought` are what the user must have, by the rules of docs/payments.md.
    """

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "bot.db"
        self.db = Database(self.path)
        self.charges: list[str] = []
        self.taken: dict[str, tuple[int, int]] = {}  # by refunds: free and bought tokens
        self.free, self.bought = GIVEN, 0
        self.day = 0
        self._arrive()

    def _arrive(self) -> None:
        self.here = True
        self.calls: list[int] = []
        self.paid: list[tuple[int, int]] = []  # for the turn: free and bought tokens
        self.db.users.register(1, None, "А", None, language="ru", balance=GIVEN, now=1)
        [update] = self.db.inbox.add([(None, 1, "{}")], 1)
        self.inbox_id = update.id
        self.turn = self.db.turns.add(
            inbox_id=update.id, chat_id=1, user_id=1, session_id=None, kind="chat", prompt_id=None, hint="", now=1
        )
        assert self.db.turns.start(self.turn)

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()
            self.folder.cleanup()

    def _credit(self, charge_id: str, pack: StarPack) -> bool:
        return self.db.payments.credit(
            charge_id=charge_id, user_id=1, stars=pack.stars, payload=pack.payload, pack=pack, month=None, now=2
        )

    @rule(tokens=st.integers(1, 500))
    def pay(self, tokens: int) -> None:
        charge_id = f"charge-{len(self.charges)}"
        assert self._credit(charge_id, StarPack(tokens, 1))
        self.charges.append(charge_id)
        self.bought += tokens

    @precondition(lambda self: self.charges)
    @rule(pick=st.integers(0, 50))
    def redeliver(self, pick: int) -> None:
        payment = self.db.payments.get(self.charges[pick % len(self.charges)])
        assert payment is not None
        pack = pack_of(payment.payload)
        assert pack is not None and not self._credit(payment.charge_id, pack)

    @precondition(lambda self: self.here)
    @rule(tokens=st.integers(1, 400), price=st.none() | st.integers(0, 600))
    def call(self, tokens: int, price: int | None) -> None:
        """Begin a call; end it at once unless its price is None."""
        tokens = min(tokens, max(1, self.free + self.bought))
        try:
            call = self.db.ledger.reserve(
                turn_id=self.turn,
                user_id=1,
                session_id=None,
                purpose="chat",
                tokens=tokens,
                period="ever",
                caps=CAPS,
                now=2,
            )
        except LimitReached:
            return
        assert call is not None
        self.calls.append(call)
        if price is not None:
            self._settle(self.calls.pop(), price)

    @precondition(lambda self: self.calls)
    @rule(pick=st.integers(0, 50), price=st.integers(0, 600), fails=st.booleans())
    def end_call(self, pick: int, price: int, fails: bool) -> None:
        call = self.calls.pop(pick % len(self.calls))
        if fails:
            assert self.db.ledger.give_back(call, 3)
        else:
            self._settle(call, price)

    def _settle(self, call: int, price: int) -> None:
        charged = self.db.ledger.settle(call, Usage(price, 0), 3, price=price)
        assert charged is not None
        self.paid.append((min(charged, self.free), max(0, charged - self.free)))  # free tokens are spent first
        self._move(*self.paid[-1], sign=-1)

    def _move(self, free: int, bought: int, *, sign: int = 1) -> None:
        self.free += sign * free
        self.bought += sign * bought

    @precondition(lambda self: self.paid)
    @rule()
    def refund_turn(self) -> None:
        assert self.db.ledger.refund(self.inbox_id) == sum(map(sum, self.paid))
        for parts in self.paid:
            self._move(*parts)
        self.paid.clear()

    @precondition(lambda self: self.here)
    @rule()
    def refill(self) -> None:
        self.day += 1
        assert self.db.users.refill(1, DAILY, GIVEN, self.day)
        assert not self.db.users.refill(1, DAILY, GIVEN, self.day)
        self.free = max(self.free, min(self.free + DAILY, GIVEN))

    @precondition(lambda self: self.charges)
    @rule(pick=st.integers(0, 50))
    def begin_refund(self, pick: int) -> None:
        charge_id = self.charges[pick % len(self.charges)]
        payment, user = self.db.payments.get(charge_id), self.db.users.get(1)
        assert payment is not None
        taken = self.db.payments.begin_refund(charge_id, 1)
        assert (taken is None) == (payment.state != "paid")
        if taken is not None:
            held = user.reserved if user is not None else 0
            assert taken == min(payment.tokens, self.free + self.bought - held)
            self.taken[charge_id] = (max(0, taken - self.bought), min(taken, self.bought))
            self._move(*self.taken[charge_id], sign=-1)
            assert self.db.payments.begin_refund(charge_id, 1) is None

    @precondition(lambda self: self.charges)
    @rule(pick=st.integers(0, 50), refused=st.booleans())
    def end_refund(self, pick: int, refused: bool) -> None:
        charge_id = self.charges[pick % len(self.charges)]
        payment = self.db.payments.get(charge_id)
        assert payment is not None
        if payment.state == "refunding" and refused:
            self._move(*self.taken[charge_id])
        for under_way in (payment.state == "refunding", False):
            if refused:
                assert self.db.payments.cancel_refund(charge_id, 1) == under_way
            else:
                assert self.db.payments.end_refund(charge_id, 4) == under_way

    @precondition(lambda self: self.here and not self.calls)
    @rule()
    def leave(self) -> None:
        assert self.db.turns.end(self.turn, "answered", 3)
        self.db.forgetting.forget(1, self.inbox_id)
        self.here, self.paid = False, []

    @precondition(lambda self: not self.here)
    @rule()
    def come_back(self) -> None:
        self._arrive()
        assert self.db.forgetting.recall(1)

    @rule()
    def die(self) -> None:
        self.db.close()
        self.db = Database(self.path)
        assert self.db.ledger.recover(5) == len(self.calls)
        self.calls.clear()

    @invariant()
    def every_token_is_accounted_for(self) -> None:
        if not hasattr(self, "db"):
            return
        has = self.db._connection.row(f"select balance, bought from {'user' if self.here else 'forgotten'}")
        assert has is not None and tuple(has) == (self.free + self.bought, self.bought)
        user = self.db.users.get(1)
        assert user is None or 0 <= user.reserved <= user.balance
        sales = self.db.payments.sales()
        assert sales.payments == len(self.charges) == sales.stars


Buying.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestBuying = Buying.TestCase


def test_tokens_of_a_refused_refund_come_back_as_what_they_were(db: Database) -> None:
    """Also to who was forgotten meanwhile."""
    for charge_id in ("a", "b"):
        bought(db, charge_id, 400)
    for forgotten in (False, True):
        assert db.payments.begin_refund("a", 1) == db.payments.begin_refund("b", 1) == 400
        running = turn(db)
        db.ledger.settle(asked(db, running, 100), Usage(100, 0), 3)
        assert db.turns.end(running.id, "answered", 3)
        if forgotten:
            db.forgetting.forget(1, 0)
        assert db.payments.cancel_refund("a", 1) and db.payments.cancel_refund("b", 1)
    db.users.register(1, None, "А", None, language="ru", balance=7, now=4)
    assert db.forgetting.recall(1)
    user = db.users.get(1)
    assert user is not None and (user.balance, user.bought) == (BALANCE + 600, 800)


def test_the_last_bought_token_comes_back_as_a_bought_one(db: Database) -> None:
    bought(db, "a", 1)
    running = turn(db)
    db.ledger.settle(asked(db, running, BALANCE + 1), Usage(BALANCE + 1, 0), 3)
    user = db.users.get(1)
    assert user is not None and (user.balance, user.bought) == (0, 0)
    assert running.inbox_id is not None
    db.ledger.refund(running.inbox_id)
    user = db.users.get(1)
    assert user is not None and (user.balance, user.bought) == (BALANCE + 1, 1)


def test_a_payment_of_who_was_forgotten_waits_for_their_return(db: Database) -> None:
    db.forgetting.forget(1, 0)
    for _ in range(2):
        pack = StarPack(50, 1)
        credited = db.payments.credit(
            charge_id="a", user_id=1, stars=1, payload=pack.payload, pack=pack, month=None, now=2
        )
    payment = db.payments.get("a")
    assert not credited and payment is not None and payment.user_id is None
    db.users.register(1, None, "А", None, language="ru", balance=7, now=4)
    assert db.forgetting.recall(1)
    user = db.users.get(1)
    assert user is not None and (user.balance, user.bought) == (BALANCE + 50, 50)


def test_a_refund_to_who_was_forgotten_takes_what_they_would_have_on_their_return(db: Database) -> None:
    for charge_id, tokens in (("a", 500), ("b", BALANCE * 9)):
        bought(db, charge_id, tokens)
    db.forgetting.forget(1, 0)
    assert db.payments.begin_refund("a", 1) == 500
    assert db.payments.begin_refund("b", 1) == BALANCE * 9
    assert db.payments.begin_refund("b", 1) is None
    assert db.payments.end_refund("a", 3) and db.payments.cancel_refund("b", 1)
    db.users.register(1, None, "А", None, language="ru", balance=7, now=4)
    assert db.forgetting.recall(1)
    user = db.users.get(1)
    assert user is not None and (user.balance, user.bought) == (BALANCE * 10, BALANCE * 9)
    db.forgetting.forget(1, 0)
    assert db.forgetting.debit(1, BALANCE * 99) == (BALANCE * 10, BALANCE * 9)  # never below zero
    assert db.forgetting.debit(1, 1) == (0, 0) == db.forgetting.debit(3, 1)
