"""What the turns share that belong to no session: a service makes their answer out of the turn's hint."""

from __future__ import annotations

from core.errors import LimitReached
from core.schemas import Outgoing
from database import Turn
from turns.billing import TurnBilling
from turns.message_view import as_reply
from turns.turn_kind import BelongsTo, KindServices, TurnKind, retry_button


class NoSessionKind(TurnKind):
    """A turn of no session. Its hint is kept as long as a button offers another try."""

    belongs_to = BelongsTo.NOTHING
    by_service = True

    def __init__(self, services: KindServices, *, billing: TurnBilling) -> None:
        super().__init__(services)
        self._billing = billing

    def _limit_failed(self, turn: Turn, error: LimitReached) -> list[Outgoing]:
        """Say which limit is in the way; no button offers another try."""
        self._db.turns.take_hint(turn.id)
        said = self.limit_message(turn.user_id, turn.chat_id, None, error)
        return [as_reply(said, turn.reply_to)]

    def _away(self, turn: Turn, key: str) -> list[Outgoing]:
        """Say that the service is away, with a button for another try."""
        return [self._say(turn, key, retry_button(turn))]

    def _gone(self, turn: Turn, key: str, **values: object) -> list[Outgoing]:
        """Say why nothing comes of the turn, and forget what it was to work on."""
        self._db.turns.take_hint(turn.id)
        return [self._say(turn, key, None, **values)]
