"""Calls of turns in a real database, and what the ledger has written of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import LimitReached
from core.star_packs import StarPack
from database import Caps, Database, Month, Turn
from tests.ready_made import new_database

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


def bought(db: Database, charge_id: str, tokens: int, month: Month | None = None) -> None:
    """Credit a pack to the first user."""
    pack = StarPack(tokens, 1)
    assert db.payments.credit(
        charge_id=charge_id, user_id=1, stars=1, payload=pack.payload, pack=pack, month=month, now=2
    )


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
