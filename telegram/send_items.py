"""What waits to be sent, and the queue of one chat.

Plain data for `send_queue`, which orders it, and `sender`, which makes the calls.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from core.schemas import Json, OutboxRow
from telegram.rate_limits import NEVER, Bucket, Window
from telegram.send_growing import GrowingMessage


def is_limited(method: str) -> bool:
    """Return whether Telegram's message limits count this call."""
    return method.startswith(("send", "edit", "copy", "forward")) and method != "sendChatAction"


class Kind(IntEnum):
    """Kinds of calls, in the order in which they go."""

    UNLIMITED = 0  # messages that no limit counts
    MESSAGE = 1
    NOTICE = 2
    DRAFT = 3  # and growing messages
    TYPING = 4


KINDS: Final = tuple(Kind)  # iterating over an Enum is slow


@dataclass(slots=True, eq=False)
class QueuedMessage:
    """A message that must arrive. `stored`: it has a row in the outbox."""

    row: OutboxRow
    due_at: float
    stored: bool = True
    attempts: int = 0
    plain: bool = False  # Telegram could not parse the markup
    in_main: bool = False  # its topic is deleted
    message_id: int | None = None
    inline_id: str = ""  # of the message that answers a guest query
    edits: int | None = None  # the growing message whose place it takes
    ended: str | None = None  # empty: sent; otherwise the refusal. The store does not know it yet


@dataclass(slots=True, eq=False)
class Notice:
    """A message kept up to date at best effort: `shown` is what Telegram has, `wanted` what it should have."""

    key: Hashable
    wanted: tuple[str, Json] | None
    on_sent: Callable[[int | None], None]
    due_at: float
    shown: tuple[str, Json] | None = None
    message_id: int | None = None
    lost: bool = False  # unknown whether it was sent: never send it again
    in_flight: bool = False
    failures: int = 0
    topic_id: int = 0

    @property
    def method(self) -> str:
        """The call to make; empty if none."""
        if self.wanted is None:
            return "deleteMessage" if self.message_id else ""
        if self.lost or self.wanted == self.shown:
            return ""
        return "editMessageText" if self.message_id else "sendMessage"


@dataclass(slots=True, eq=False)
class MessageDraft:
    """The visible state of an answer that is being written. A callable `text` is called only if it is sent."""

    draft_id: int
    text: str | Callable[[], str]
    since: float
    topic_id: int = 0


@dataclass(slots=True, eq=False)
class Chat:
    """The queue of one chat. `SendQueue` owns the fields; a sender reads `chat_id` and counts `failures`."""

    chat_id: int
    bucket: Bucket
    group: Window | None
    messages: list[QueuedMessage] = field(default_factory=list)
    notices: dict[Hashable, Notice] = field(default_factory=dict)
    draft: MessageDraft | None = None
    draft_shown: MessageDraft | None = None
    draft_shown_at: float = 0.0
    draft_next_at: float = 0.0
    draft_late_s: float = 0.0  # how late the last draft was sent
    ended_drafts: deque[int] = field(default_factory=lambda: deque(maxlen=8))
    growing: dict[Hashable, GrowingMessage] = field(default_factory=dict)
    typing_at: float = NEVER
    typing_until: float = 0.0
    typing_topic: int = 0
    action: str = "typing"
    busy: bool = False
    not_before: float = 0.0
    failures: int = 0
    touched_at: float = 0.0
    due: list[float] = field(default_factory=lambda: [NEVER] * len(KINDS))

    @property
    def next_growing(self) -> GrowingMessage | None:
        """The growing message to show next; None if all are shown as they are."""
        return min((one for one in self.growing.values() if one.changed), key=lambda one: one.due_at, default=None)


@dataclass(frozen=True, slots=True)
class Job:
    """One call to make now."""

    chat: Chat
    kind: Kind
    method: str
    params: Mapping[str, Json]
    item: QueuedMessage | Notice | MessageDraft | GrowingMessage | None
