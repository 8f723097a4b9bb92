"""How a call to Telegram ended, and what is read of its response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.errors import TelegramRefused, TelegramUnreachable
from core.metrics import Metrics
from core.schemas import Json

HARMLESS: Final = (
    "topic_not_modified",
    "topic_id_invalid",  # of a rename: the topic is deleted
    "query is too old",
    "query id is invalid",
    "message to delete not found",
    "can't be deleted",
)
NOT_MODIFIED: Final = "message is not modified"
_NOT_EDITABLE: Final = ("message to edit not found", "message can't be edited", "message_id_invalid")
_NO_TOPIC: Final = ("message thread not found", "topic_deleted")
_DEFAULT_WAIT_S: Final = 5.0  # for a 429 without `retry_after`


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: `done`, to be made `again`, or dropped. `wait_s` holds back the whole chat."""

    done: bool = False
    again: bool = False
    wait_s: float = 0.0
    message_id: int | None = None
    unsure: bool = False  # it may have arrived all the same
    flood: bool = False  # Telegram answered 429


def message_id_of(result: Json) -> int | None:
    """Return the id of the message that a call has made or changed; of an album's first one."""
    if isinstance(result, list) and result:
        result = result[0]
    message_id = result.get("message_id") if isinstance(result, dict) else None
    return message_id if isinstance(message_id, int) else None


def inline_id_of(result: Json) -> str:
    """Return the id of the message that the answer to a guest query has made; empty for every other call."""
    inline_id = result.get("inline_message_id") if isinstance(result, dict) else None
    return inline_id if isinstance(inline_id, str) else ""


def wait_of(error: TelegramRefused) -> float:
    """Return how long a 429 wants the chat to wait."""
    return _DEFAULT_WAIT_S if error.retry_after_s is None else error.retry_after_s


def is_gone(error: TelegramRefused) -> bool:
    """Return whether an edit was refused because the message is deleted or can't be edited."""
    return error.code == 400 and any(words in error.description.lower() for words in _NOT_EDITABLE)


def is_topic_gone(error: TelegramRefused) -> bool:
    """Return whether a message was refused because its topic is deleted."""
    return error.code == 400 and any(words in error.description.lower() for words in _NO_TOPIC)


def count_failure(metrics: Metrics, error: TelegramRefused | TelegramUnreachable) -> None:
    """Count a failed call, unless the refusal is harmless."""
    if isinstance(error, TelegramUnreachable):
        metrics.sending_failed(error.method, "unreachable")
    elif not any(words in error.description.lower() for words in (*HARMLESS, NOT_MODIFIED)):
        metrics.sending_failed(error.method, str(error.code))
