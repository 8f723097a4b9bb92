"""How the hero of a user's story talks in the stand-ins: of what the story has told, in its own sentences."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from sandbox.characters import topic_of
from sandbox.storyteller.grammar import capital, sentences

LEAST_WORDS: Final = 3  # of a sentence that is worth quoting
STEM: Final = 5  # letters by which words are compared
_COMMON: Final = frozenset(
    [
        "what",
        "with",
        "that",
        "this",
        "have",
        "your",
        "were",
        "when",
        "where",
        "there",
        "them",
        "they",
        "from",
        "about",
        "would",
        "could",
        "было",
        "были",
        "когда",
        "какой",
        "какая",
        "какие",
        "этот",
        "того",
        "тебя",
        "вами",
        "себя",
        "меня",
        "только",
        "если",
        "чтобы",
    ]
)
_HEAD: Final = re.compile(r"^[А-ЯЁA-Z][\w ]{2,20}: ")  # of a line of the memory
_INNER: Final = str.maketrans("«»“”", "„“‘’")


def speak(asked: str, name: str, words: str, number: int, before: Sequence[str] = (), who: str = "") -> str:
    """Return what the hero says, from a prompt that tells their story; empty if it is no hero's prompt.

    `number`, `before` and `who` are as in `characters.speak`.
    """
    for language, lines in _lines().items():
        given = re.search(lines["given"], asked)
        if given is not None:
            return _spoken(language, lines, given, name, words, number, before, who)
    return ""


def _spoken(
    language: str,
    lines: Mapping[str, Any],
    given: re.Match[str],
    name: str,
    words: str,
    number: int,
    before: Sequence[str],
    who: str,
) -> str:
    lines_told = (_HEAD.sub("", line) for line in sentences(f"{given['memory'] or ''} {given['tail'] or ''}"))
    told = [capital(line) for line in lines_told if len(line.split()) >= LEAST_WORDS]
    known = "\n".join(before).translate(_INNER)
    fresh = [line for line in told if line.translate(_INNER) not in known] or told or [given["hero"]]
    found = max(fresh, key=lambda line: _shared(line, words))
    topic = topic_of(language, words)
    if re.search(lines["later"], words, re.IGNORECASE):
        group, fact = "ahead", fresh[-1]
    elif topic in ("who", "hello"):
        group, fact = topic, fresh[-1]
    elif _shared(found, words):
        group, fact = "found", found
    else:
        group, fact = "unknown", fresh[number % len(fresh)]
    text = str(lines[group][number % len(lines[group])])
    values = {"fact": fact.translate(_INNER), "name": name, "place": given["place"] or given["hero"], "who": who}
    return re.sub(r"\{(\w+)\}", lambda place: values[place[1]], text)


def _shared(line: str, words: str) -> int:
    """Return how many words of the question the sentence has."""
    return len(_stems(line) & _stems(words))


def _stems(text: str) -> set[str]:
    return {word[:STEM] for word in re.findall(r"\w{4,}", text.lower()) if word not in _COMMON}


@cache
def _lines() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
