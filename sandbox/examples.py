"""Ready answers to the questions that an empty chat offers, out of `examples.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

IN_GROUPS: Final = {"ru": "Почему небо синее?", "en": "Why is the sky blue?"}  # as the bot's greeting of a group says
LOCALES: Final = Path(__file__).resolve().parent.parent / "locales"


def answer_to(words: str) -> str:
    """Return the answer to a question that the bot offered; empty for any other words."""
    return _answers().get(_letters(words), "")


@cache
def _answers() -> Mapping[str, str]:
    answers: dict[str, str] = {}
    ready = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    for language, texts in ready.items():
        questions = tomllib.loads((LOCALES / language / "chat.toml").read_text("utf-8"))["example"]
        questions["in_group"] = IN_GROUPS[language]
        texts["in_group"] = texts["assistant_1"]
        answers |= {_letters(questions[key]): text for key, text in texts.items() if key in questions}
    return answers


def _letters(words: str) -> str:
    return " ".join(re.findall(r"\w+", words.lower()))
