"""`image`: a picture of the user's own words."""

from __future__ import annotations

from ai.catalog import CostMultiplier
from ai.images import ImageGenerator
from core.errors import LimitReached, ModelRefused
from core.schemas import Outgoing, Usage
from core.text import shorten
from database import Turn
from turns.billing import TurnBilling
from turns.kinds.no_session import NoSessionKind
from turns.message_view import photo
from turns.running_turn import RunningTurn
from turns.turn_kind import KindServices
from turns.turn_result import TurnResult

CAPTION_CHARS = 200


class ImageOfWords(NoSessionKind):
    """A picture of the words in the turn's hint."""

    name = "image"
    wait_line = "image.wait"
    chat_action = "upload_photo"

    def __init__(self, services: KindServices, *, billing: TurnBilling, images: ImageGenerator) -> None:
        super().__init__(services, billing=billing)
        self._images = images

    def run(self, running: RunningTurn) -> TurnResult:
        """Have the words drawn."""
        turn, price = running.turn, self._config.image_tokens
        self._billing.reserve(running, self.name, price, input_tokens=price)
        picture = self._images.paint(turn.hint, running.cancel, user_id=turn.user_id, turn_id=turn.id)
        return TurnResult("answered", files=(picture,), usage=Usage(price, 0))

    def least_price(self, weight: CostMultiplier) -> int:
        """Return what any picture costs."""
        return self._config.image_tokens

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Show the picture."""
        self._db.turns.take_hint(turn.id)
        caption = self._texts(turn).plain("image.caption", words=shorten(turn.hint, CAPTION_CHARS))
        return [photo(turn.chat_id, caption, picture) for picture in result.files]

    def stopped(self, turn: Turn, text: str) -> list[Outgoing]:
        """Say that it was stopped."""
        return self._gone(turn, "image.stopped")

    def failed(self, turn: Turn, error: Exception | None) -> list[Outgoing]:
        """Say what went wrong, with a button for another try unless the words were refused."""
        if isinstance(error, LimitReached):
            return self._limit_failed(turn, error)
        if isinstance(error, ModelRefused):
            return self._gone(turn, "image.refused")
        return self._away(turn, "image.away")
