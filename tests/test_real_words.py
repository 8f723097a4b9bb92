"""The tests with real software, which run seldom, wait for texts that the bot still has."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.harness import ROOT

REAL = ROOT / "tests" / "real"
# What a stand-in for a model answers, and a text with a name in it.
ELSEWHERE = {"Маяк погас. Смотритель спал.", "🎭 Отвечает Сократ"}


def awaited() -> Iterator[str]:
    """Yield the texts that the tests wait for, and the buttons that they press."""
    for file in sorted(REAL.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(ast.Attribute(attr="wait" | "press" | "tap"), [ast.Constant(str(text)), *_]):
                    yield text


def test_what_is_waited_for_is_said_by_the_bot() -> None:
    said = "".join(file.read_text("utf-8") for file in sorted((ROOT / "locales" / "ru").glob("*.toml")))
    texts = set(awaited())
    assert len(texts) > 8
    assert [text for text in texts - ELSEWHERE if text not in said] == []
