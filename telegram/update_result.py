"""What a handler is given and what it returns: plain data, which the dispatcher commits in one transaction.

Results add up: `context.say("a") + context.start_turn("part", …)`. Messages keep their order; a result has at most one
disposition beside `Done`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from core.schemas import Outgoing
from database import Turn


@dataclass(frozen=True, slots=True)
class IncomingUpdate:
    """An update's place in its chat.

    `queued_for` is the session that its words have waited for, 0 if they haven't waited. `behind`: earlier updates of
    the chat wait for its turn. `blocked`: one of them is a voice message, which everything after it waits for.
    """

    inbox_id: int
    chat_id: int
    queued_for: int = 0
    behind: bool = False
    blocked: bool = False
    topic_id: int = 0


# ---------------------------------------------------------------------- what becomes of the update


@dataclass(frozen=True, slots=True)
class Done:
    """The update is finished."""

    name: ClassVar[str] = "done"


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The update is finished by the turn that answers it."""

    name: ClassVar[str] = "turn"


@dataclass(frozen=True, slots=True)
class RecognitionStarted:
    """A turn replaces the voice message by its words; later updates of the chat wait for them."""

    name: ClassVar[str] = "hear"


@dataclass(frozen=True, slots=True)
class Queued:
    """The update waits until the chat's turn has ended. `blocks`: later updates of the chat wait behind it."""

    session_id: int
    blocks: bool = False
    name: ClassVar[str] = "queue"


Disposition = Done | TurnStarted | RecognitionStarted | Queued


# ---------------------------------------------------------------------- what is done after the commit


@dataclass(frozen=True, slots=True)
class StartTurn:
    """Hand a new turn to the workers."""

    turn_id: int
    chat_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class ReleaseTurn:
    """Wake the worker of a stopped turn and let its chat go on."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class ForgetQueued:
    """Drop a queued update that its sender took back."""

    chat_id: int
    inbox_id: int
    topic_id: int = 0


@dataclass(frozen=True, slots=True)
class DropMessages:
    """Don't send these rows of the outbox."""

    chat_id: int
    row_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MakePaymentCalls:
    """Make the calls about payments that the update has put into the outbox."""


@dataclass(frozen=True, slots=True)
class NoteSaid:
    """Note that the user was told something, which isn't to be said again at once."""

    chat_id: int
    topic_id: int
    user_id: int
    key: str


@dataclass(frozen=True, slots=True)
class ForgetSaid:
    """Forget what the user was told in a chat's topic: it may be said again."""

    chat_id: int
    topic_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class TrackEvent:
    """Count an event for analytics."""

    name: str
    user_id: int
    properties: Mapping[str, str | int | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StopBot:
    """Stop the process in good order."""


Effect = (
    StartTurn
    | ReleaseTurn
    | ForgetQueued
    | DropMessages
    | MakePaymentCalls
    | NoteSaid
    | ForgetSaid
    | TrackEvent
    | StopBot
)


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """What is to happen to an update. `toast`: the text of the pop-up that answers a button's press."""

    messages: tuple[Outgoing, ...] = ()
    disposition: Disposition = Done()
    effects: tuple[Effect, ...] = ()
    toast: str = ""

    def __add__(self, other: UpdateResult) -> UpdateResult:
        return UpdateResult(
            messages=self.messages + other.messages,
            disposition=other.disposition if isinstance(self.disposition, Done) else self.disposition,
            effects=self.effects + other.effects,
            toast=self.toast or other.toast,
        )


NOTHING: Final = UpdateResult()
