"""Habits of models and servers: the table of refused parameters, and what a request does about each.

A server that doesn't know a parameter refuses the whole request. `REFUSALS` says how each refusal is recognised; the
model has its habit from then on, and the next request is made without the parameter (`ai/openai_text.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.errors import ModelError, PromptTooLong
from core.schemas import Json

NO_STREAM: Final = "no_stream"  # answers come whole
NO_STREAM_OPTIONS: Final = "no_stream_options"  # no figures are asked for
NO_SYSTEM_ROLE: Final = "no_system_role"  # the system text goes before the user's first words
NO_SCHEMA: Final = "no_schema"  # the structure of an answer is asked for in words alone
NEW_LIMIT_NAME: Final = "new_limit_name"  # `max_completion_tokens` in place of `max_tokens`
NO_LIMIT: Final = "no_limit"  # neither of the two
NO_TEMPERATURE: Final = "no_temperature"
NO_PENALTY: Final = "no_penalty"
NO_THINKING_SWITCH: Final = "no_thinking_switch"
NO_EFFORT: Final = "no_effort"  # it can't be told to think less
THINKS: Final = "thinks"  # thoughts come unless they are switched off
OPENS_WITH_THOUGHTS: Final = "opens_with_thoughts"  # and no mark opens them
NO_PICTURES: Final = "no_pictures"  # it has refused a question for its picture
LOOPS: Final = "loops"  # it has repeated itself: the penalty is sent

_STATUSES: Final = frozenset({400, 404, 415, 422, 500, 501})
_NO: Final = (
    r"(?:not (?:be )?(?:supported|allowed|permitted|available|enabled|implemented)|unsupported"
    r"|does(?:n['’]t| not) support|must be verified|\binvalid\b|unknown|unrecognized|unexpected|disabled|extra inputs?)"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """How the refusal of a parameter is recognised, and the habit that answers it."""

    parameter: str  # in the request's body; it isn't refused where it isn't sent
    words: re.Pattern[str]  # in the refusal
    habit: str


def _refusal(parameter: str, words: str, habit: str) -> Refusal:
    return Refusal(parameter, re.compile(words, re.IGNORECASE | re.DOTALL), habit)


# The narrower words come first: `stream_options` contains `stream`.
REFUSALS: Final = (
    _refusal("stream_options", r"stream_options|include_usage", NO_STREAM_OPTIONS),
    _refusal("chat_template_kwargs", r"chat_template_kwargs|enable_thinking", NO_THINKING_SWITCH),
    _refusal("reasoning_effort", r"reasoning.?(?:effort|options?|mode)", NO_EFFORT),
    _refusal("frequency_penalty", r"frequency.?penalty|presence.?penalty|\bpenalt(?:y|ies)\b", NO_PENALTY),
    _refusal(
        "response_format",
        r"response_?format|json.?schema|\bschema\b|\bgrammar\b|guided|structured.?output"
        r"|no endpoints found that (?:can handle|support)",
        NO_SCHEMA,
    ),
    _refusal(
        "system",
        rf"system.?(?:role|message|prompt|instruction)s?\b.{{0,60}}{_NO}|{_NO}.{{0,60}}\bsystem\b"
        r"|developer instruction|roles? must alternate|only user and assistant roles",
        NO_SYSTEM_ROLE,
    ),
    _refusal("max_completion_tokens", r"(?<!use ['\"`])max_completion_tokens", NO_LIMIT),
    _refusal(
        "max_tokens", rf"max_tokens.{{0,120}}(?:{_NO}|max_completion_tokens)|{_NO}.{{0,60}}max_tokens", NEW_LIMIT_NAME
    ),
    _refusal("temperature", r"temperature", NO_TEMPERATURE),
    _refusal(
        "stream",
        rf"[\"']?param[\"']?\s*:\s*[\"']stream[\"']|\bstream(?:ing|ed)?\b.{{0,80}}{_NO}"
        rf"|{_NO}.{{0,40}}\bstream(?:ing)?\b",
        NO_STREAM,
    ),
)


def refused_habit(error: ModelError, body: Mapping[str, Json]) -> str:
    """Return the habit that answers a refusal of this body; empty if it names no parameter that can be left out."""
    if error.status not in _STATUSES or isinstance(error, PromptTooLong):
        return ""
    words = f"{error} {error.body}"
    for refusal in REFUSALS:
        if _sends(body, refusal.parameter) and refusal.words.search(words):
            return refusal.habit
    return ""


def _sends(body: Mapping[str, Json], parameter: str) -> bool:
    if parameter == "system":
        messages = body.get("messages")
        first = messages[0] if isinstance(messages, list) and messages else None
        return isinstance(first, dict) and first.get("role") == "system"
    return bool(body.get(parameter))
