"""Build the local models' answers: the storyteller's text, changed by a `Behaviour`, as each API's lines. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sandbox import openai_api, openai_quirks, yandex_api
from sandbox.model_faults import Behaviour
from sandbox.storyteller.answers import Storyteller
from sandbox.yandex_api import Asked

STOCK_REFUSAL: Final = "Я не могу обсуждать эту тему. Давайте поговорим о чём-нибудь ещё."
PREFACE: Final = "Конечно, вот продолжение истории:\n\n"
REASONS: Final = {"FINAL": "stop", "TRUNCATED_FINAL": "length", "CONTENT_FILTER": "content_filter"}


def compose(asked: Asked, behaviour: Behaviour, storyteller: Storyteller) -> tuple[str, str]:
    """Return the answer's text and Yandex's status for it."""
    if behaviour.end in ("filter", "silent_filter"):
        return STOCK_REFUSAL, "CONTENT_FILTER" if behaviour.end == "filter" else "FINAL"
    text = storyteller.answer(asked.messages) if behaviour.text is None else behaviour.text
    if behaviour.preface:
        text = PREFACE + text
    if behaviour.markdown:
        text = "## Часть\n\n**" + text.replace("\n\n", "**\n\n* ", 1)
    words = re.findall(r"\s*\S+", text)
    kept, spent = len(words), 0
    for place, word in enumerate(words):
        spent += len(yandex_api.tokens(word))
        if spent > asked.max_tokens:
            kept = place
            break
    if kept < len(words):
        return "".join(words[: max(kept, 1)]), "TRUNCATED_FINAL"
    return text, "TRUNCATED_FINAL" if behaviour.end == "truncated" else "FINAL"


def states(text: str, behaviour: Behaviour) -> Sequence[str]:
    """Return the states of a growing text, cut between words: at most `chunks`, the last one whole."""
    ends = [found.end() for found in re.finditer(r"\S+\s*", text)] or [len(text)]
    number = max(1, min(behaviour.chunks, len(ends)))
    return [text[: ends[len(ends) * (step + 1) // number - 1]] for step in range(number - 1)] + [text]


def yandex_state(asked: Asked, behaviour: Behaviour, text: str, status: str) -> dict[str, Any]:
    """Return an answer of YandexGPT: the text so far, its status and its tokens."""
    value = yandex_api.result(text, status, yandex_api.prompt_tokens(asked.messages), usage=behaviour.usage)
    if behaviour.empty_alternatives:
        value["result"]["alternatives"] = []
    return value


def yandex_lines(asked: Asked, behaviour: Behaviour, text: str, end: str) -> Iterator[bytes]:
    """Yield YandexGPT's stream: lines of JSON, each with the whole text so far, the last with the status `end`."""
    *growing, last = states(text, behaviour)
    for state in growing:
        shown = f"{state.rstrip()[:-1]}…" if behaviour.rewrites else state
        yield json.dumps(yandex_state(asked, behaviour, shown, "PARTIAL"), ensure_ascii=False).encode() + b"\n"
    yield json.dumps(yandex_state(asked, behaviour, last, end), ensure_ascii=False).encode() + b"\n"


def openai_lines(
    asked: Asked, behaviour: Behaviour, text: str, end: str, model: str, thought: str = ""
) -> Iterator[bytes]:
    """Yield the text as a stream of an OpenAI-like API; a filtered one stops with the reason."""
    text = openai_quirks.marked(text, thought, behaviour)
    growing = ["Жила-была", text] if end == "CONTENT_FILTER" else states(text, behaviour)
    values = openai_api.events(asked, model, growing, REASONS[end], with_usage=behaviour.usage)
    return openai_quirks.lines(openai_quirks.events(values, thought, behaviour), behaviour)


def openai_whole(
    asked: Asked, behaviour: Behaviour, text: str, end: str, model: str, thought: str = ""
) -> dict[str, Any]:
    """Return the text as a whole answer of an OpenAI-like API."""
    text = openai_quirks.marked(text, thought, behaviour)
    value = openai_api.whole(asked, model, text, REASONS[end], with_usage=behaviour.usage)
    return openai_quirks.whole(value, thought, behaviour)
