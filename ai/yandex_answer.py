"""Reads answers of YandexGPT's native API: each line of a stream, or a whole body, has the whole text so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ai.error_mapping import read_object
from core.errors import ModelAway
from core.schemas import Chunk, Finish, Usage

_FINISHES: Final[Mapping[str, Finish]] = {
    "ALTERNATIVE_STATUS_FINAL": Finish.STOP,
    "ALTERNATIVE_STATUS_TRUNCATED_FINAL": Finish.LENGTH,
    "ALTERNATIVE_STATUS_CONTENT_FILTER": Finish.REFUSED,
}
_GROWING: Final = frozenset({"ALTERNATIVE_STATUS_PARTIAL", "ALTERNATIVE_STATUS_UNSPECIFIED", ""})


def chunk(line: bytes) -> Chunk:
    """Return the state of an answer: its whole text so far. Raise ModelError."""
    result = read_object(line).get("result")
    alternatives = result.get("alternatives") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(alternatives, list) or not alternatives:
        raise ModelAway("an answer without alternatives")
    first = alternatives[0]
    message = first.get("message") if isinstance(first, dict) else None
    text = message.get("text") if isinstance(message, dict) else None
    status = str(first.get("status") or "") if isinstance(first, dict) else ""
    if status not in _GROWING and status not in _FINISHES:
        raise ModelAway(f"an answer of an unknown kind: {status[:60]}")
    if text is not None and not isinstance(text, str):
        raise ModelAway("an answer whose text is no text")
    return Chunk(text or "", _usage(result.get("usage")), _FINISHES.get(status))


def _usage(value: Any) -> Usage | None:
    try:
        return Usage(int(value["inputTextTokens"]), int(value["completionTokens"]))
    except (KeyError, TypeError, ValueError):
        return None
