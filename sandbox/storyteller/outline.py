"""The card of a story from a reader's phrase: its hero and place are found in the phrase, the rest is chosen."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from sandbox.storyteller import russian
from sandbox.storyteller.data import stock
from sandbox.storyteller.grammar import capital
from sandbox.storyteller.plan import number
from sandbox.storyteller.request import LOCALES

_PHRASE: Final = re.compile(
    r"^(?:Замысел|The idea|Текст|The text):\n(.*?)\n(?:Уже выбрано|Chosen already|Четыре поля|Four fields)",
    re.MULTILINE | re.DOTALL,
)
_HEADING: Final = re.compile(
    r"^[ \t]*(?:глава|часть|пролог|chapter|part|prologue)\b[^\n]{0,40}\n", re.IGNORECASE | re.MULTILINE
)
_PHRASE_CHARS: Final = 300
_MOST_HERO_WORDS: Final = 5
_ENGLISH_VERB: Final = re.compile(
    r"\s(?:who|that|which|is|are|was|has|had|gets?|finds?|meets?|wakes?|must|wants?|lives?|receives?|opens?|loses?"
    r"|goes|comes|takes?|keeps?|learns?|falls?|hears?|sees?|discovers?|returns?|decides?|and)\s",
    re.IGNORECASE,
)
_ENGLISH_PLACE: Final = re.compile(
    r"\b(?:in|on|at|inside|under|near) ((?:an? |the |his |her |its )?[\w'’ -]{3,40})", re.IGNORECASE
)
_ENGLISH_PLACES: Final = re.compile(r"lighthouse|castle|ship|forest|island|house|school|library", re.IGNORECASE)
_ENGLISH_NAME: Final = re.compile(r"\b(?!(?:The|She|They|Her|His|Then|And|But|You)\b)[A-Z][a-z]{2,}\b(?= [a-z])")
_ARTICLE: Final = re.compile(r"^(?:an?|the|his|her|its) ", re.IGNORECASE)
_STRANGE: Final = {
    "ru": ("здесь каждый знает на одну тайну больше, чем говорит", "по ночам отсюда видно то, чего нет на карте"),
    "en": (
        "everyone here knows one secret more than they tell",
        "at night one sees things from here that are on no map",
    ),
}
_ASKED: Final = re.compile(
    r"^(?:хочу|хочется|давай\w*|напиши\w*|придумай\w*|i want|write|tell|let's)\b.*?\b(?:про|об?|about)\s+",
    re.IGNORECASE,
)
_WISH: Final = re.compile(r"\s*(\([^()]*\))")
_OPEN_GENRES: Final = ("fantasy", "tale", "adventure")  # to which any hero may come
_UNKNOWN: Final = {"ru": "никто не знает, с чего всё началось", "en": "nobody knows how it all began"}


def outline(prompt: str, language: str, variant: int = 0) -> str:
    """Return genre, hero, setting and a wish as JSON."""
    found = _PHRASE.search(prompt)
    words = " ".join(_HEADING.sub("", found[1] if found else prompt).split())[:_PHRASE_CHARS]
    phrase = _ASKED.sub("", words)
    if language == "ru" and phrase != words:
        phrase = _as_subject(phrase)
    genre = _genre(phrase, language)
    wish = _WISH.search(phrase)
    hero, setting = (_russian if language == "ru" else _english)(_WISH.sub("", phrase))
    if found is not None and found[0].startswith(("Текст", "The text")) and (name := _named(found[1], language)):
        hero = f"{name}: {_UNKNOWN[language]}"
    if wish is not None and hero:  # it stays beside the name
        name, _, about = hero.partition(":")
        hero = f"{name} {wish[1]}:{about}"
    strange = _STRANGE[language]
    place = f"{capital(setting)}: {strange[number(phrase) % len(strange)]}" if setting else ""
    wishes: Sequence[str] = genre["extras"]
    card = {
        "genre": genre["label"],
        "hero": hero or genre["heroes"][number(phrase) % len(genre["heroes"])],
        "setting": place or genre["settings"][number(phrase) % len(genre["settings"])],
        "wish": wishes[(number(phrase) + variant) % len(wishes)],
    }
    return json.dumps(card, ensure_ascii=False)


@cache
def _genres(language: str) -> Sequence[Mapping[str, Any]]:
    return tuple(tomllib.loads((LOCALES / language / "presets.toml").read_text("utf-8"))["genre"])


def _genre(phrase: str, language: str) -> Mapping[str, Any]:
    """Return the genre whose words the phrase has most of; else one of the open ones, always the same."""
    low = phrase.lower()
    themes: Mapping[str, str] = stock(language).tables["themes"]

    def score(row: Mapping[str, Any]) -> int:
        named = sum(stem in low for stem in row.get("stems", ()))
        return 3 * named + len(re.findall(rf"\b(?:{themes.get(row['key'], 'no theme')})", low))

    rows = _genres(language)
    best = max(rows, key=score)
    if score(best):
        return best
    anybodys = [row for row in rows if row["key"] in _OPEN_GENRES]
    return anybodys[number(phrase) % len(anybodys)]


def _named(text: str, language: str) -> str:
    """Return the person whom a text names most often; empty if nobody comes twice."""
    if language == "ru":
        known = (russian.parses(word.lower())[0] for word in re.findall(r"\b[А-ЯЁ][а-яё]{2,}", text))
        names = Counter(capital(one.normal_form) for one in known if "Name" in one.tag)
    else:
        names = Counter(word for word in _ENGLISH_NAME.findall(text) if f" {word.lower()} " not in text)
    name, times = names.most_common(1)[0] if names else ("", 0)
    return name if times > 1 else ""


def _russian(phrase: str) -> tuple[str, str]:
    """Return who the phrase is about, with what happens to them, and the place that it names."""
    words = phrase.split()
    verb = next((at for at, word in enumerate(words) if at and _is_verb(word)), len(words))
    who = re.split(r"[,.;:!?—–]", " ".join(words[:verb]))[0].split()[:_MOST_HERO_WORDS]
    while len(who) > 1 and russian.parses(who[-1].lower())[0].tag.POS in ("PREP", "CONJ", "PRCL", "ADVB"):
        who.pop()
    if not any(_is_alive(word) for word in who):
        return "", _russian_place(words)
    name = capital(" ".join(who))
    about = phrase[len(" ".join(who)) :].strip(" ,.;:—–")
    return f"{name}: {about}" if about else f"{name}: {_UNKNOWN['ru']}", _russian_place(words)


def _russian_place(words: Sequence[str]) -> str:
    """Return the first noun that is a place, as a dictionary has it."""
    kinds: Mapping[str, Any] = stock("ru").tables["place_kind"]
    heads = "|".join(row["heads"] for row in kinds.values() if row["heads"] != ".")
    heads += "|маяк|дом|замок|двор|школ|больниц|библиотек|музе|театр|вокзал|подвал|чердак|башн|хижин|магазин|отел"
    for word in words:
        parse = russian.parses(word.strip(".,;:!?«»()—").lower())[0]
        if parse.tag.POS == "NOUN" and "anim" not in parse.tag and re.match(rf"(?:{heads})", parse.normal_form):
            return str(parse.normal_form)
    return ""


def _as_subject(phrase: str) -> str:
    """Return «кота, который поёт» as «кот, который поёт»."""
    first, space, rest = phrase.partition(" ")
    parse = russian.parses(first.strip(",.").lower())[0]
    form = parse.inflect({"nomn"}) if parse.tag.POS == "NOUN" and "anim" in parse.tag else None
    return f"{form.word}{first[len(first.rstrip(',.')) :]}{space}{rest}" if form is not None else phrase


def _is_alive(word: str) -> bool:
    best = russian.parses(word.strip(".,;:!?«»()").lower())[0]
    return "anim" in best.tag or "UNKN" in str(best.tag) or "Name" in best.tag


def _is_verb(word: str) -> bool:
    best = russian.parses(word.strip(".,;:!?«»()").lower())[0]
    return best.tag.POS in ("VERB", "INFN", "PRED") or word.strip(",") in ("который", "которая", "которое", "чтобы")


def _english(phrase: str) -> tuple[str, str]:
    """Return who the phrase is about, with what happens to them, and the place that it names."""
    head = re.split(r"[,.;:!?—–]", phrase)[0]
    verb = _ENGLISH_VERB.search(f"{head} ")
    who = head[: verb.start()] if verb else " ".join(head.split()[:_MOST_HERO_WORDS])
    if not verb and len(head.split()) > 1:
        who = ""  # «murder in the library» is about nobody yet
    about = phrase[len(who) :].strip(" ,.;:—–")
    bare = _ARTICLE.sub("", who).strip()
    name = f"The {bare}" if bare != who.strip() and bare.islower() else capital(bare)
    place = _ENGLISH_PLACE.search(phrase)
    known = _ENGLISH_PLACES.search(phrase)
    named = known[0] if known else _ENGLISH_VERB.split(f"{place[1]} ")[0] if place else ""
    hero = f"{name}: {about or _UNKNOWN['en']}" if name else ""
    return hero, _ARTICLE.sub("", named).strip()
