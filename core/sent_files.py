"""Files of users' messages, by what Telegram calls them. Telegram keeps their content, which is fetched when needed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

MOST_BYTES: Final = 20_000_000  # what Telegram lets a bot fetch


@dataclass(frozen=True, slots=True)
class SentFile:
    """A picture, or a document with text. A size is 0 where Telegram doesn't tell it; `size` is in bytes."""

    kind: Literal["picture", "text"]
    file_id: str
    name: str = ""
    size: int = 0
    width: int = 0
    height: int = 0


def dump(files: Sequence[SentFile]) -> str:
    """Return the files as text to be stored; empty for none."""
    return json.dumps([asdict(file) for file in files], ensure_ascii=False) if files else ""


def load(text: str) -> tuple[SentFile, ...]:
    """Return the files that `dump` has made a text of."""
    return tuple(SentFile(**file) for file in json.loads(text)) if text else ()
