"""A story that was written elsewhere: where its text comes from, its parts, and what its memory costs. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Final

from ai.catalog import Model
from config import Config
from core.graphemes import first_letters, last_letters
from core.text import split
from turns import limits
from turns.memory import MEMORY_TOKENS

PART_UNITS: Final = 1_500  # of one text of the story: the last two always stay whole in its prompts
KEPT_SHARE: Final = 0.3  # of the prompt budget, that the last parts may take before there is a memory
MOST_CHARS: Final = 200_000  # of the texts of the user's own that one story has
OPENING_CHARS: Final = 400  # of the beginning, in the line that stands for a memory until there is one
TITLE_CHARS: Final = 60
_BEGINNING_CHARS, _END_CHARS = 1_200, 600  # that the story's card is made of
_MEMORY_PROMPT_TOKENS: Final = 500  # of one summary, beside the text and the old memory


@dataclass(frozen=True, slots=True)
class Source:
    """Where the text is: in a file, or in the message itself. `session_id`: the story to add it to; 0: none."""

    file_id: str = ""
    name: str = ""
    text: str = ""
    session_id: int = 0

    def as_hint(self) -> str:
        """Return the source as a turn's hint."""
        return json.dumps(asdict(self), ensure_ascii=False)


def source_in(hint: str) -> Source:
    """Return the source that a turn's hint has."""
    return Source(**json.loads(hint))


def parts_of(text: str) -> list[str]:
    """Return the text in parts, cut at paragraphs where that is possible."""
    return split(text, PART_UNITS)


def excerpt(text: str) -> str:
    """Return the beginning and the end of a text."""
    if len(text) <= _BEGINNING_CHARS + _END_CHARS:
        return text
    return f"{first_letters(text, _BEGINNING_CHARS)}\n[…]\n{last_letters(text, _END_CHARS)}"


def title_of(told: str, file_name: str) -> str:
    """Return what the story is called: what its file says, or the file's own name; empty for a text without a file."""
    name = PurePath(file_name).name
    while PurePath(name).suffix:
        name = PurePath(name).stem
    title = " ".join((told or name.replace("_", " ")).split())
    return first_letters(title, TITLE_CHARS).strip() if title else ""


def memory_price(config: Config, model: Model, tokens: int) -> int:
    """Return about what the memory of a text of so many tokens costs, made from its beginning."""
    budget = limits.prompt_budget(config, model.context_tokens)
    calls = -(-tokens // max(1, budget - 2 * MEMORY_TOKENS))
    return model.weight.of(tokens + calls * (MEMORY_TOKENS + _MEMORY_PROMPT_TOKENS), calls * MEMORY_TOKENS)
