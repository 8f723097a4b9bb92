"""What a story is about: chosen once by its hero and genre, and so the same in every request of the story."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

from sandbox.storyteller import english, russian
from sandbox.storyteller.data import stock
from sandbox.storyteller.grammar import Plain, Word, small
from sandbox.storyteller.request import Brief

_AROUND: Final = ("way", "gate", "nook", "support", "lamp", "ground", "bench", "above")
_FIRST_PERSON: Final = re.compile(r"от первого лица|от «я»|in the first person|first-person", re.IGNORECASE)
NAME_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """The words that a story's sentences are filled with, and its key."""

    language: str
    genre: str
    key: str
    name: str
    full: str
    about: str
    place: str
    there: str
    slots: Mapping[str, Word]

    def rank(self, salt: str) -> int:
        """Return a number that depends on the story and on `salt` alone."""
        return number(self.key, salt)


@lru_cache(maxsize=20_000)
def number(*parts: str) -> int:
    """Return the same number for the same words."""
    return int.from_bytes(blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=6).digest(), "big")


def plan_of(brief: Brief) -> Plan:
    """Return the plan of the story that a request speaks of."""
    first_person = bool(_FIRST_PERSON.search(brief.wishes))
    return _plan(brief.language, brief.genre, brief.hero, brief.setting, first_person)


@lru_cache(maxsize=2_000)
def _plan(language: str, genre: str, hero: str, setting: str, first_person: bool) -> Plan:
    data = stock(language)
    kind = data.genre(genre)
    key = f"{language}|{genre.lower()}|{hero.lower()}"
    full, about = named(hero, "Незнакомец" if language == "ru" else "The stranger")
    place, there = named(setting, "Край карты" if language == "ru" else "The edge of the map")
    table: Mapping[str, Any] = data.tables["genre_plan"][kind]

    def one(name: str, rows: Sequence[Any]) -> Any:
        return rows[number(key, name) % len(rows)]

    chosen = {name: one(name, table[name]) for name in ("things", "rivals", "goals", "deadlines")}
    # Two names with the same first letter are easily mixed up.
    initials = {word[0] for word in full.split()}
    apart = [row for row in table["companions"] if row[0][0] not in initials]
    chosen["companions"] = one("companions", apart or table["companions"])
    chosen["keepsake"] = one("keepsake", data.tables["keepsakes"])
    around = _around(language, place)
    if language == "ru":
        slots = _russian(full, chosen, around, first_person=first_person)
        name = slots["V"].case("nom")
    else:
        slots = _english(full, about, chosen, around, first_person=first_person)
        name = english.short_name(full)
    slots |= {"about": Plain(small(about)), "there": Plain(small(there)), "P": Plain(place), "F": Plain(_within(full))}
    return Plan(language, kind, key, name, full, about, place, there, slots)


def _within(full: str) -> str:
    """Return a hero who has no name, such as «Старый смотритель маяка» or "The old keeper", as within a sentence."""
    first, *rest = full.split() or [""]
    if first in ("The", "A", "An"):
        return full[0].lower() + full[1:]
    nameless = rest and "".join(rest).islower() and russian.is_common(first)
    return full[0].lower() + full[1:] if nameless else full


def things_of(language: str, genre: str, text: str) -> dict[str, Word]:
    """Return the slots of the thing that a text speaks of; none where it speaks of no planned one."""
    low = text.lower()
    for title, _, _ in stock(language).tables["genre_plan"][genre]["things"]:
        if language == "en" and title in low:
            return {"T": english.Name(f"the {title}", "n"), "a_T": Plain(f"{_article(title)} {title}")}
        if language == "ru" and any(russian.thing(title).case(case).lower() in low for case in russian.CASES):
            return {"T": russian.thing(title)}
    return {}


def named(text: str, otherwise: str) -> tuple[str, str]:
    """Return the name in «Картограф Веста: карта по ночам дорисовывает дороги», and the rest without its full stop."""
    split = re.match(r"([^:]{1,80}):\s+(.+)", text, re.DOTALL)
    name, about = split.groups() if split else (re.split(r"[,.;:(\n]| — ", text)[0], "")
    if not about and len(name) < len(text):
        about = text[len(name) :].strip(" ,.;()—\n")
    name = re.sub(r"[{}\[\]<>|]", "", name).strip()[:NAME_CHARS].strip() or otherwise
    about = re.sub(r"[{}\[\]<>|]", "", about).strip(" .!?…")
    return name[0].upper() + name[1:], about


def place_kind(language: str, place: str) -> str:
    """Return whether a place is a town, nature, a vehicle or a house, by its words."""
    kinds: Mapping[str, Any] = stock(language).tables["place_kind"]
    words = re.findall(r"\w+", re.split(r" (?:в|на|у|под|за|к|без|of|in|on|at|under|for) ", place.lower())[0])
    for word in words:
        for kind, row in kinds.items():
            if row["heads"] != "." and re.match(rf"(?:{row['heads']})", word):
                return kind
    return "house"


def _around(language: str, place: str) -> Mapping[str, str]:
    row: Mapping[str, str] = stock(language).tables["place_kind"][place_kind(language, place)]
    return {name: row[name] for name in _AROUND}


def _russian(full: str, chosen: Mapping[str, Any], around: Mapping[str, str], *, first_person: bool) -> dict[str, Word]:
    several = russian.one_of(full)  # of «Трое друзей» one is told of
    short = several or russian.short_name(full)
    hero = russian.person(several or full)
    name = russian.Noun(short, hero.gender, person=True)
    title, mark, secret = chosen["things"]
    companion, gender, trade, habit = chosen["companions"]
    women = hero.gender == gender == "f"
    slots: dict[str, Word] = {
        "both": Plain("обе" if women else "оба"),
        "one": Plain("одной" if women else "одному"),
        "N": russian.Teller(short, hero.gender, person=True) if first_person else name,
        "V": name,
        "D": russian.person(companion, gender=gender),
        "DT": russian.person(trade, gender=gender),
        "DH": Plain(habit),
        "DH_I": Plain(russian.first_person(habit)),
        "A": russian.person(chosen["rivals"][0], gender=chosen["rivals"][1]),
        "T": russian.thing(title),
        "mark": Plain(mark),
        "secret": Plain(secret),
        "K": russian.thing(chosen["keepsake"]),
        "G": russian.thing(chosen["goals"]),
        "L": Plain(chosen["deadlines"]),
    }
    return slots | {name: russian.thing(word) for name, word in around.items()}


def _english(
    full: str, about: str, chosen: Mapping[str, Any], around: Mapping[str, str], *, first_person: bool
) -> dict[str, Word]:
    gender = english.gender_of(full, about)
    short = _within(english.short_name(full))
    hero = english.Name(short, gender, first=first_person)
    title, mark, secret = chosen["things"]
    rival, gender_of_rival = chosen["rivals"]
    companion, their, trade, habit, mine = chosen["companions"]
    slots: dict[str, Word] = {
        "N": hero,
        "V": english.Name(short, gender),
        "D": english.Name(companion, their),
        "DT": Plain(trade),
        "DH": Plain(habit),
        "DH_I": Plain(mine),
        "A": english.Name(rival if rival[0].isupper() else f"the {rival}", gender_of_rival),
        "T": english.Name(f"the {title}", "n"),
        "a_T": Plain(f"{_article(title)} {title}"),
        "mark": Plain(mark),
        "secret": Plain(secret),
        "K": Plain(f"{hero.case('his')} {chosen['keepsake'][0]}"),
        "the_K": Plain(f"the {chosen['keepsake'][1]}"),
        "G": Plain(chosen["goals"]),
        "L": Plain(chosen["deadlines"]),
    }
    return slots | {name: Plain(word) for name, word in around.items()}


def _article(word: str) -> str:
    return "an" if word[:1].lower() in "aeiou" else "a"
