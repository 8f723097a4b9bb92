"""A call's money beside a stop or a failure: whichever comes first, nothing stays reserved."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, cast

import pytest

from ai.catalog import Model
from config import Config
from core.errors import ModelCancelled, ModelError
from database import Database, Turn
from gpt import GPT
from tests.ready_made import new_database
from turns.billing import TurnBilling
from turns.kinds.part import StoryPart
from turns.limits import budget_period
from turns.running_turn import RunningTurn
from turns.turn_kind import KindServices


class ReservationThenStop:
    """A database for `TurnBilling` whose ledger lets a stop come as soon as a reservation is written."""

    def __init__(self, db: Database, stop: threading.Thread) -> None:
        self.ledger = self
        self.transaction = db.transaction
        self._ledger = db.ledger
        self._stop = stop

    def reserve(self, **values: Any) -> int | None:
        call_id = self._ledger.reserve(**values)
        self._stop.start()
        self._stop.join(0.3)  # it goes through only where the reservation's transaction is over
        return call_id


@pytest.fixture
def db(tmp_path: Path) -> Any:
    opened = new_database(tmp_path / "bot.db")
    opened.users.register(1, None, "А", None, language="ru", balance=10_000, now=1)
    yield opened
    opened.close()


def running_turn(db: Database) -> Turn:
    session = db.stories.create(1, 1, genre="г", hero="г", setting="м", extra="", title="", now=1)
    [row] = db.inbox.add([(1, 1, "{}")], 1)
    turn_id = db.turns.add(
        inbox_id=row.id, chat_id=1, user_id=1, session_id=session, kind="part", prompt_id=None, hint="", now=1
    )
    turn = db.turns.start(turn_id)
    assert turn is not None
    return turn


def part(config: Config, db: Database) -> StoryPart:
    nothing = cast(Any, None)  # the test asks no model and says nothing
    services = KindServices(config=config, db=db, locales=nothing, limit_messages=nothing)
    return StoryPart(services, generator=nothing, warnings=nothing, card_offers=nothing)


@pytest.fixture
def config() -> Config:
    return Config.from_env(
        {"TELEGRAM_TOKEN": "123456789:" + "A" * 35, "YANDEX_FOLDER_ID": "b1g", "YANDEX_API_KEY": "k"}
    )


def test_a_stop_right_after_the_reservation_gives_it_back(config: Config, db: Database) -> None:
    gpt = cast(GPT, None)  # no call is made
    running = RunningTurn(running_turn(db), part(config, db), model=Model("m"))

    def end_by_stop() -> None:
        with db.transaction():
            if running.call is not None:
                TurnBilling(config=config, db=db, gpt=gpt).release(running.call)
            db.turns.end(running.turn.id, "stopped", 1)

    stop = threading.Thread(target=end_by_stop)
    billing = TurnBilling(config=config, db=cast(Database, ReservationThenStop(db, stop)), gpt=gpt)
    billing.reserve(running, "part", 1_461, input_tokens=0)
    stop.join(5.0)
    assert not stop.is_alive()
    assert db.ledger.budget(budget_period(config, 1.0)).reserved == 0

    with pytest.raises(ModelCancelled):
        TurnBilling(config=config, db=db, gpt=gpt).reserve(running, "part", 1, input_tokens=0)


def test_a_call_that_failed_is_given_back_before_another_one(config: Config, db: Database) -> None:
    billing = TurnBilling(config=config, db=db, gpt=cast(GPT, None))  # no call is made
    running = RunningTurn(running_turn(db), part(config, db), model=Model("m"))
    failure = ModelError("cut")
    billing.drop_failed(running, failure)  # none was made yet
    for _ in range(2):
        billing.reserve(running, "part", 1_461, input_tokens=0)
        assert running.call is not None
        assert db.ledger.budget(budget_period(config, 1.0)).reserved > 0
        billing.drop_failed(running, failure)
        assert running.call is None
        assert db.ledger.budget(budget_period(config, 1.0)).reserved == 0
