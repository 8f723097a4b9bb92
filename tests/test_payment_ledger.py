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
from tests.ledger_calls import BALANCE, db

__all__ = ["db"]

GIVEN, DAILY = 300, 100
CAPS = Caps(balance=True, kept=0, begins_story=False, session=None, project=None, sessions=None)


class Buying(RuleBasedStateMachine):
    """One user buys packs, spends, is refilled, and has payments refunded; the process dies between any two steps."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "bot.db"
        self.db = Database(self.path)
        self.db.users.register(1, None, "А", None, language="ru", balance=GIVEN, now=1)
        self.turn = self.db.turns.add(
            inbox_id=None, chat_id=1, user_id=1, session_id=None, kind="chat", prompt_id=None, hint="", now=1
        )
        assert self.db.turns.start(self.turn)
        self.charges: list[str] = []
        self.calls: list[int] = []
        self.refilled = 0
        self.day = 0

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()
            self.folder.cleanup()

    def _credit(self, charge_id: str, pack: StarPack) -> bool:
        return self.db.payments.credit(
            charge_id=charge_id, user_id=1, stars=pack.stars, payload=pack.payload, pack=pack, until=None, now=2
        )

    @rule(tokens=st.integers(1, 500))
    def pay(self, tokens: int) -> None:
        charge_id = f"charge-{len(self.charges)}"
        assert self._credit(charge_id, StarPack(tokens, 1))
        self.charges.append(charge_id)

    @precondition(lambda self: self.charges)
    @rule(pick=st.integers(0, 50))
    def redeliver(self, pick: int) -> None:
        payment = self.db.payments.get(self.charges[pick % len(self.charges)])
        assert payment is not None
        pack = pack_of(payment.payload)
        assert pack is not None and not self._credit(payment.charge_id, pack)

    @rule(tokens=st.integers(1, 400))
    def reserve(self, tokens: int) -> None:
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

    @precondition(lambda self: self.calls)
    @rule(pick=st.integers(0, 50), price=st.integers(0, 600), fails=st.booleans())
    def end_call(self, pick: int, price: int, fails: bool) -> None:
        call = self.calls.pop(pick % len(self.calls))
        before = self.db.users.get(1)
        assert before is not None
        if fails:
            assert self.db.ledger.give_back(call, 3)
            return
        charged = self.db.ledger.settle(call, Usage(price, 0), 3, price=price)
        after = self.db.users.get(1)
        assert charged is not None and after is not None
        free = before.balance - before.bought
        assert before.bought - after.bought == max(0, charged - free)  # free tokens are spent first

    @rule()
    def refill(self) -> None:
        self.day += 1
        before = self.db.users.get(1)
        assert self.db.users.refill(1, DAILY, GIVEN, self.day)
        assert not self.db.users.refill(1, DAILY, GIVEN, self.day)
        after = self.db.users.get(1)
        assert before is not None and after is not None and after.bought == before.bought
        free = before.balance - before.bought
        assert after.balance - after.bought == max(free, min(free + DAILY, GIVEN))
        self.refilled += after.balance - before.balance

    @precondition(lambda self: self.charges)
    @rule(pick=st.integers(0, 50))
    def begin_refund(self, pick: int) -> None:
        charge_id = self.charges[pick % len(self.charges)]
        payment, before = self.db.payments.get(charge_id), self.db.users.get(1)
        assert payment is not None and before is not None
        taken = self.db.payments.begin_refund(charge_id, 1)
        assert (taken is None) == (payment.state != "paid")
        if taken is not None:
            assert taken == min(payment.tokens, before.balance - before.reserved)
            assert self.db.payments.begin_refund(charge_id, 1) is None

    @precondition(lambda self: self.charges)
    @rule(pick=st.integers(0, 50), refused=st.booleans())
    def end_refund(self, pick: int, refused: bool) -> None:
        charge_id = self.charges[pick % len(self.charges)]
        payment = self.db.payments.get(charge_id)
        assert payment is not None
        for under_way in (payment.state == "refunding", False):
            if refused:
                assert self.db.payments.cancel_refund(charge_id, 1) == under_way
            else:
                assert self.db.payments.end_refund(charge_id, 4) == under_way

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
        value = self.db._connection.value
        user = self.db.users.get(1)
        assert user is not None
        credited = value("select coalesce(sum(tokens - taken_back), 0) from payment")
        charged = value("select coalesce(sum(charged), 0) from call")
        assert user.balance == GIVEN + self.refilled + credited - charged
        assert 0 <= user.reserved <= user.balance and 0 <= user.bought <= user.balance
        sales = self.db.payments.sales()
        assert sales.payments == len(self.charges) == sales.stars


Buying.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestBuying = Buying.TestCase


def bought(db: Database, charge_id: str, tokens: int, *, until: int | None = None) -> None:
    pack = StarPack(tokens, 1)
    assert db.payments.credit(
        charge_id=charge_id, user_id=1, stars=1, payload=pack.payload, pack=pack, until=until, now=2
    )


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
    assert db.forgetting.debit(1, BALANCE * 99) == BALANCE * 10  # never below zero
    assert db.forgetting.debit(1, 1) == 0 == db.forgetting.debit(3, 1)


def test_the_refund_of_an_earlier_month_ends_the_subscription(db: Database) -> None:
    for charge_id, until in (("a", 10), ("b", 20)):
        bought(db, charge_id, 500, until=until)
    bought(db, "c", 600, until=20)  # another one
    assert db.payments.end_renewal("a")
    assert not db.payments.end_renewal("a") and not db.payments.end_renewal("b")
    assert {one.payload: one.renews for one in db.payments.subscriptions(1, 5)} == {
        StarPack(500, 1).payload: False,
        StarPack(600, 1).payload: True,
    }
    bought(db, "d", 500, until=30)  # subscribed to anew: a refund of the subscription before changes nothing
    assert not db.payments.end_renewal("a")
    assert db.payments.set_renewal(1, StarPack(500, 1).payload, False)
    bought(db, "e", 500, until=40)
    assert not db.payments.end_renewal("d")
    assert db.payments.end_renewal("e")
