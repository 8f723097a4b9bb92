"""Guest queries whose answer Telegram refuses: nothing is paid for them, and whoever called is told in private."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from conversation.localization import Locales
from core.schemas import OutboxRow, Outgoing
from database import Database, Turn
from turns.message_view import sentence


def drop(db: Database, locales: Locales, wake: Callable[[Sequence[OutboxRow]], None], row_id: int, reason: str) -> None:
    """Delete a message that Telegram has refused for good. Runs in a sender's thread; raises `StorageError`.

    If it was to answer a guest query, its user gets back what they have paid. They are told so here if the turn has
    been answered before; a turn that still runs finds out by itself.
    """
    with db.transaction():
        inbox_id = db.guests.query_of(row_id)
        db.outbox.dropped(row_id, reason)
        rows = db.outbox.add(None, _given_back(db, locales, inbox_id)) if inbox_id is not None else []
    wake(rows)


def _given_back(db: Database, locales: Locales, inbox_id: int) -> list[Outgoing]:
    db.ledger.refund(inbox_id)
    turn = db.turns.of_update(inbox_id)
    return lost(db, locales, turn) if turn is not None and turn.state == "answered" else []


def lost(db: Database, locales: Locales, turn: Turn) -> list[Outgoing]:
    """Say in private that no answer can be shown: after a kill a message may stand there whose id is unknown."""
    user = db.users.get(turn.user_id)
    if user is None or user.blocked:
        return []
    talk = db.talks.get(turn.session_id)
    character = db.characters.get(talk.character_id) if talk is not None and talk.character_id is not None else None
    name = character.name if character is not None else "…"
    return [sentence(turn.user_id, locales[user.language].say("guest.lost", name=name))]
