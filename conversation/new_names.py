"""A name that a part of a story has brought, with what is said of it there: an offer for a card. Pure.

A name is a word with a capital inside a sentence. It is offered if it stands in the texts twice, never in small
letters, once in the nominative for sure (by its ending, or by a verb beside it), and if the narrator says something of
it in a whole sentence: no question, no exclamation, no words of a hero.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cache
from typing import Final

from conversation.cards import LIMITS, CardText
from conversation.naming import forms_of, plain_word
from conversation.phrases import any_of

_SENTENCE: Final = re.compile(r"[^.!?…\n]+[.!?…]*")
_WORD: Final = re.compile(r"[^\W\d_]+")
_CAPITAL: Final = re.compile(r"(?<![^\W\d_])[^\W\d_a-zа-яё][^\W\d_]*")  # and words of scripts that are rare here
_BEGINS: Final = re.compile(r"(?:^|[«“„\"(:—–-])\s*$")  # what stands before a word that has its capital for its place
_OBLIQUE: Final = re.compile(r"(?:[оеы]й|[оеыи]м|[аяыи]х|[оеё]ю|[ая]м|[ая]ми)$")
_VERB: Final = re.compile(r"\w+(?:[аеиуыя]ла(?:сь)?|[аеиуыя]ло(?:сь)?|шла|[еёи]т(?:ся)?|[аяую]т(?:ся)?)")
_VERB_HE: Final = re.compile(r"\w+(?:[аеиуыоя]л(?:ся)?|[ёе]л)")
_SAID: Final = re.compile(r"[—–-]\s*\w+л[аи]?(?:сь|ся)?\s*$")  # «— сказала …»
_APPOSITION: Final = re.compile(r"\s*,\s*((?:(?:a|an|the|his|her|their|my)\s)?[a-zа-яё][^,.;:!?…—–\n]{2,80})[,.;—–]")
_NO_APPOSITION: Final = re.compile(
    r"(?:\w+(?:вши|вшись|ясь|ась|в)|что|как|когда|где|если|чтобы|чей|чья|котор\w+|и|а|но|не|ни|я|ты|он|она|мы|вы|они|это|тут|там|вот|как|who|which|and|but|as|said|you|he|she|it|we|they|this)\b"
    r"|.*\b\w+л(?:а|о|и)?(?:ся|сь)?\b",
    re.IGNORECASE,
)
_DASH: Final = r"[—–-][^\S\n]+"
_BACK: Final = rf"[,!?…][^\S\n]*{_DASH}[a-zа-яё]"  # «…, — сказала»: from a reply back to the narrator
_REPLY: Final = rf"(?:(?!{_BACK}).)*"
_SPEECH: Final = re.compile(
    rf"(?:^[^\S\n]*{_DASH}|(?<=[.:])[^\S\n]*{_DASH}|(?<=[!?…])[^\S\n]*{_DASH}(?![a-zа-яё])){_REPLY}"
    rf"(?:{_BACK}[^.!?…\n]*,[^\S\n]*{_DASH}{_REPLY})*"
    r"|«[^»\n]*»?|„[^“”\n]*[“”]?|“[^”\n]*”?|\"[^\"\n]*\"?|^[^\S\n]*‘.*",
    re.MULTILINE,
)
_WHOLE: Final = re.compile(r"\s*(?:[^\W_a-zа-яё]|\d).*[^.]\.", re.DOTALL)  # neither cut nor asked nor cried
_TELLING_WORDS: Final = 3  # of a sentence that says something of a name
_LEAST: Final = 3  # letters of a name


@dataclass(frozen=True, slots=True)
class _Found:
    """A word with a capital. `inside`: it would have a small letter if it were no name.

    `in_speech`: it is said by a hero; `told`: the whole sentence is the narrator's.
    """

    word: str
    sentence: str
    start: int
    inside: bool
    in_speech: bool
    told: bool

    @property
    def plain(self) -> str:
        return plain_word(self.word)

    @property
    def before(self) -> str:
        return self.sentence[: self.start]

    @property
    def after(self) -> str:
        return self.sentence[self.start + len(self.word) :]


def may_have_name(text: str) -> bool:
    """Return whether a text has a word that `new_name` might take for a name."""
    return any(_is_inside(sentence[0], match) for sentence, match in _words_with_capital(text))


def new_name(texts: Sequence[str], is_known: Callable[[str], bool]) -> CardText | None:
    """Return a card for a name that the last of these texts has; None if it has no new one."""
    newest = list(_capitals(texts[-1])) if texts else []
    fresh = {one.plain for one in newest if one.inside}
    if not fresh:
        return None
    found = [*(one for text in texts[:-1] for one in _capitals(text)), *newest]
    small: Set[str] | None = None
    places: dict[str, list[int]] = {}
    for place, one in enumerate(found):
        places.setdefault(one.plain, []).append(place)
    best: tuple[int, CardText] | None = None
    for name in dict.fromkeys(one.word for one in found):
        forms = forms_of(plain_word(name))
        if fresh.isdisjoint(forms):
            continue
        same = [found[place] for place in sorted(place for form in forms for place in places.get(form, ()))]
        if len(same) < 2:
            continue
        small = _in_small_letters(texts) if small is None else small
        if forms & small:
            continue
        sure = next((one for one in same if one.word == name and _is_nominative(one, same)), None)
        if sure is None or (best is not None and best[0] >= len(same)):
            continue
        whole = _with_surname(sure)
        about = _without(whole, _about(name, same))
        if about and not is_known(whole):
            best = len(same), CardText(whole, about)
    return best[1] if best is not None else None


def _capitals(text: str) -> Iterator[_Found]:
    speeches = [match.span() for match in _SPEECH.finditer(text)]
    for sentence, match in _words_with_capital(text):
        place = sentence.start() + match.start()
        in_speech = _overlaps(speeches, place, place + 1)
        told = bool(_WHOLE.fullmatch(sentence[0])) and not _overlaps(speeches, *sentence.span())
        yield _Found(match[0], sentence[0], match.start(), _is_inside(sentence[0], match), in_speech, told)


def _words_with_capital(text: str) -> Iterator[tuple[re.Match[str], re.Match[str]]]:
    """Yield each word that may be a name, after the sentence that it stands in."""
    for sentence in _SENTENCE.finditer(text):
        for match in _CAPITAL.finditer(sentence[0]):
            word = match[0]
            if word[0].isupper() and word[1:].islower() and len(word) >= _LEAST and not _no_name().fullmatch(word):
                yield sentence, match


def _is_inside(sentence: str, word: re.Match[str]) -> bool:
    return not _BEGINS.search(sentence, 0, word.start())


def _overlaps(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Return whether a range overlaps one of the spans, which are in order and apart from each other."""
    before = bisect_left(spans, (end, 0))
    return before > 0 and spans[before - 1][1] > start


def _in_small_letters(texts: Sequence[str]) -> Set[str]:
    """Return the words that begin with a small letter, as `plain_word` gives them."""
    return set(
        plain_word(" ".join(word for text in texts for word in _WORD.findall(text) if word[0].islower())).split()
    )


def _is_nominative(one: _Found, same: Sequence[_Found]) -> bool:
    """Return whether a name stands in the nominative here. `same`: where it and its other forms stand."""
    word = one.plain
    if not "а" <= word[-1] <= "я":
        return True
    # «Пантелей» looks like «Вестой», but no other form of «Веста» is made of that.
    if word[-1] not in "аеиоуыэюя" and (not _OBLIQUE.search(word) or any(other.plain != word for other in same)):
        return True
    verb = _WORD.match(one.after.lstrip(" "))
    following = verb[0].lower() if verb and one.after.startswith(" ") else ""
    if _VERB.fullmatch(following) or (word[-1] not in "ая" and _VERB_HE.fullmatch(following)):
        return True
    return bool(_SAID.search(one.before)) or bool(re.match(r"\s+[—–]\s", one.after))


def _with_surname(one: _Found) -> str:
    """Return the name with the one that follows it: «Иван Кузьмич»."""
    following = re.match(r" ([^\W\d_]+)", one.after)
    both = f"{one.word} {following[1]}" if following and following[1][0].isupper() else one.word
    return both if len(both) <= LIMITS["name"] else one.word[: LIMITS["name"]]


def _about(name: str, same: Sequence[_Found]) -> str:
    """Return what the narrator says of a name: «Веста, фонарщица, …», otherwise a sentence that tells of it.

    Empty if there is no such sentence that a card has room for: a later part may say more.
    """
    appositions = [(one.word != name, said) for one in same if (said := _apposition(one))]
    if appositions:
        return min(appositions, key=lambda one: one[0])[1]  # beside the nominative it is in the nominative too
    return next((said for one in same if one.told and (said := _telling(one, same))), "")


def _telling(one: _Found, same: Sequence[_Found]) -> str:
    """Return the sentence of a name if it says more than names."""
    said = " ".join(one.sentence.split())
    others = set(_WORD.findall(said)).difference(found.word for found in same)
    tells = len(said.split()) >= _TELLING_WORDS and any(word[0].islower() for word in others)
    return said if tells and len(said) <= LIMITS["about"] else ""


def _without(name: str, about: str) -> str:
    """Return «пожал плечами» of «Бубен пожал плечами»: the card says the name already."""
    rest = about[len(name) + 1 :] if about.startswith(f"{name} ") else ""
    return rest if rest[:1].islower() and len(rest.split()) >= _TELLING_WORDS - 1 else about


def _apposition(one: _Found) -> str:
    match = None if one.in_speech else _APPOSITION.match(one.after)
    return " ".join(match[1].split()) if match and not _NO_APPOSITION.match(match[1]) else ""


@cache
def _no_name() -> re.Pattern[str]:
    return re.compile(any_of("no_name"), re.IGNORECASE)
