"""The reader's own words: what they do, what they speak of, and a wish made into something that happened."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sandbox.storyteller import russian
from sandbox.storyteller.data import stock
from sandbox.storyteller.grammar import Plain, Word, capital, sentences
from sandbox.storyteller.plan import Plan

_LET: Final = re.compile(
    r"^(?:пожалуйста|а|и|ещё|ну|хочу|хочется|сделай так|сделайте так|теперь|здесь|тут|потом|пусть|пускай|чтобы|чтоб"
    r"|please|also|and|now|then|i want|make|let|may|have)\b[,\s]*",
    re.IGNORECASE,
)
_SEVERAL: Final = re.compile(
    r"(добавь(?:те)?|пусть (?:появится|появятся|будет|будут)|add|include|let there be)\s+(.+)", re.IGNORECASE
)
_ARTICLES: Final = frozenset(("the", "a", "an", "his", "her", "their", "its", "my"))
_ENDS_OF_ADJECTIVES: Final = ("y", "en", "ed", "al", "ful", "ous", "ish", "ld", "rk", "te", "ck")
_SHORT_ADJECTIVES: Final = frozenset(("own", "old", "new", "same", "other", "big", "last", "first"))
_PRONOUNS: Final = {"он": "masc", "она": "femn", "оно": "neut"}
_CYRILLIC: Final = re.compile(r"[а-яё]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a part may answer to: the group of the reader's verb, and the thing or person they speak of."""

    group: str
    noun: Word | None = None
    alive: bool = False


def reaction(plan: Plan, words: str) -> Reaction:
    """Return what the reader's last sentence is about."""
    names = " ".join(plan.slots[name].case("nom") for name in ("N", "V", "F", "D"))
    return mentioned(plan.language, words, frozenset(re.findall(r"\w+", names.lower())))


def mentioned(language: str, words: str, known: frozenset[str] = frozenset()) -> Reaction:
    """Return what the last sentence of any words is about; `known` names are passed over."""
    lines = sentences(re.sub(r"[«»“”\"]", "", words))
    last = lines[-1] if lines else ""
    return _russian_reaction(last, known) if language == "ru" else _english_reaction(last, known)


def happened(plan: Plan, wish: str) -> str:
    """Return a wish as a sentence: «пусть пойдёт дождь» is «Пошёл дождь.»; empty where it makes none."""
    text = re.sub(r"[«»“”\"{}\[\]<>]", "", wish).strip(" .!?…")
    before = None
    while text != before:
        before, text = text, _LET.sub("", text).strip()
    made = _russian_event(plan, text) if plan.language == "ru" else _english_event(text)
    return f"{capital(made)}." if made else ""


def split_wish(wish: str) -> list[str]:
    """Return «добавь кота и грозу» as two wishes; any other as it is."""
    found = _SEVERAL.match(wish.strip(" .!?…"))
    things = re.split(r",\s*|\s+(?:и|and)\s+", found[2]) if found else []
    if not found or not 2 <= len(things) <= 3 or any(not 1 <= len(thing.split()) <= 3 for thing in things):
        return [wish]
    return [f"{found[1]} {thing}" for thing in things]


def shares_a_noun(language: str, wish: str, text: str) -> bool:
    """Return whether the text speaks of something that the wish names."""
    if language == "ru":
        words = [word for word, parse in russian.words_of(wish) if parse.tag.POS == "NOUN"]
    else:
        words = [word for word in re.findall(r"[A-Za-z]{4,}", wish) if word.lower() not in stock("en").words("stop")]
    return not words or any(word.lower()[: max(3, len(word) - 2)] in text.lower() for word in words)


# ── Russian ──


@cache
def _groups(language: str) -> Mapping[str, str]:
    table: Mapping[str, str] = stock(language).tables["verbs"]
    return {verb: group for group, verbs in table.items() for verb in verbs.split()}


def _russian_reaction(text: str, known: frozenset[str]) -> Reaction:
    groups = _groups("ru")
    group, named = "other", []
    verb_met = False
    for word, parse in russian.words_of(text):
        if parse.tag.POS in ("VERB", "INFN", "GRND"):
            group = groups.get(parse.normal_form, group)
            verb_met = True
        if parse.tag.POS != "NOUN" or parse.normal_form in stock("ru").words("dull") or parse.normal_form in known:
            continue
        form = parse.inflect({"nomn"})
        name = str(form.word) if form is not None else parse.normal_form
        if word[:1].isupper() and any(kind in parse.tag for kind in ("Name", "Surn", "Patr")):
            name = capital(name)
        named.append((verb_met, "anim" in parse.tag, name))
    if not named:
        return Reaction(group)
    # Of what stands behind the verb somebody alive matters more than a thing.
    _, alive, name = max(named, key=lambda row: (row[0], row[1]))
    return Reaction(group, russian.person(name) if alive else russian.thing(name), alive)


def _russian_event(plan: Plan, text: str) -> str:
    tokens = re.findall(r"[\w-]+|[^\w\s]+", text)
    readings = [russian.parses(token.lower())[0] if _CYRILLIC.match(token) else None for token in tokens]
    for place, parse in enumerate(readings):
        if parse is None or parse.tag.POS not in ("VERB", "INFN"):
            continue
        if parse.normal_form in stock("ru").words("adding") and ("impr" in parse.tag or parse.tag.POS == "INFN"):
            return _appears(tokens[place + 1 :])
        if parse.tag.POS == "INFN" or "impr" in parse.tag or "2per" in parse.tag:
            continue
        if "past" in parse.tag:
            return _joined(tokens)
        if "3per" not in parse.tag:
            continue
        if parse.normal_form == "быть":
            rest = tokens[:place] + tokens[place + 1 :]
            return _appears(rest) if len(rest) <= 4 else ""
        gender = _subject_gender(plan, tokens, readings, place, plural="plur" in parse.tag)
        wanted = {"past", "plur"} if gender == "plur" else {"past", "sing", gender}
        return _joined(
            [_in_past(token, reading, parse, wanted) for token, reading in zip(tokens, readings, strict=True)]
        )
    return _appears(tokens) if 0 < len(tokens) <= 5 else ""


def _in_past(token: str, parse: Any, first: Any, wanted: set[str]) -> str:
    """Return a verb of the same person and number as the first one in the past; any other token as it is."""
    if parse is None or parse.tag.POS != "VERB" or "3per" not in parse.tag or parse.tag.number != first.tag.number:
        return token
    past = parse.inflect(wanted)
    return token if past is None else str(past.word)


def _subject_gender(plan: Plan, tokens: Sequence[str], readings: Sequence[Any], verb: int, *, plural: bool) -> str:
    if plural:
        return "plur"
    pronoun = next((_PRONOUNS[token.lower()] for token in tokens if token.lower() in _PRONOUNS), "")
    if pronoun:
        return pronoun
    order = sorted(range(len(tokens)), key=lambda place: (abs(place - verb), place > verb))
    genders = {"m": "masc", "f": "femn", "n": "neut", "p": "masc"}
    hero = plan.slots["V"]
    for place in order:
        token = tokens[place].lower()
        if token == hero.case("nom").lower() or token in ("герой", "героиня"):
            return genders[getattr(hero, "gender", "m")]
        for parse in russian.parses(token)[:3] if readings[place] is not None else ():
            if parse.tag.POS in ("NOUN", "NPRO") and "nomn" in parse.tag and parse.tag.gender:
                return str(parse.tag.gender) if str(parse.tag.gender) in genders.values() else "masc"
    return "neut"


def _appears(tokens: Sequence[str]) -> str:
    """Turn «говорящего кота» into «появился говорящий кот»."""
    words = [token for token in tokens if _CYRILLIC.match(token)]
    for place, word in enumerate(words):
        parse = next((one for one in russian.parses(word.lower())[:2] if one.tag.POS == "NOUN"), None)
        if parse is None:
            continue
        number = "plur" if "plur" in parse.tag else "sing"
        form = parse.inflect({"nomn", number})
        if form is None or parse.normal_form in ("диалог", "описание", "реплика", "подробность"):
            return ""
        gender = "plur" if number == "plur" else str(parse.tag.gender or "masc")
        before = []
        for other in words[:place]:
            adjective = russian.parses(other.lower())[0]
            if adjective.tag.POS in ("ADJF", "PRTF"):
                turned = adjective.inflect({"nomn", gender})
                before.append(str(turned.word) if turned is not None else other)
        verb = russian.parses("появился" if "anim" in parse.tag else "нашёлся")[0]
        turned = verb.inflect({gender}) if gender != "masc" else verb
        noun = str(form.word) if word[:1].islower() else capital(str(form.word))
        return " ".join([str(turned.word), *before, noun, *words[place + 1 :]])
    return ""


def _joined(tokens: Sequence[str]) -> str:
    return re.sub(r"\s+([,.:;!?])", r"\1", " ".join(tokens))


# ── English ──


def _english_reaction(text: str, known: frozenset[str]) -> Reaction:
    groups = _groups("en")
    group = "other"
    nouns: list[str] = []
    words = re.findall(r"[A-Za-z’'-]+", text)
    for place, word in enumerate(words):
        low = word.lower()
        stem = re.sub(r"(?:ed|ing|es|s)$", "", low)
        group = groups.get(low) or groups.get(stem) or groups.get(f"{stem}e") or group
        follows = words[place - 1].lower() if place else ""
        if follows in _ARTICLES and low not in stock("en").words("stop") | known:
            named = [word]
            after = words[place + 1] if place + 1 < len(words) else ""
            describes = low in _SHORT_ADJECTIVES or low.endswith(_ENDS_OF_ADJECTIVES)
            if describes and after.islower():
                named = [after] if after not in stock("en").words("stop") else named
            nouns.append(named[0].lower())
    living = [noun for noun in nouns if noun in stock("en").words("alive")]
    noun, alive = next(iter(living or nouns[-1:]), ""), bool(living)
    return Reaction(group, Plain(f"the {noun}") if noun else None, alive)


def _english_event(text: str) -> str:
    words = text.split()
    if len(words) < 2:
        return ""
    if words[0].lower() in ("add", "include", "introduce", "show", "bring", "put"):
        rest = [word for word in words[1:] if word.lower() != "in"]
        return f"then {' '.join(rest)} appeared"
    if words[0].lower() == "there" and words[1].lower() in ("be", "is", "are"):
        return f"and there was {' '.join(words[2:])}"
    for place, word in enumerate(words[1:], start=1):
        past = _past(word.lower().strip(",."))
        if past:
            return " ".join([*words[:place], past, *words[place + 1 :]])
    return ""


def _past(verb: str) -> str:
    """Return the past of an English verb; empty for any other word."""
    irregular: Mapping[str, str] = stock("en").tables["past"]
    if verb in irregular:
        return irregular[verb]
    regular = stock("en").words("regular")
    base = next((base for base in (verb, verb.removesuffix("s"), verb.removesuffix("es")) if base in regular), "")
    if base == "cry":
        return "cried"
    doubled = "pp" if base == "stop" else ""
    return f"{base[:-1]}{doubled}ed" if doubled else f"{base}d" if base.endswith("e") else f"{base}ed" if base else ""
