"""Guest queries whose answer Telegram refuses: nothing is paid for them, and whoever called is told in private."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from conversation.localization import Locales
from core.logs import event
from core.schemas import OutboxRow, Outgoing
from database import Database, Turn
from turns.message_view import sentence

log = logging.getLogger(__name__)


def drop(db: Database, locales: Locales, wake: Callable[[Sequence[OutboxRow]], None], row_id: int, reason: str) -> None:
    """Delete a message that Telegram has refused for good. Runs in a sender's thread; raises `StorageError`.

    If it was to answer a guest query, its user gets back what they have paid. They are told so here if the turn has
    been answered before; a turn that still runs finds out by itself.
    """
    with db.transaction():
        inbox_id = db.guests.query_of(row_id)
        db.outbox.dropped(row_id, reason)
        turn = db.turns.of_update(inbox_id) if inbox_id is not None else None
        rows = db.outbox.add(None, _refunded(db, locales, turn)) if turn is not None else []
    wake(rows)


def _refunded(db: Database, locales: Locales, turn: Turn) -> list[Outgoing]:
    """Give back what the call has cost; return what its user is told."""
    given_back(db, turn)
    return lost(db, locales, turn) if turn.state == "answered" else []


def given_back(db: Database, turn: Turn) -> None:
    """Give back what a guest's call has cost, and log it."""
    if tokens := db.ledger.refund(turn.inbox_id or 0):
        event(log, logging.INFO, "call_refunded", user=turn.user_id, turn=turn.id, tokens=tokens)


def lost(db: Database, locales: Locales, turn: Turn) -> list[Outgoing]:
    """Say in private that no answer can be shown: after a kill a message may stand there whose id is unknown."""
    user = db.users.get(turn.user_id)
    if user is None or user.blocked:
        return []
    talk = db.talks.get(turn.session_id)
    character = db.characters.get(talk.character_id) if talk is not None and talk.character_id is not None else None
    name = character.name if character is not None else "…"
    return [sentence(turn.user_id, locales[user.language].say("guest.lost", name=name))]
