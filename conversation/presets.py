"""Ready genres, heroes, settings and wishes that the wizard offers.

Chooses them by genre, mixes them for a user's own genre, and finds one by a pressed button. The presets are in
`locales/<language>/presets.toml`; `conversation/localization.py` reads them.
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
    """A ready genre; `stems` recognise it in a user's own one («тёмное фэнтези»)."""

    key: str
    label: str
    stems: tuple[str, ...] = ()
    rules: str = ""  # that every text of such a story keeps to
    tip: str = ""  # what its reader is told on the card


@dataclass(frozen=True, slots=True)
class Preset:
    """A ready hero or setting: the button's name, and a description for the story."""

    name: str
    about: str

    @property
    def full(self) -> str:
        """Name and description in one line, `name: about`: what a story is started with."""
        return f"{self.name}: {self.about}"


_AROUND = frozenset({"So", "Sk", "Mn", "Cf", "Zs", "Cc"})  # Unicode categories that are stripped around a label


def words_of(text: str) -> str:
    """Normalise a label or a pressed text for comparison: lower case, ё as е, no emoji or spaces around.

    Only symbols are removed: «— Стоп!» is a line of a story and stays different from «⏹ Стоп».
    """
    text = unicodedata.normalize("NFC", text.replace("\ufe0f", "")).casefold().replace("ё", "е")
    start, end = 0, len(text)
    while start < end and unicodedata.category(text[start]) in _AROUND:
        start += 1
    while end > start and unicodedata.category(text[end - 1]) in _AROUND:
        end -= 1
    return " ".join(text[start:end].split())


class Presets:
    """The presets of one language; each of `rows` is a genre: key, label, stems, heroes, settings, extras."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], common_extras: Sequence[str] = ()) -> None:
        self.genres = tuple(
            Genre(row["key"], row["label"], tuple(row.get("stems", ())), row.get("rules", ""), row.get("tip", ""))
            for row in rows
        )
        self.by_genre = {row["key"]: (_read(row["heroes"]), _read(row["settings"])) for row in rows}
        self._extras = {row["key"]: tuple(row.get("extras", ())) for row in rows}
        self._common_extras = tuple(common_extras)

    def genre_of(self, text: str) -> Genre | None:
        """Return the ready genre with this label."""
        words = words_of(text)
        return next((genre for genre in self.genres if words_of(genre.label) == words), None)

    def rules_of(self, genre: str) -> str:
        """Return what every text of a story of this genre keeps to; empty for most genres."""
        known = self._with_rules(genre)
        return known.rules if known else ""

    def tip_of(self, genre: str) -> str:
        """Return what the card tells the reader of a story of this genre; empty for most genres."""
        known = self._with_rules(genre)
        return known.tip if known else ""

    def heroes(self, genre: str) -> tuple[Preset, ...]:
        """Return the heroes of a genre. A user's own genre gets a mix, always the same for the same words."""
        return self._mixed({key: heroes for key, (heroes, _) in self.by_genre.items()}, genre)

    def settings(self, genre: str) -> tuple[Preset, ...]:
        """Return the settings of a genre, mixed in the same way."""
        return self._mixed({key: settings for key, (_, settings) in self.by_genre.items()}, genre)

    def hero_of(self, text: str) -> Preset | None:
        """Return the ready hero with this name, of any genre."""
        return _named((hero for heroes, _ in self.by_genre.values() for hero in heroes), text)

    def setting_of(self, text: str) -> Preset | None:
        """Return the ready setting with this name, of any genre."""
        return _named((setting for _, settings in self.by_genre.values() for setting in settings), text)

    def extras(self, genre: str) -> tuple[str, ...]:
        """Return wishes that fit a genre, for a random draft."""
        return self._mixed(self._extras, genre) + self._common_extras

    def _with_rules(self, genre: str) -> Genre | None:
        return self.genre_of(genre) or next((one for one in self.genres if one.rules and _has_stem(one, genre)), None)

    def _mixed(self, by_genre: Mapping[str, tuple[T, ...]], genre: str) -> tuple[T, ...]:
        if known := self.genre_of(genre):
            return by_genre[known.key]
        words = words_of(genre)
        keys = [one.key for one in self.genres if any(stem in words for stem in one.stems)]
        if not keys:
            keys = [one.key for one in self.genres]
            shift = zlib.crc32(words.encode()) % len(keys)  # hash() differs between runs
            keys = keys[shift:] + keys[:shift]
        return tuple(one for row in zip_longest(*(by_genre[key] for key in keys)) for one in row if one is not None)


def _has_stem(genre: Genre, text: str) -> bool:
    words = words_of(text)
    return any(stem in words for stem in genre.stems)


def _named(presets: Iterable[Preset], text: str) -> Preset | None:
    words = words_of(text)
    return next((preset for preset in presets if words_of(preset.name) == words), None)


def _read(lines: Sequence[str]) -> tuple[Preset, ...]:
    """Split lines such as «Картограф Веста: карта по ночам дорисовывает дороги» into name and description."""
    parts = (line.partition(": ") for line in lines)
    return tuple(Preset(name.strip(), about.strip()) for name, _, about in parts)
