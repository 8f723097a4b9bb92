"""The things that wait to go out, and the line of a chat that they wait in.

Plain values for `schedule.py`, which moves them, and `telegram/sender.py`, which makes the calls. No decisions here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from core.schemas import Json, OutboxRow
from telegram.rate_limits import NEVER, Bucket, Window


def counts(method: str) -> bool:
    """Whether Telegram's limits of messages count this call."""
    return method.startswith(("send", "edit", "copy", "forward")) and method != "sendChatAction"


class Kind(IntEnum):
    """In the order in which they go."""

    FREE = 0  # answers that no limit counts
    ANSWER = 1
    NOTICE = 2
    DRAFT = 3
    TYPING = 4


KINDS: Final = tuple(Kind)  # to go through an Enum itself is slow


@dataclass(slots=True, eq=False)
class Answer:
    """A message that must arrive; `kept`: it stands in the outbox under its row's id."""

    row: OutboxRow
    since: float
    kept: bool = True
    attempts: int = 0
    plain: bool = False  # Telegram couldn't read its markup
    message_id: int | None = None
    ended: str | None = None  # out, or refused for this reason; only the store doesn't know yet


@dataclass(slots=True, eq=False)
class Notice:
    """A message kept up to date at best effort. `shown` is what Telegram has, `wanted` what it should have."""

    key: Hashable
    wanted: tuple[str, Json] | None
    on_sent: Callable[[int | None], None]
    since: float
    shown: tuple[str, Json] | None = None
    message_id: int | None = None
    lost: bool = False  # whether it was sent is unknown: never again
    in_flight: bool = False
    failures: int = 0

    @property
    def method(self) -> str:
        """The call that is to be made; empty: none."""
        if self.wanted is None:
            return "deleteMessage" if self.message_id else ""
        if self.lost or self.wanted == self.shown:
            return ""
        return "editMessageText" if self.message_id else "sendMessage"


@dataclass(slots=True, eq=False)
class Draft:
    """What an answer under way looks like. `text` may be made when the draft goes out, which most never do."""

    draft_id: int
    text: str | Callable[[], str]
    can_stop: bool
    since: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: `done`, to be made `again`, or neither; `wait_s`: nothing for this chat until then."""

    done: bool = False
    again: bool = False
    wait_s: float = 0.0
    message_id: int | None = None
    unsure: bool = False  # it may have arrived
    flood: bool = False  # Telegram told the chat to wait


@dataclass(slots=True, eq=False)
class Chat:
    """One chat's line. The fields are the queue's; a sender reads `chat_id` and counts `failures`."""

    chat_id: int
    bucket: Bucket
    group: Window | None
    answers: list[Answer] = field(default_factory=list)
    notices: dict[Hashable, Notice] = field(default_factory=dict)
    draft: Draft | None = None
    draft_shown: Draft | None = None
    draft_shown_at: float = 0.0
    draft_next_at: float = 0.0
    draft_late_s: float = 0.0  # how much after it was due the last one went
    ended_drafts: deque[int] = field(default_factory=lambda: deque(maxlen=8))
    typing_at: float = NEVER
    typing_until: float = 0.0
    busy: bool = False
    not_before: float = 0.0
    failures: int = 0
    touched_at: float = 0.0
    due: list[float] = field(default_factory=lambda: [NEVER] * len(KINDS))


@dataclass(frozen=True, slots=True)
class Job:
    """One call to make now."""

    chat: Chat
    kind: Kind
    method: str
    params: Mapping[str, Json]
    item: Answer | Notice | Draft | None
