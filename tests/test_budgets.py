"""Budgets: what a prompt, an answer and a turn may take, and what a turn's calls hold, cost and give back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pytest

from ai.catalog import CostMultiplier, Model
from config import Config
from core.errors import LimitReached, ModelAway, ModelCancelled, ModelError, StorageError
from core.schemas import Message, Request, Usage
from database import Budget, Database
from gpt import GPT
from sandbox.model_faults import Behaviour
from sandbox.models import ModelServers
from tests.model_fixtures import Client, client, failures, models, openai_client
from tests.ready_made import new_database
from tests.test_billing import running_turn as started_turn
from turns import limits
from turns.billing import TurnBilling
from turns.kinds.part import StoryPart
from turns.running_turn import OpenCall, RunningTurn
from turns.turn_kind import KindServices

__all__ = ["client", "failures", "models", "openai_client"]

DOUBLE = CostMultiplier(Fraction(2), Fraction(2))
DEAR = Model("dear", weight=CostMultiplier(Fraction(2), Fraction(3), Fraction(1)))
PROMPT = (Message("system", "Ты писатель."), Message("user", "Начни историю о маяке."))


def config(**changes: str) -> Config:
    token = "123456789:" + "A" * 35
    return Config.from_env({"TELEGRAM_TOKEN": token, "YANDEX_FOLDER_ID": "b1g", "YANDEX_API_KEY": "k"} | changes)


@pytest.mark.parametrize(
    ("context", "prompt", "answer"),
    [
        (32_768, 3000, 800),
        (3_800, 3000, 800),
        (3_000, 2200, 800),
        (1_700, 900, 800),
        (1_600, 800, 800),
        (900, 450, 450),
    ],
)
def test_a_small_context_is_shared_by_prompt_and_answer(context: int, prompt: int, answer: int) -> None:
    assert limits.prompt_budget(config(), context) == prompt
    assert limits.answer_budget(config(), context) == answer


@pytest.mark.parametrize(("session", "kept"), [("100000", 7600), ("15200", 7600), ("12001", 6000)])
def test_a_session_keeps_an_ending_or_half_of_itself(session: str, kept: int) -> None:
    settings = config(MAX_TOKENS_PER_SESSION=session)
    assert limits.kept_for_ending(settings) == kept
    usual = limits.caps(settings, 1, in_session=True, may_use_reserve=False)
    ending = limits.caps(settings, 1, in_session=True, may_use_reserve=True)
    assert (usual.session, ending.session) == (int(session) - kept, int(session))


def test_a_call_outside_a_session_has_no_limits_of_one() -> None:
    settings = config(MAX_SESSIONS_PER_USER="7", MAX_PROJECT_TOKENS="90000")
    inside = limits.caps(settings, 1, in_session=True, may_use_reserve=False)
    outside = limits.caps(settings, 1, in_session=False, may_use_reserve=False)
    assert (outside.session, outside.sessions, outside.project) == (None, None, 90_000)
    assert inside.sessions == 7 and inside.session is not None
    assert outside.kept == inside.kept == limits.kept_of_balance(settings) > 0
    assert not inside.begins_story
    assert limits.caps(settings, 1, in_session=True, may_use_reserve=False, begins_story=True).begins_story


def test_a_dear_model_makes_everything_dearer() -> None:
    settings = config()
    for price in (limits.dearest_ending, limits.kept_for_ending, limits.turn_price, limits.least_price):
        assert price(settings, DOUBLE) == 2 * price(settings)
    caps = limits.caps(settings, 1, in_session=True, may_use_reserve=False, weight=DOUBLE)
    assert caps.session == settings.max_tokens_per_session - 15_200
    assert caps.kept == limits.kept_of_balance(settings, DOUBLE) == 7_500
    assert limits.turns_left(settings, 4_800, DOUBLE) == limits.turns_of(settings, 4_800, DOUBLE) == 1


@pytest.mark.parametrize(("used", "share"), [(4_999, 0), (5_000, 50), (7_999, 50), (8_000, 80), (9_999, 80)])
def test_a_share_is_told_once_it_is_full(used: int, share: int) -> None:
    assert limits.share_to_tell(used, 10_000, 0) == share


def test_users_hear_of_their_last_three_turns_and_of_the_last_one() -> None:
    assert limits.TURNS_TOLD == (3, 1)
    assert limits.SESSION_NEAR_PERCENT == 80


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = new_database(tmp_path / "bot.db")
    opened.users.register(1, None, "А", None, language="ru", balance=20_000, now=1)
    yield opened
    opened.close()


@pytest.fixture
def billing(db: Database, client: Client) -> TurnBilling:
    return TurnBilling(config=config(), db=db, gpt=client())


def running_turn(db: Database, model: Model = DEAR) -> RunningTurn:
    return RunningTurn(started_turn(db), _part(db), model=model)


def _part(db: Database) -> StoryPart:
    nothing = cast(Any, None)  # these tests run no turn and say nothing
    services = KindServices(config=config(), db=db, locales=nothing, limit_messages=nothing)
    return StoryPart(services, generator=nothing, warnings=nothing, card_offers=nothing)


def state(db: Database, call: OpenCall) -> tuple[str, int, int]:
    """Return a call's state, what it holds or held, and what the user paid."""
    row = db._connection.row("select state, reserved, charged from call where id = ?", (call.id,))
    assert row is not None
    return row["state"], row["reserved"], row["charged"]


def requested(billing: TurnBilling, running: RunningTurn, max_tokens: int = 100) -> Request:
    return billing.request(running, PROMPT, purpose="title", max_tokens=max_tokens, temperature=0.3)


def test_a_turn_knows_the_call_that_holds_its_tokens(db: Database, billing: TurnBilling) -> None:
    running = running_turn(db)
    call = billing.reserve(running, "part", 500, input_tokens=120)
    assert running.call is call and (call.model, call.input_tokens, call.usage) == (DEAR, 120, None)
    assert state(db, call) == ("asked", 500, 0)
    story = db.stories.get(running.turn.session_id)
    assert story is not None and story.reserved == 500
    assert db.ledger.budget("ever") == Budget(0, 500, 0, 0)
    row = db._connection.row("select purpose, model, turn_id from call")
    assert row is not None and tuple(row) == ("part", "dear", running.turn.id)


def test_a_turn_without_a_reservation_knows_no_call(db: Database, billing: TurnBilling) -> None:
    running = running_turn(db)
    billing.reserve(running, "part", 500, input_tokens=0)
    with pytest.raises(LimitReached):
        billing.reserve(running, "part", 50_000, input_tokens=0)
    assert running.call is None
    db.turns.end(running.turn.id, "stopped", 1)
    with pytest.raises(ModelCancelled, match=r"^the turn has ended$"):
        billing.reserve(running, "part", 1, input_tokens=0)
    assert running.call is None


def test_a_reservation_that_the_disk_refuses_is_no_call(db: Database) -> None:
    class FullDisk:
        """A database for `TurnBilling` whose commits fail."""

        ledger = db.ledger

        @contextmanager
        def transaction(self) -> Iterator[None]:
            with db.transaction():
                yield
                raise StorageError("database or disk is full")

    running = running_turn(db)
    with pytest.raises(StorageError):
        TurnBilling(config=config(), db=cast(Database, FullDisk()), gpt=cast(GPT, None)).reserve(
            running, "part", 500, input_tokens=0
        )
    assert running.call is None and db.ledger.budget("ever").reserved == 0


def test_a_request_names_the_turn_its_user_and_its_model(db: Database, billing: TurnBilling) -> None:
    running = running_turn(db)
    schema = {"type": "object"}
    assert billing.request(
        running, list(PROMPT), purpose="title", max_tokens=9, temperature=0.1, json_schema=schema
    ) == Request(
        PROMPT,
        max_tokens=9,
        temperature=0.1,
        model="dear",
        json_schema=schema,
        purpose="title",
        user_id=1,
        turn_id=running.turn.id,
    )
    request = requested(billing, running)
    assert billing.estimate(request) > billing.estimate_text(PROMPT[1].text, DEAR) > 0
    assert billing.prompt_budget(Model("small", context_tokens=1_700)) == 900


def test_a_request_holds_the_most_that_its_prompt_may_take_where_the_limits_allow_it(
    db: Database, openai_client: Client
) -> None:
    gpt = openai_client()
    billing, running = TurnBilling(config=config(), db=db, gpt=gpt), running_turn(db)
    request = requested(billing, running)
    likely, most = billing.estimate(request), gpt.at_most(request.messages, request.model)
    assert likely < most
    call = billing.reserve_request(running, request, input_tokens=likely)
    assert (state(db, call)[1], call.input_tokens) == (2 * most + 3 * 100, likely)
    billing.release(call, Usage(0, 0))
    longer = billing.reserve_request(running, request, input_tokens=most + 50)
    assert state(db, longer)[1] == 2 * (most + 50) + 3 * 100
    billing.release(longer, Usage(0, 0))
    kept = limits.kept_of_balance(config(), DEAR.weight)
    db.accounts.grant_tokens(1, kept + 2 * likely + 3 * 100 - 20_000)
    call = billing.reserve_request(running, request, input_tokens=likely)
    assert state(db, call)[1] == 2 * likely + 3 * 100
    with pytest.raises(LimitReached):
        billing.reserve_request(running, request, input_tokens=likely)


@pytest.mark.parametrize("behaviour", [Behaviour(end="filter"), Behaviour(text="Маяк.")])
def test_an_answer_that_is_refused_or_unsound_is_a_failure_that_may_be_billed(
    db: Database, billing: TurnBilling, models: ModelServers, behaviour: Behaviour
) -> None:
    running = running_turn(db, Model())
    request = requested(billing, running)
    call = billing.reserve_request(running, request, input_tokens=9)
    models.faults.order(behaviour)
    with pytest.raises(ModelAway, match="title") as failed:
        billing.ask(running, call, request, sound=lambda answer: len(answer.text) > 9)
    assert failed.value.billed and call.usage is not None
    assert state(db, call)[0] == "asked"  # whoever asked gives it back


def test_an_answer_is_charged_and_stored_together(db: Database, billing: TurnBilling, models: ModelServers) -> None:
    running = running_turn(db, Model())
    stored: list[str] = []
    models.faults.order(Behaviour(text="Маяк на краю."), Behaviour(text="Маяк."))
    billing.ask_and_settle(running, requested(billing, running), stored.append)
    budget = db.ledger.budget("ever")
    assert stored == ["Маяк на краю."] and running.call is None
    assert budget.reserved == 0 and budget.spent == db.ledger.charged_for(running.turn.id) > 0

    def refuse(text: str) -> None:
        raise StorageError(text)

    with pytest.raises(StorageError):
        billing.ask_and_settle(running, requested(billing, running), refuse)
    assert db.ledger.budget("ever").spent == budget.spent and running.call is not None
    assert state(db, running.call)[0] == "asked"


def test_an_answer_that_comes_after_the_stop_is_neither_charged_nor_stored(
    db: Database, billing: TurnBilling, models: ModelServers
) -> None:
    running = running_turn(db, Model())
    models.faults.order(Behaviour(text="Маяк на краю."))

    def stop_meanwhile(answer: object) -> bool:
        assert running.call is not None
        return billing.release(running.call, Usage(0, 0))

    with pytest.raises(ModelCancelled, match="title"):
        billing.ask_and_settle(running, requested(billing, running), pytest.fail, sound=stop_meanwhile)
    assert db.ledger.budget("ever") == Budget(0, 0, 0, 0)


def test_a_call_is_charged_what_its_figures_weigh_and_once(db: Database, billing: TurnBilling) -> None:
    call = billing.reserve(running_turn(db), "part", 100, input_tokens=0)
    assert billing.settle(call, Usage(100, 20, cached=40))
    assert state(db, call)[2] == 2 * 60 + 40 + 3 * 20  # beyond what was held: the session has it
    assert not billing.settle(call, Usage(100, 20))
    assert not billing.release(call)


@pytest.mark.parametrize(
    ("usage", "lost"), [(None, 2 * 50), (Usage(30, 10, cached=10), 2 * 20 + 10 + 3 * 10), (Usage(0, 0), 0)]
)
def test_a_call_given_back_costs_the_project_what_the_vendor_may_bill(
    db: Database, billing: TurnBilling, usage: Usage | None, lost: int
) -> None:
    call = billing.reserve(running_turn(db), "part", 100, input_tokens=50)
    assert billing.release(call, usage)
    assert not billing.release(call, usage)
    assert db.ledger.budget("ever") == Budget(0, 0, lost, 0) and state(db, call)[2] == 0


@pytest.mark.parametrize(
    ("error", "usage", "lost"),
    [
        (ModelError("cut", billed=True), None, 2 * 50),
        (ModelError("refused"), None, 0),
        (ValueError("a bug"), None, 0),
        (None, None, 0),
        (ModelError("refused"), Usage(30, 10), 2 * 30 + 3 * 10),
    ],
)
def test_a_failed_call_costs_the_project_its_figures_or_its_prompt_if_that_is_billed(
    db: Database, billing: TurnBilling, error: Exception | None, usage: Usage | None, lost: int
) -> None:
    call = billing.reserve(running_turn(db), "part", 100, input_tokens=50)
    call.usage = usage
    assert billing.release_failed(call, error)
    assert db.ledger.budget("ever") == Budget(0, 0, lost, 0)
    assert not billing.release_failed(call, error)


def test_the_usage_so_far_is_the_vendors_or_an_estimate(db: Database, billing: TurnBilling) -> None:
    call = billing.reserve(running_turn(db), "part", 100, input_tokens=50)
    call.text = "Маяк на краю света погас."
    usage = billing.usage_so_far(call)
    assert usage.estimated and usage.input == 50
    assert usage.output == billing._gpt.estimate([Message("assistant", call.text)], "dear") > 0
    call.usage = Usage(49, 7)
    assert billing.usage_so_far(call) == Usage(49, 7)
