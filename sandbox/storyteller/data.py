"""The storyteller's sentences: TOML files of one language, read once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

# A speech that follows plain narration.
_SPEECH: Final = re.compile(r"(?m)((?:^|(?<=[.!?…] ))(?!—)(?:(?! — )[^\n.!?…])+[.…»]) — (?=[А-ЯЁ\[{])")
FILES: Final = (
    *("plan", "openings", "scenes", "reactions", "texture", "wishes", "close", "presets", "words"),
    *("genre_openings", "genre_scenes"),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """An event of a story, one to a part."""

    id: str
    stage: str
    text: str
    hook: str
    memo: str
    options: tuple[str, ...]
    after: str = ""  # what came of it, told in the next part
    genre: str = ""
    first_part: int = 0  # the earliest part it stands in
    away: bool = False  # the companion is gone at its end
    lost: bool = False  # the thing is


@dataclass(frozen=True, slots=True)
class Stock:
    """All sentences of a language."""

    openings: tuple[Scene, ...]
    scenes: tuple[Scene, ...]
    tables: Mapping[str, Any] = field(hash=False)

    @property
    def events(self) -> frozenset[str]:
        """Return the ids of all events between the first part and the ending."""
        return frozenset(scene.id for scene in self.scenes)

    def texts(self, *names: str) -> Sequence[str]:
        """Return the sentences under these names, one table inside the other; empty where there are none."""
        table: Any = self.tables
        for name in names:
            table = table.get(name, {}) if isinstance(table, Mapping) else {}
        return table if isinstance(table, list) else ()

    def words(self, name: str) -> frozenset[str]:
        """Return the words of a list of `words.toml`."""
        return _words(self.tables["words"][name])

    def genre(self, text: str) -> str:
        """Return the key of a genre in any words; `any` where none fits."""
        genres: Mapping[str, Any] = self.tables["genre_plan"]
        low = text.lower()
        return next((key for key, row in genres.items() if key != "any" and re.search(row["stems"], low)), "any")


@cache
def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@cache
def stock(language: str) -> Stock:
    """Return the sentences of `ru` or `en`."""
    tables: dict[str, Any] = {}
    for name in FILES:
        path = Path(__file__).parent / language / f"{name}.toml"
        if not path.exists():
            continue
        tables = _joined(tables, _lines(tomllib.loads(path.read_text("utf-8"))))
    return Stock(
        openings=tuple(_scene(row, "opening") for row in tables["opening"]),
        scenes=tuple(_scene(row) for row in tables["scene"]),
        tables=tables,
    )


def _joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return both tables as one: of what both have, lists follow each other and tables are joined in turn."""
    joined = {**one, **other}
    for name in one.keys() & other.keys():
        a, b = one[name], other[name]
        joined[name] = [*a, *b] if isinstance(a, list) else _joined(a, b)
    return joined


def _lines(value: Any) -> Any:
    """Return the same sentences with every Russian speech on a line of its own."""
    if isinstance(value, str):
        return _SPEECH.sub(r"\1\n— ", value).replace(": — ", ":\n— ")
    if isinstance(value, list):
        return [_lines(item) for item in value]
    return {name: _lines(item) for name, item in value.items()} if isinstance(value, dict) else value


def _scene(row: Mapping[str, Any], stage: str = "") -> Scene:
    return Scene(
        id=row["id"],
        stage=stage or row["stage"],
        text=row["text"].strip(),
        hook=row["hook"],
        memo=row["memo"],
        options=tuple(row["options"]),
        after=row.get("after", ""),
        genre=row.get("genre", ""),
        first_part=row.get("from", 0),
        away=row.get("away", False),
        lost=row.get("lost", False),
    )
