"""The card of a story from a reader's phrase: its hero and place are found in the phrase, the rest is chosen."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from conversation.phrases import any_of
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
    r"|goes|comes|takes?|keeps?|learns?|falls?|hears?|sees?|discovers?|returns?|decides?|and|found|met|woke|lived|got"
    r"|received|opened|lost|went|came|took|kept|learned|fell|heard|saw|discovered|returned|decided|wanted)\s",
    re.IGNORECASE,
)
_ENGLISH_LEADS: Final = re.compile(
    r"(?:(?:once(?: upon a time)?(?:,? there (?:was|lived))?|suddenly"
    r"|long ago|one (?:day|night|morning|evening)|if|when|while|perhaps|maybe|then"
    r"|now|again|at last),? )+",
    re.IGNORECASE,
)
_NO_LEAD: Final = re.compile(r"\b(?:if|when|while|there (?:was|lived))\b")
_ENGLISH_PLACE: Final = re.compile(
    r"\b(?:in|on|at|inside|under|near) ((?:an? |the |his |her |its )?[\w'’ -]{3,40})", re.IGNORECASE
)
_ENGLISH_PLACES: Final = re.compile(r"lighthouse|castle|ship|forest|island|house|school|library", re.IGNORECASE)
_ENGLISH_NAME: Final = re.compile(r"\b(?!(?:The|She|They|Her|His|Then|And|But|You)\b)[A-Z][a-z]{2,}\b(?= [a-z])")
_RUSSIAN_NAME: Final = re.compile(r"\b[А-ЯЁ][а-яё]{2,}(?=\s+(?P<next>[а-яё]+)|)")
_BEGINS: Final = re.compile(r"(?:^|[.!?…\n—–:«“„\"(-])\s*$")
_NO_NAME_WITH_A_VERB: Final = {"nomn", "VERB", "ADJS"}
_TIMES: Final = re.compile(r"раз в \w+ ", re.IGNORECASE)
_LEADING: Final = ("VERB", "GRND", "ADVB", "PRCL", "CONJ", "INTJ", "PRED")
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
    """Return the person whom a text names most often; empty if nobody comes twice.

    A capital at the beginning of a sentence makes no name: «Вели ему уйти», "Never had he".
    """
    words = _RUSSIAN_NAME if language == "ru" else _ENGLISH_NAME
    names: Counter[str] = Counter()
    sure = set()
    for found in words.finditer(text):
        begins = bool(_BEGINS.search(text[max(0, found.start() - 4) : found.start()]))
        name, only = _russian_name(found[0], found["next"]) if language == "ru" else (found[0], False)
        if not name or _no_name().fullmatch(name):
            continue
        names[name] += 1
        if only or not begins:
            sure.add(name)
    name, times = next(((name, times) for name, times in names.most_common() if name in sure), ("", 0))
    return name if times > 1 else ""


def _russian_name(word: str, following: str | None) -> tuple[str, bool]:
    """Return the name that a word may be a case of, and whether it is one wherever it stands.

    «Марфа» is a name only; «Катя вошла» has a verb that no «катя» and no genitive has.
    """
    readings = russian.parses(word.lower())
    names = [one for one in readings if "Name" in one.tag]
    if not names:
        return "", False
    others = [one for one in readings if "Name" not in one.tag]
    verb = russian.parses(following)[0].tag if following else None
    told = verb is not None and verb.POS == "VERB" and verb.number == "sing" and verb.gender != "neut"
    sure = not others or (told and not any(_NO_NAME_WITH_A_VERB & set(one.tag.grammemes) for one in others))
    return capital(names[0].normal_form), sure


@cache
def _no_name() -> re.Pattern[str]:
    return re.compile(any_of("no_name"), re.IGNORECASE)


def _russian(phrase: str) -> tuple[str, str]:
    """Return who the phrase is about, with what happens to them, and the place that it names."""
    words = phrase.split()
    begins = next((at for at in range(len(words)) if not _leads(words[at:])), len(words))
    if _TIMES.match(phrase):
        begins = 3
    rest = words[begins:]
    verb = next((at for at, word in enumerate(rest) if at and _is_verb(word)), len(rest))
    who = re.split(r"[,.;:!?—–]", " ".join(rest[:verb]))[0].split()[:_MOST_HERO_WORDS]
    places = [at for at, word in enumerate(who) if at and "PREP" in russian.parses(word.lower())[0].tag]
    if begins and places:
        who = who[: places[0]]  # «Жил старик у моря»
    while len(who) > 1 and russian.parses(who[-1].lower())[0].tag.POS in ("PREP", "CONJ", "PRCL", "ADVB"):
        who.pop()
    alive = next((word for word in who if _is_alive(word)), "")
    if not alive or (begins and not _is_subject(alive)):
        return "", _russian_place(words)
    if begins:
        last = next(at for at, word in enumerate(who) if word == alive)
        if who[last + 1 : last + 2] == ["и"] and all(map(_is_alive, who[last + 2 : last + 3])):
            last += 2  # «Жили-были дед и баба»
        who = who if places or verb < len(rest) else who[: last + 1]  # «Нашёл рыбак сундук»
    name = capital(" ".join(who))
    lead = " ".join(words[:begins])
    about = " ".join(f"{lead[:1].lower()}{lead[1:]} {' '.join(rest)[len(' '.join(who)) :].strip(' ,.;:—–')}".split())
    return f"{name}: {about}" if about else f"{name}: {_UNKNOWN['ru']}", _russian_place(words)


def _leads(words: Sequence[str]) -> bool:
    """Return whether a phrase only begins with this word: «однажды», «пусть», «жил»."""
    first = russian.parses(words[0].strip(".,;:!?«»()").lower())
    if not words[0].endswith(",") and len(words) > 1 and any("VERB" in one.tag for one in first):
        # «Вели ему», but «Тони идёт» and «Тони и дракон»
        after = russian.parses(words[1].strip(".,;:!?«»()").lower())[0].tag
        if after.POS in ("NOUN", "NPRO") and after.case in ("accs", "datv", "gent"):
            return True
    leading = "Name" not in first[0].tag and first[0].tag.POS in _LEADING
    return leading or words[0].lower() in ("жил-был", "жила-была", "раз")


def _is_subject(word: str) -> bool:
    readings = russian.parses(word.strip(".,;:!?«»()").lower())
    return any("nomn" in one.tag and "anim" in one.tag for one in readings) or "UNKN" in str(readings[0].tag)


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
    led = _ENGLISH_LEADS.match(phrase)
    lead = _NO_LEAD.sub("", led[0].lower()).strip(" ,") if led else ""
    phrase = phrase[led.end() :] if led else phrase
    head = re.split(r"[,.;:!?—–]", phrase)[0]
    verb = _ENGLISH_VERB.search(f"{head} ")
    who = head[: verb.start()] if verb else " ".join(head.split()[:_MOST_HERO_WORDS])
    nobody = not (led and _ARTICLE.match(head)) if len(head.split()) > 1 else _ENGLISH_LEADS.fullmatch(f"{head} ")
    if not verb and nobody:
        who = ""  # «murder in the library» is about nobody yet
    about = f"{lead} {phrase[len(who) :].strip(' ,.;:—–')}".strip()
    bare = _ARTICLE.sub("", who).strip()
    name = f"The {bare}" if bare != who.strip() and bare.islower() else capital(bare)
    place = _ENGLISH_PLACE.search(phrase)
    known = _ENGLISH_PLACES.search(phrase)
    named = known[0] if known else _ENGLISH_VERB.split(f"{place[1]} ")[0] if place else ""
    hero = f"{name}: {about or _UNKNOWN['en']}" if name else ""
    return hero, _ARTICLE.sub("", named).strip()
