"""The outline of a story: genre, hero, setting and a wish that a model has made of a reader's phrase.

Models answer with a JSON object in whatever wrapping, or with lines such as «Герой: …»; both are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from conversation.phrases import any_of
from conversation.presets import Presets
from conversation.steps import WORD_LIMITS, Step
from conversation.story_draft import Draft

FIELDS: Final = ("genre", "hero", "setting", "wish")
_LIMITS: Final = {
    "genre": WORD_LIMITS[Step.GENRE],
    "hero": WORD_LIMITS[Step.HERO],
    "setting": WORD_LIMITS[Step.SETTING],
    "wish": WORD_LIMITS[Step.HERO],
}
_LINE: Final = re.compile(r"[\s\"*_#\-]*([^\W_]+(?: [^\W_]+){0,2})[\"*_]*\s*[:=][\"*_]*(.*)")
_NAMES: Final = {
    "жанр": "genre",
    "герой": "hero",
    "героиня": "hero",
    "главный герой": "hero",
    "главная героиня": "hero",
    "main character": "hero",
    "место": "setting",
    "место действия": "setting",
    "place": "setting",
    "пожелание": "wish",
    "пожелания": "wish",
    "wishes": "wish",
    **dict.fromkeys(("время", "время действия", "time", "сюжет", "plot", "тон", "tone"), "other"),
}
_HAVE_COLONS: Final = ("hero", "setting")  # «Веста: рыжая» may be the value of one
_AROUND: Final = ' \t*_#`"«»“”'


@dataclass(frozen=True, slots=True)
class Outline:
    """The fields of a new story; empty: the model said nothing of it."""

    genre: str = ""
    hero: str = ""
    setting: str = ""
    wish: str = ""

    def as_json(self) -> str:
        """Return the outline as `outline_in` reads it; empty without genre, hero and setting."""
        if not (self.genre or self.hero or self.setting):
            return ""
        return json.dumps({name: getattr(self, name) for name in FIELDS}, ensure_ascii=False)


def outline_in(answer: str) -> Outline:
    """Return the outline that an answer says."""
    start, end = answer.find("{"), answer.rfind("}")
    found: object = None
    if 0 <= start < end:
        try:
            found = json.loads(answer[start : end + 1])
        except (ValueError, RecursionError):
            found = None
    if isinstance(found, list) and found:
        found = found[0]
    pairs: Iterable[tuple[object, object]] = found.items() if isinstance(found, dict) else _labelled(answer)
    said: dict[str, str] = {}
    for name, value in pairs:
        key = _key(str(name))
        if key in FIELDS and isinstance(value, str):
            said.setdefault(key, _shortened(value, _LIMITS[key]))
    return Outline(**said)


def _labelled(answer: str) -> Iterator[tuple[str, str]]:
    """Yield field and value of each line such as «Герой: Веста». The value may stand on the line below its label."""
    waits = ""  # the field whose value may come
    for line in filter(str.strip, answer.split("\n")):
        found = _LINE.fullmatch(line)
        key = _key(found[1]) if found else ""
        if waits and (found is None or (waits in _HAVE_COLONS and key not in (*FIELDS, "other"))):
            yield waits, line
            waits = ""
        elif found is not None and found[2].strip(_AROUND):
            yield key, found[2].rstrip().removesuffix(",")
            waits = ""
        else:
            waits = key if key in FIELDS else ""


def _key(label: str) -> str:
    """Return the field that a label means; the label itself if it means none."""
    label = label.strip().casefold()
    return _NAMES.get(label, label)


def filled(draft: Draft, outline: Outline, presets: Presets) -> Draft:
    """Return the draft with its empty fields filled; what the reader has chosen stays. The wish is added if it fits."""
    known = presets.genre_of(outline.genre)
    draft = replace(
        draft,
        genre=draft.genre or (known.label if known else outline.genre),
        hero=draft.hero or outline.hero,
        setting=draft.setting or outline.setting,
    )
    wished = draft.with_extra(outline.wish) if outline.wish and outline.wish not in draft.extra else draft
    return wished if len(wished.extra) <= WORD_LIMITS[Step.EXTRA] else draft


def _shortened(value: str, limit: int) -> str:
    """Return one line without marks around it, cut at a word; nothing for «не указано»."""
    line = _unsaid().sub("", " ".join(value.split()).strip(_AROUND)[: 2 * limit])
    if len(line) <= limit:
        return line
    return line[:limit].rpartition(" ")[0].rstrip(" ,;:—–-") or line[:limit]


@cache
def _unsaid() -> re.Pattern[str]:
    return re.compile(rf"(?:^|\s*[:—–]\s*)(?:{any_of('unsaid')}[\s.…!]*|[^\w«“]+)$", re.IGNORECASE)
