"""A message that shows an answer while it is written: sent once, then edited as the text grows.

The message of the whole answer takes its place, by an attachment of the kind `GROWING` that names the turn.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from core.schemas import Json
from telegram.rate_limits import SendLimits
from telegram.send_outcome import Outcome

GROWING: Final = "growing"
# Parameters of `sendMessage` without the chat; empty while nothing may be shown, None once the answer has ended.
Content: TypeAlias = Callable[[], Mapping[str, Json] | None]

OF_A_NEW_MESSAGE: Final = frozenset({"reply_parameters", "message_thread_id"})  # parameters that an edit doesn't have
_CHARS_TO_DOUBLE: Final = 2000  # an answer of this length is edited half as often


@dataclass(slots=True, eq=False)
class GrowingMessage:
    """A growing message of a chat; topics of a group have one each. Its sender sets `shown`, `message_id`, `closed`.

    `content` and `on_sent` are called in a sender's thread. `on_sent` gets the message's id; None: the user deleted it.
    """

    key: Hashable
    content: Content
    on_sent: Callable[[int | None], None]
    due_at: float
    changed: bool = True
    shown: Mapping[str, Json] | None = None
    message_id: int | None = None
    closed: bool = False  # the answer has ended, or nobody knows whether the message has arrived
    slower: int = 1  # doubled by each 429

    @property
    def method(self) -> str:
        """The call to make."""
        return "editMessageText" if self.message_id else "sendMessage"

    def finish(self, outcome: Outcome, now: float, limits: SendLimits) -> None:
        """Set when the next edit is due: the longer the text, the later."""
        if outcome.flood:
            self.slower *= 2
        chars = len(str(self.shown["text"])) if self.shown else 0
        self.due_at = now + limits.growth_interval_s * (1 + chars / _CHARS_TO_DOUBLE) * self.slower
        self.changed = not self.closed and (self.changed or outcome.again)
