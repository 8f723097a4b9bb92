"""Reads the JSON object in a vendor's answer, and maps its error to one of ours.

Four shapes of body are read, by code and not by message: Yandex's `{"error": {"grpcCode", "httpCode", "message"}}`,
`{"error": "…", "code": 3}`, SpeechKit's `{"error_code", "error_message"}`, and the OpenAI way,
`{"error": {"message", "type", "code"}}`, where some servers put a number in `code`. A body that isn't JSON is
mapped by its HTTP status. Messages are searched only for what has no code: a prompt that is too long, a missing model,
and a folder of another service account.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

from core.errors import ModelAway, ModelBusy, ModelDenied, ModelError, ModelGone, ModelRefused, PromptTooLong
from core.redaction import Redactor

_STATUS_OF_GRPC: Final = {
    1: 499,
    2: 500,
    3: 400,
    4: 504,
    5: 404,
    6: 409,
    7: 403,
    8: 429,
    9: 400,
    10: 409,
    11: 400,
    12: 501,
    13: 500,
    14: 503,
    15: 500,
    16: 401,
}
_TOO_LONG: Final = re.compile(
    r"number of input tokens|text length is \d+|context[_ ](?:length|size|window)|maximum context|too many tokens"
    r"|prompt is too long|exceeds? (?:the )?(?:model['’]s )?(?:maximum|max|limit of|available) (?:input|prompt|tokens?)"
    r"|context (?:overflow|exceeded|is full)",
    re.IGNORECASE,
)
_CONTEXT: Final = re.compile(
    r"[\"']?n_ctx[\"']?\s*[:=]\s*(\d+)|(?:context[_ ](?:length|size|window)|maximum context)[^\d.\",{}]{0,40}(\d+)"
    r"|(?:no more than|limit of|maximum of)\s+(\d+)",
    re.IGNORECASE,
)
_GONE: Final = re.compile(
    r"model[_ ]uri|model_not_found|access to (?:the )?model"
    r"|\bmodel\b.{0,120}(?:not found|does not exist|doesn't exist|not available|no longer)",
    re.IGNORECASE,
)
_FOLDER: Final = re.compile(r"folder id|folder_id", re.IGNORECASE)
_REFUSALS: Final = frozenset({"content_filter", "content_policy_violation"})
# The last is LiteLLM's without a database: only its master key is known then.
_DENIALS: Final = frozenset({"insufficient_quota", "invalid_api_key", "UNAUTHORIZED", "no_db_connection"})


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body or a line of one. Raise ModelError, also for an error under HTTP 200."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ModelAway("nonsense instead of JSON") from error
    if not isinstance(value, dict):
        raise ModelAway("no JSON object in the answer")
    if value.get("error") or value.get("error_code") or value.get("object") == "error":
        raise error_from(value)
    return value


def read_error(status: int, headers: Mapping[str, str], body: str) -> ModelError:
    """Return the error for an HTTP answer with this status."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    error = error_from(value, status=status, body=body, request_id=headers.get("x-request-id", ""))
    if isinstance(error, ModelBusy):
        error.retry_after_s = retry_after_s(headers)
    return error


def error_from(value: Any, *, status: int = 200, body: str = "", request_id: str = "") -> ModelError:
    """Return the error in a parsed body, which may come under HTTP 200 in the middle of a stream."""
    outer = value if isinstance(value, dict) else {}
    inner = outer.get("error")
    fields = inner if isinstance(inner, dict) else outer
    code, kind = fields.get("code", outer.get("code")), str(fields.get("type") or "")
    message = str(
        fields.get("message")
        or fields.get("error_message")
        or (inner if isinstance(inner, str) else "")
        or fields.get("detail")
        or body[:200]
        or "no explanation"
    )
    status = _status(status, fields, code)
    body = body or json.dumps(value, ensure_ascii=False)
    redacted = Redactor()
    words = {kind, str(code), str(outer.get("error_code", ""))}
    error = _class_of(status, words, f"{message} {kind} {code}")(
        f"{status} {redacted(message)}", status=status, body=redacted(body), request_id=request_id
    )
    if isinstance(error, PromptTooLong) and (found := _CONTEXT.search(f"{body} {message}")):
        error.context_tokens = int(next(filter(None, found.groups())))
    return error


def _status(status: int, fields: Mapping[str, Any], code: Any) -> int:
    grpc = fields.get("grpcCode", code)
    if isinstance(grpc, int) and grpc in _STATUS_OF_GRPC:
        return _STATUS_OF_GRPC[grpc]
    for number in (fields.get("httpCode"), code):
        if isinstance(number, int) and 400 <= number <= 599:
            return number
    return status if status != 200 else 500


def _class_of(status: int, words: set[str], message: str) -> type[ModelError]:
    if words & _REFUSALS:
        return ModelRefused
    if status in (400, 403, 404) and _GONE.search(message) and not _FOLDER.search(message):
        return ModelGone
    if status in (401, 402, 403) or words & _DENIALS:
        return ModelDenied
    if status == 413 or (status != 429 and _TOO_LONG.search(message)):
        return PromptTooLong
    if status == 429:
        return ModelBusy
    if status == 400 and _FOLDER.search(message):
        return ModelDenied
    return ModelError if 400 <= status < 500 and status != 408 else ModelAway


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `Retry-After` asks for; the header holds a number or a date."""
    value = headers.get("Retry-After", "").strip()
    try:
        if value.replace(".", "", 1).isdigit():
            return float(value)
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time()) if value else None
    except (ValueError, OverflowError):
        return None
