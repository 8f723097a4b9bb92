"""Russian words in the form that a sentence needs: cases of phrases, verbs by gender.

The dictionary of pymorphy3 loads at the first use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

CASES: Final = {"nom": "nomn", "gen": "gent", "dat": "datv", "acc": "accs", "ins": "ablt", "loc": "loct"}
# By gender: masculine, feminine, neuter, plural. The first form stands in the templates.
_PRONOUNS: Final = {
    forms[0]: dict(zip("mfnp", forms, strict=True))
    for forms in (
        ("он", "она", "оно", "они"),
        ("его", "её", "его", "их"),
        ("него", "неё", "него", "них"),
        ("ему", "ей", "ему", "им"),
        ("нему", "ней", "нему", "ним"),
        ("им", "ею", "им", "ими"),
        ("ним", "ней", "ним", "ними"),
        ("нём", "ней", "нём", "них"),
        ("сам", "сама", "само", "сами"),
        ("один", "одна", "одно", "одни"),
    )
}
_FIRST_PERSON: Final = {
    "nom": "я", "gen": "меня", "dat": "мне", "acc": "меня", "ins": "мной", "loc": "мне",
}  # fmt: skip
_FIRST_PRONOUNS: Final = {
    "он": "я", "его": "меня", "него": "меня", "ему": "мне", "нему": "мне", "им": "мной", "ним": "мной", "нём": "мне",
}  # fmt: skip
_GENDERS: Final = {"masc": "m", "femn": "f", "neut": "n", "ms-f": "m"}
_GRAMMEMES: Final = {"m": "masc", "f": "femn", "n": "neut", "p": "plur"}
_WORD: Final = re.compile(r"[А-ЯЁа-яё]+(?:-[А-ЯЁа-яё]+)*")
# Endings of a name that the dictionary doesn't know, by its last letter: gen, dat, acc, ins, loc.
_UNKNOWN: Final = {
    "а": (1, "ы", "е", "у", "ой", "е"),
    "я": (1, "и", "е", "ю", "ей", "е"),
    "й": (1, "я", "ю", "я", "ем", "е"),
    "ь": (1, "я", "ю", "я", "ем", "е"),
}


@dataclass(frozen=True, slots=True)
class Noun:
    """A phrase that declines: «лифтёр Савелий», «жестяная коробка»."""

    text: str
    gender: str  # m, f, n, p
    person: bool = False

    def case(self, name: str) -> str:
        """Return the phrase in the case `name`: nom, gen, dat, acc, ins or loc."""
        return self.text if name == "nom" else decline(self.text, name, person=self.person)

    def agree(self, word: str) -> str:
        """Return the masculine `word` in the gender of the phrase."""
        return agree(word, self.gender)


@dataclass(frozen=True, slots=True)
class Teller(Noun):
    """The hero who tells the story: «я» in place of the name."""

    def case(self, name: str) -> str:
        """Return «я» in the case `name`."""
        return _FIRST_PERSON[name]

    def agree(self, word: str) -> str:
        """Return the masculine `word` in the gender of the teller; «он» becomes «я»."""
        first = _FIRST_PRONOUNS.get(word.lower())
        return agree(word, self.gender) if first is None else _like(word, first)


@cache
def morph() -> Any:
    """Return the dictionary, loaded once."""
    import pymorphy3

    return pymorphy3.MorphAnalyzer()


@lru_cache(maxsize=20_000)
def parses(word: str) -> tuple[Any, ...]:
    """Return what the word may be, the likeliest first."""
    return tuple(morph().parse(word))


def person(text: str, otherwise: str = "m", gender: str = "") -> Noun:
    """Return a hero or a companion; the last name decides the gender."""
    return Noun(text, gender or _gender_of_person(text) or otherwise, person=True)


def one_of(text: str) -> str:
    """Return «друг» of «Трое друзей»; empty if the words count nobody."""
    number, *rest = text.lower().split()
    if not rest or not re.fullmatch(r"дв[ае]|двое|трое|три|четверо|четыре|пятеро|пять|несколько|пара", number):
        return ""
    for parse in parses(rest[-1]):
        if parse.tag.POS == "NOUN" and "anim" in parse.tag and (single := parse.inflect({"sing", "nomn"})):
            return str(single.word)
    return ""


def thing(text: str) -> Noun:
    """Return an object, a place or any other word of the reader's."""
    place = _head(text.split(), person=False)
    return Noun(text, _gender(text.split()[place]) if place is not None else "m", person=False)


@lru_cache(maxsize=8_000)
def decline(text: str, case: str, *, person: bool) -> str:
    """Return the phrase in another case: its head, the head's adjectives and a name behind it; the rest stays."""
    words = text.split()
    head = _head(words, person=person)
    if head is None:
        return text
    chosen = _nominative(words[head], person=person)
    plural = chosen is not None and "plur" in chosen.tag
    gender = _gender(words[head], person=person)
    done = []
    stopped = False
    for place, word in enumerate(words):
        core = _WORD.search(word)
        if core is None:
            done.append(word)
            continue
        if place > head and not stopped:
            stopped = any(tag in parses(core[0].lower())[0].tag for tag in ("PREP", "CONJ", "VERB", "GRND"))
        if place < head:
            animate = person or (chosen is not None and "anim" in chosen.tag)
            new = _adjective(core[0], case, "p" if plural else gender, animate=animate)
        elif place == head:
            new = _noun(core[0], case, person=person, plural=plural)
        elif not stopped and person and _is_name(core[0], last=place == len(words) - 1):
            new = _noun(core[0], case, person=True, plural=False)
        elif not stopped and place == head + 1 and not person and _is_adjective(core[0], gender):
            new = _adjective(core[0], case, gender, animate=False)
        else:
            new = core[0]
        done.append(word.replace(core[0], new, 1))
    return " ".join(done)


@lru_cache(maxsize=8_000)
def agree(word: str, gender: str) -> str:
    """Return a masculine verb, adjective or pronoun in the gender: «вошёл» for f is «вошла»."""
    low = word.lower()
    if low in _PRONOUNS:
        return _like(word, _PRONOUNS[low][gender])
    if gender == "m":
        return word
    for parse in parses(low):
        if "masc" in parse.tag and ("past" in parse.tag or parse.tag.POS in ("ADJS", "PRTS") or "nomn" in parse.tag):
            other = parse.inflect({_GRAMMEMES[gender]})
            if other is not None:
                return _like(word, str(other.word))
    return word


@lru_cache(maxsize=500)
def first_person(text: str) -> str:
    """Turn «грызёт семечки, когда врёт» into «грызу семечки, когда вру»."""

    def turned(found: re.Match[str]) -> str:
        parse = parses(found[0].lower())[0]
        if parse.tag.POS != "VERB" or "3per" not in parse.tag or "sing" not in parse.tag:
            return found[0]
        other = parse.inflect({"1per", "sing"})
        return _like(found[0], str(other.word)) if other is not None else found[0]

    return _WORD.sub(turned, text)


def is_common(word: str) -> bool:
    """Return whether a Russian word is known, and is never a name."""
    found = parses(word.lower()) if re.fullmatch(r"[А-Яа-яЁё-]+", word) else ()
    names = {"Name", "Surn", "Patr", "Geox", "UNKN", "LATN"}
    return bool(found) and not any(names & set(str(parse.tag).replace(",", " ").split()) for parse in found)


def short_name(text: str) -> str:
    """Return the name in «Картограф Веста», or the head noun of «старый рыбак из Одессы»."""
    words = [found[0] for found in _WORD.finditer(text)]
    cut = [place for place, word in enumerate(words) if "PREP" in parses(word.lower())[0].tag]
    words = words[: cut[0]] if cut and cut[0] else words
    alone = len(words) == 1 and not (cut and is_common(words[0]))  # «Доктор при сыщике» has no name
    names = [word for place, word in enumerate(words) if word[:1].isupper() and (alone or (place and _may_name(word)))]
    known = [word for word in names if any("Name" in parse.tag for parse in parses(word.lower())[:6])]
    if len(words) > 1 and words[0][:1].isupper() and "Name" in parses(words[0].lower())[0].tag:
        return words[0]
    if known or names:
        return (known or names)[-1]
    head = _head(text.split(), person=True)
    if head is None:
        return words[-1] if words else text
    found = _WORD.search(text.split()[head])
    return found[0].lower() if found else text


def _may_name(word: str) -> bool:
    """Return whether a word may be a person's name: «Золушки» of «Сестра Золушки» isn't in the nominative."""
    found = parses(word.lower())
    return "UNKN" in str(found[0].tag) or any({"nomn", "sing"} in parse.tag for parse in found)


def words_of(text: str) -> Iterator[tuple[str, Any]]:
    """Return the Russian words of a text with what each most likely is."""
    for found in _WORD.finditer(text):
        yield found[0], parses(found[0].lower())[0]


def _like(word: str, other: str) -> str:
    return other[:1].upper() + other[1:] if word[:1].isupper() else other


def _head(words: list[str], *, person: bool) -> int | None:
    """Return the place of the first noun in the nominative; of the only word, whatever it is."""
    for place, word in enumerate(words):
        core = _WORD.search(word)
        if core is None:
            continue
        best = parses(core[0].lower())[0]
        if best.tag.POS == "NUMR":
            return None
        if _nominative(core[0], person=person) is not None and not (
            best.tag.POS in ("ADJF", "PRTF") and place < len(words) - 1 and not (person and _named(words[place + 1]))
        ):
            return place
    return 0 if len(words) == 1 and _WORD.search(words[0]) else None


def _named(word: str) -> bool:
    return word[:1].isupper() and any("Name" in parse.tag and "nomn" in parse.tag for parse in parses(word.lower()))


def _nominative(word: str, *, person: bool) -> Any:
    """Return the reading of the word as a noun in the nominative; a name is preferred for a person."""
    low = word.lower().rpartition("-")[2] if "-" in word else word.lower()
    nouns = [parse for parse in parses(low) if parse.tag.POS == "NOUN" and "nomn" in parse.tag]
    names = [parse for parse in nouns if "Name" in parse.tag and "sing" in parse.tag]
    singular = [parse for parse in nouns if "sing" in parse.tag and "Fixd" not in parse.tag]
    if not person:
        singular.sort(key=lambda parse: "anim" in parse.tag)
    if person and word[:1].isupper() and names:
        return names[0]
    if nouns and "plur" in nouns[0].tag and not singular:
        return nouns[0]
    return (singular or nouns or [None])[0]


def _gender(word: str, *, person: bool = False) -> str:
    core = _WORD.search(word)
    chosen = _nominative(core[0], person=person) if core else None
    if chosen is None:
        return "f" if word[-1:] in "ая" else "n" if word[-1:] in "ое" else "m"
    if "plur" in chosen.tag:
        return "p"
    return _GENDERS.get(str(chosen.tag.gender), "m")


def _gender_of_person(text: str) -> str:
    name = short_name(text)
    if name[:1].isupper():
        return _gender(name, person=True)
    place = _head(text.split(), person=True)
    return _gender(text.split()[place], person=True) if place is not None else ""


def _is_name(word: str, *, last: bool) -> bool:
    if not word[:1].isupper() or not _may_name(word):
        return False
    nominative = _nominative(word, person=True)
    if nominative is None:
        return last and "UNKN" in str(parses(word.lower())[0].tag)
    return last or any(tag in nominative.tag for tag in ("Name", "Patr", "Surn"))


def _is_adjective(word: str, gender: str) -> bool:
    wanted = _GRAMMEMES[gender]
    return any(parse.tag.POS == "ADJF" and {"nomn", wanted} in parse.tag for parse in parses(word.lower()))


def _noun(word: str, case: str, *, person: bool, plural: bool) -> str:
    if "-" in word:
        parts = word.split("-")
        if all(_nominative(part, person=person) is not None for part in parts):
            return "-".join(_noun(part, case, person=person, plural=plural) for part in parts)
    chosen = _nominative(word, person=person)
    if chosen is None:
        return _unknown(word, case)
    lively = case == "acc" and person and "inan" in chosen.tag and ("masc" in chosen.tag or plural)
    wanted = "gent" if lively else CASES[case]
    other = chosen.inflect({wanted, "plur" if plural else "sing"})
    if other is None:
        return word
    return _like(word, str(other.word))


def _unknown(word: str, case: str) -> str:
    low = word.lower()
    place = ("gen", "dat", "acc", "ins", "loc").index(case)
    if low[-1:] in _UNKNOWN:
        cut, *endings = _UNKNOWN[low[-1:]]
        return word[: -int(cut)] + str(endings[place])
    if low[-1:] in "бвгджзклмнпрстфхцчшщ":
        return word + ("а", "у", "а", "ом", "е")[place]
    return word


def _adjective(word: str, case: str, gender: str, *, animate: bool) -> str:
    for parse in parses(word.lower()):
        if parse.tag.POS in ("ADJF", "PRTF") and "nomn" in parse.tag:
            wanted = {CASES[case], _GRAMMEMES[gender]}
            if case == "acc" and gender in "mp":
                wanted |= {"anim" if animate else "inan"}
            other = parse.inflect(wanted)
            return _like(word, str(other.word)) if other is not None else word
    return word
