"""How the bot's characters talk in the stand-ins: each in its own voice, to what was asked, out of ready phrases."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from sandbox.storyteller.grammar import fill
from sandbox.storyteller.reader import mentioned

DEFAULT: Final = "default"
# Topics that stand without an opener: a gesture in front of them would be in the way.
_PLAIN: Final = frozenset(("hello", "bye", "human"))


def speak(language: str, name: str, words: str, number: int, before: Sequence[str] = (), who: str = "") -> str:
    """Return what the character of that name says to these words; another `number` makes another answer.

    `before`: its last answers, whose lines it doesn't say again. `who`: the person's name with a comma, or nothing.
    """
    table = _voice(language, name)
    known = "\n".join(before)
    fresh = [line for line in _lines(language, table, words) if line[-24:] not in known]
    any_lines = [line for line in table["any"] if line[-24:] not in known] or table["any"]
    topic = topic_of(language, words)
    lines = fresh or any_lines
    if topic and topic in _PLAIN and fresh:
        return _filled(lines[number % len(lines)], name, who)
    openers = ["", *(opener for opener in table["openers"] if opener not in known)]
    answers = [f"{opener} {line}".strip() for line in lines for opener in openers]
    return _filled(answers[number * 7 % len(answers)], name, who)


def ways(language: str, name: str) -> int:
    """Return how many different answers the character has."""
    table = _voice(language, name)
    lines = [line for key, value in table.items() if key not in ("when", "openers") for line in _listed(value)]
    return len(lines) + (len(table["any"]) + len(table["about"])) * len(table["openers"])


def topic_of(language: str, words: str) -> str:
    """Return what the words are about: a greeting, love, money and so on; empty where it is nothing of these."""
    topics: Mapping[str, str] = _tables(language)["topics"]
    return next((name for name, when in topics.items() if re.search(when, words, re.IGNORECASE)), "")


def _lines(language: str, table: Mapping[str, Any], words: str) -> list[str]:
    topic = topic_of(language, words)
    if topic:
        return _listed(table[topic])
    noun = mentioned(language, words).noun
    if noun is None:
        return list(table["any"])
    return [fill(line, {"X": noun}) for line in table["about"]]


def _voice(language: str, name: str) -> Mapping[str, Any]:
    tables = _tables(language)
    own = (table for key, table in tables.items() if key not in ("topics", DEFAULT))
    low = name.lower()
    return next((table for table in own if re.search(table["when"], low)), tables[DEFAULT])


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _filled(text: str, name: str, who: str) -> str:
    return text.replace("{name}", name[:1].upper() + name[1:]).replace("{who}", who)


@cache
def _tables(language: str) -> Mapping[str, Any]:
    return tomllib.loads((Path(__file__).parent / f"{language}.toml").read_text("utf-8"))
