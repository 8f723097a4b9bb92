"""Ready genres, heroes, settings and wishes: what the wizard offers to who would rather choose than invent.

Covers choosing them by genre, a mix for a genre of the user's own, and finding one by a pressed button.
The presets themselves stand in `locales/<language>/presets.toml`; `conversation/localization.py` reads them.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Genre:
    """One of the ready genres; `stems` find it in a genre of the user's own («тёмное фэнтези»)."""

    key: str
    label: str
    stems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preset:
    """A ready hero or setting: a name for the button, and what makes a story of it."""

    name: str
    about: str

    @property
    def full(self) -> str:
        """Name and description as one line, `name: about`: what a story is asked for with."""
        return f"{self.name}: {self.about}"


_AROUND = frozenset({"So", "Sk", "Mn", "Cf", "Zs", "Cc"})  # categories of characters that a label may stand between


def words_of(text: str) -> str:
    """A label or a pressed text as the two are compared: lower case, ё as е, no emoji or spaces around.

    Only symbols go: «— Стоп!» is somebody's line in a story and stays different from «⏹ Стоп».
    """
    kept = unicodedata.normalize("NFC", text.replace("\ufe0f", "")).casefold().replace("ё", "е")
    start, end = 0, len(kept)
    while start < end and unicodedata.category(kept[start]) in _AROUND:
        start += 1
    while end > start and unicodedata.category(kept[end - 1]) in _AROUND:
        end -= 1
    return " ".join(kept[start:end].split())


class Presets:
    """The presets of one language. `rows` is a genre each: key, label, stems, heroes, settings, extras."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], common_extras: Sequence[str] = ()) -> None:
        self.genres = tuple(Genre(row["key"], row["label"], tuple(row.get("stems", ()))) for row in rows)
        self.by_genre = {row["key"]: (_read(row["heroes"]), _read(row["settings"])) for row in rows}
        self._extras = {row["key"]: tuple(row.get("extras", ())) for row in rows}
        self._common_extras = tuple(common_extras)

    def genre_of(self, text: str) -> Genre | None:
        """The ready genre of this label."""
        return next((genre for genre in self.genres if words_of(genre.label) == words_of(text)), None)

    def heroes(self, genre: str) -> tuple[Preset, ...]:
        """The heroes for a genre; for one of the user's own a mix, always the same for the same words."""
        return self._mixed({key: heroes for key, (heroes, _) in self.by_genre.items()}, genre)

    def settings(self, genre: str) -> tuple[Preset, ...]:
        """The settings for a genre, likewise."""
        return self._mixed({key: settings for key, (_, settings) in self.by_genre.items()}, genre)

    def hero_of(self, text: str) -> Preset | None:
        """The ready hero of this name, from any genre."""
        return _named((hero for heroes, _ in self.by_genre.values() for hero in heroes), text)

    def setting_of(self, text: str) -> Preset | None:
        """The ready setting of this name, from any genre."""
        return _named((setting for _, settings in self.by_genre.values() for setting in settings), text)

    def extras(self, genre: str) -> tuple[str, ...]:
        """Wishes that fit a genre, for a lucky draw."""
        return self._mixed(self._extras, genre) + self._common_extras

    def _mixed(self, by_genre: Mapping[str, tuple[T, ...]], genre: str) -> tuple[T, ...]:
        if known := self.genre_of(genre):
            return by_genre[known.key]
        words = words_of(genre)
        keys = [one.key for one in self.genres if any(stem in words for stem in one.stems)]
        if not keys:
            keys = [one.key for one in self.genres]
            turn = zlib.crc32(words.encode()) % len(keys)  # not hash(), which changes with each start
            keys = keys[turn:] + keys[:turn]
        return tuple(one for row in zip_longest(*(by_genre[key] for key in keys)) for one in row if one is not None)


def _named(presets: Iterable[Preset], text: str) -> Preset | None:
    return next((preset for preset in presets if words_of(preset.name) == words_of(text)), None)


def _read(lines: Sequence[str]) -> tuple[Preset, ...]:
    """«Картограф Веста: карта по ночам дорисовывает дороги» as name and about."""
    parts = (line.partition(": ") for line in lines)
    return tuple(Preset(name.strip(), about.strip()) for name, _, about in parts)
