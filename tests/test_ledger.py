"""Tokens: no order of reserving, settling, failing and crashing overspends a limit or leaks a reservation."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from config import Config
from core.errors import LimitReached
from core.schemas import Usage
from database import Caps
from tests.ready_made import new_database
from turns import limits

BALANCE, SESSION, PROJECT, PERIOD = 3_000, 2_000, 5_000, "ever"


class Spending(RuleBasedStateMachine):
    """Two users with two sessions each make calls that end in every way, in any order."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.db = new_database(Path(self.folder.name) / "bot.db")
        self.sessions: dict[int, int] = {}
        self.turns: dict[int, int] = {}
        self.open_calls: list[int] = []
        for user_id in (1, 2):
            self.db.users.register(user_id, None, "А", None, language="ru", balance=BALANCE, now=1)
            for number in (1, 2):
                session = self.db.stories.create(
                    user_id, user_id, genre="г", hero="г", setting="м", extra="", title="", now=1
                )
                chat = user_id * 10 + number
                [row] = self.db.inbox.add([(chat, chat, "{}")], 1)
                self.sessions[session] = user_id
                turn = self.turns[session] = self.db.turns.add(
                    inbox_id=row.id,
                    chat_id=chat,
                    user_id=user_id,
                    session_id=session,
                    kind="part",
                    prompt_id=None,
                    hint="",
                    soft=False,
                    now=1,
                )
                assert self.db.turns.start(turn)

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()
            self.folder.cleanup()

    @rule(pick=st.integers(0, 3), tokens=st.integers(1, 1_500))
    def reserve(self, pick: int, tokens: int) -> None:
        session = list(self.sessions)[pick]
        caps = Caps(balance=True, kept=0, begins_story=False, session=SESSION, project=PROJECT, sessions=2)
        try:
            call = self.db.ledger.reserve(
                turn_id=self.turns[session],
                user_id=self.sessions[session],
                session_id=session,
                purpose="part",
                tokens=tokens,
                period=PERIOD,
                caps=caps,
                now=1,
            )
        except LimitReached:
            return
        assert call is not None
        self.open_calls.append(call)

    @precondition(lambda self: self.open_calls)
    @rule(
        pick=st.integers(0, 100),
        input=st.integers(0, 1_000),
        output=st.integers(0, 1_000),
        price=st.none() | st.integers(0, 5_000),
    )
    def settle(self, pick: int, input: int, output: int, price: int | None) -> None:
        call = self.open_calls.pop(pick % len(self.open_calls))
        row = self.db._connection.row("select reserved, user_id, session_id from call where id = ?", (call,))
        assert row is not None
        user, story = self.db.users.get(row["user_id"]), self.db.stories.get(row["session_id"])
        assert user is not None and story is not None
        more = min(user.balance - user.reserved, SESSION - story.spent - story.reserved)
        charged = self.db.ledger.settle(call, Usage(input, output), 2, price=price, session_limit=SESSION)
        assert charged == min(input + output if price is None else price, row["reserved"] + more)
        assert self.db.ledger.settle(call, Usage(input, output), 2) is None
        assert not self.db.ledger.give_back(call, 2)

    @precondition(lambda self: self.open_calls)
    @rule(pick=st.integers(0, 100), billed=st.integers(0, 500))
    def fail(self, pick: int, billed: int) -> None:
        call = self.open_calls.pop(pick % len(self.open_calls))
        assert self.db.ledger.give_back(call, 2, billed=billed)
        assert not self.db.ledger.give_back(call, 2)

    @rule()
    def crash(self) -> None:
        assert self.db.ledger.recover(3) == len(self.open_calls)
        self.open_calls.clear()

    @invariant()
    def nothing_is_overspent_and_nothing_leaks(self) -> None:
        if not hasattr(self, "db"):
            return
        value = self.db._connection.value
        for user_id in (1, 2):
            user = self.db.users.get(user_id)
            assert user is not None
            paid = value("select coalesce(sum(charged), 0) from call where user_id = ?", (user_id,))
            held = value("select total(reserved) from call where user_id = ? and state = 'asked'", (user_id,))
            assert user.balance == BALANCE - paid == BALANCE - user.spent
            assert user.reserved == held and 0 <= user.reserved <= user.balance
        for session in self.sessions:
            story = self.db.stories.get(session)
            assert story is not None and story.spent + story.reserved <= SESSION
            assert story.spent == value("select coalesce(sum(charged), 0) from call where session_id = ?", (session,))
        budget = self.db.ledger.budget(PERIOD)
        assert budget.reserved == value("select coalesce(sum(reserved), 0) from call where state = 'asked'")
        assert budget.spent == value("select coalesce(sum(price), 0) from call where state = 'settled'")


Spending.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestSpending = Spending.TestCase


def config(**changes: str) -> Config:
    token = "123456789:" + "A" * 35
    return Config.from_env({"TELEGRAM_TOKEN": token, "YANDEX_FOLDER_ID": "b1g", "YANDEX_API_KEY": "k"} | changes)


def test_a_first_balance_is_about_twelve_turns() -> None:
    assert limits.turns_left(config(), config().user_tokens) == 12


def test_a_session_keeps_enough_back_for_its_ending() -> None:
    settings = config()
    usual, ending = (limits.caps(settings, 1, in_session=True, may_use_reserve=ends) for ends in (False, True))
    assert usual.session is not None and ending.session is not None
    dearest = settings.max_tokens_per_request + settings.max_tokens_per_answer
    assert ending.session - usual.session >= dearest


def test_a_balance_keeps_enough_back_for_an_ending() -> None:
    settings = config()
    usual, ending = (
        limits.caps(settings, 1, in_session=True, may_use_reserve=ends, ends_story=ends) for ends in (False, True)
    )
    dearest = settings.max_tokens_per_request + settings.max_tokens_per_answer
    assert usual.kept >= dearest and ending.kept == 0


@pytest.mark.parametrize(
    ("given", "kept"), [(0, 7600), (2000, 0), (2800, 1400), (5000, 1400), (20_000, 5000), (30_000, 7500), (10**6, 7600)]
)
def test_what_is_kept_for_an_ending_leaves_most_of_a_gift(given: int, kept: int) -> None:
    assert limits.kept_of_balance(config(USER_TOKENS=str(given))) == kept


@pytest.mark.parametrize(("tokens", "turns"), [(0, 0), (1399, 0), (1400, 1), (2400, 1), (4800, 2), (-5, 0)])
def test_a_turn_is_left_while_the_shortest_is_affordable(tokens: int, turns: int) -> None:
    assert limits.turns_left(config(), tokens) == turns


@pytest.mark.parametrize(("tokens", "turns"), [(160, 0), (1799, 0), (1800, 1), (2800, 1), (4000, 2)])
def test_a_price_is_a_turn_only_if_it_is_nearly_one(tokens: int, turns: int) -> None:
    assert limits.turns_of(config(), tokens) == turns


def test_admins_are_not_limited_by_a_balance() -> None:
    settings = config(ADMIN_IDS="7")
    by_user = {user: limits.caps(settings, user, in_session=True, may_use_reserve=False) for user in (7, 8)}
    assert not by_user[7].balance and by_user[8].balance


@pytest.mark.parametrize(
    ("used", "told", "now"), [(49, 0, 0), (50, 0, 50), (60, 50, 0), (85, 50, 80), (100, 50, 100), (130, 100, 0)]
)
def test_admins_hear_of_each_share_of_the_budget_once(used: int, told: int, now: int) -> None:
    assert limits.share_to_tell(used, 100, told) == now


def test_a_monthly_budget_has_a_name_a_month() -> None:
    assert limits.budget_period(config(), 1_795_000_000) == "ever"
    monthly = config(MAX_PROJECT_TOKENS_PERIOD="month")
    assert limits.budget_period(monthly, 1_795_000_000) == "2026-11"
