"""A name that a part of a story has brought, with what is said of it there: an offer for a card. Pure.

A name is a word with a capital inside a sentence. It is offered if it stands in the texts twice, never in small
letters, and once in the nominative for sure (by its ending, or by a verb beside it). What is said of it is who or what
the narrator, or else a hero, says it is; a name of which the texts say nothing of that kind comes without it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from typing import Final

from conversation.cards import LIMITS, CardText
from conversation.identities import identity, said_by_a_hero
from conversation.naming import forms_of, plain_word
from conversation.phrases import any_of

_SENTENCE: Final = re.compile(r"[^.!?…\n]+[.!?…]*")
_WORD: Final = re.compile(r"[^\W\d_]+")
_CAPITAL: Final = re.compile(r"(?<![^\W\d_])[^\W\d_a-zа-яё][^\W\d_]*")  # and words of scripts that are rare here
_BEGINS: Final = re.compile(r"(?:^|[«“„\"(:—–-])\s*$")  # what stands before a word that has its capital for its place
_OBLIQUE: Final = re.compile(r"(?:[оеы]й|[оеыи]м|[аяыи]х|[оеё]ю|[ая]м|[ая]ми)$")
_INSTRUMENTAL: Final = re.compile(r"(?:[оеё]й|[оеё]м)$")  # «старика звали Пантелеем»
_VERB: Final = re.compile(r"\w+(?:[аеиуыя]ла(?:сь)?|[аеиуыя]ло(?:сь)?|шла|[еёи]т(?:ся)?|[аяую]т(?:ся)?)")
_VERB_HE: Final = re.compile(r"\w+(?:[аеиуыоя]л(?:ся)?|[ёе]л)")
_SAID: Final = re.compile(r"[—–-]\s*\w+л[аи]?(?:сь|ся)?\s*$")  # «— сказала …»
_DASH: Final = r"[—–-][^\S\n]+"
_BACK: Final = rf"[,!?…][^\S\n]*{_DASH}[a-zа-яё]"  # «…, — сказала»: from a reply back to the narrator
_REPLY: Final = rf"(?:(?!{_BACK}).)*"
_SPEECH: Final = re.compile(
    rf"(?:^[^\S\n]*{_DASH}|(?<=[.:])[^\S\n]*{_DASH}|(?<=[!?…])[^\S\n]*{_DASH}(?![a-zа-яё])){_REPLY}"
    rf"(?:{_BACK}[^.!?…\n]*,[^\S\n]*{_DASH}{_REPLY})*"
    r"|«[^»\n]*»?|„[^“”\n]*[“”]?|“[^”\n]*”?|\"[^\"\n]*\"?|^[^\S\n]*‘.*",
    re.MULTILINE,
)
_BESIDE: Final = 200  # characters of a sentence on either side of a name
_MOST_LOOKED_AT: Final = 20  # places of one name
_MOST_NAMES: Final = 8  # of which it is asked who they are; the most frequent ones
_LEAST: Final = 3  # letters of a name


@dataclass(frozen=True, slots=True)
class _Found:
    """A word with a capital. `inside`: it would have a small letter if it were no name.

    `in_speech`: it is said by a hero.
    """

    word: str
    sentence: str
    start: int
    inside: bool
    in_speech: bool

    @property
    def plain(self) -> str:
        return plain_word(self.word)

    @property
    def before(self) -> str:
        return self.sentence[max(0, self.start - _BESIDE) : self.start]

    @property
    def after(self) -> str:
        end = self.start + len(self.word)
        return self.sentence[end : end + _BESIDE]


def may_have_name(text: str) -> bool:
    """Return whether a text has a word that `new_name` might take for a name."""
    return any(_is_inside(sentence[0], match) for sentence, match in _words_with_capital(text))


def new_name(texts: Sequence[str], is_known: Callable[[str], bool]) -> CardText | None:
    """Return a card for a name that the last of these texts has; None if it has no new one.

    A name of which the texts say who or what it is goes first. `about` is empty where they say it of none.
    """
    newest = list(_capitals(texts[-1])) if texts else []
    fresh = {one.plain for one in newest if one.inside}
    if not fresh:
        return None
    found = [*(one for text in texts[:-1] for one in _capitals(text)), *newest]
    small: Set[str] | None = None
    places: dict[str, list[int]] = {}
    for place, one in enumerate(found):
        places.setdefault(one.plain, []).append(place)
    often: list[tuple[str, list[_Found]]] = []
    for name in dict.fromkeys(one.word for one in found):
        forms = forms_of(plain_word(name))
        if fresh.isdisjoint(forms):
            continue
        same = [found[place] for place in sorted(place for form in forms for place in places.get(form, ()))]
        if len(same) < 2:
            continue
        small = _in_small_letters(texts) if small is None else small
        if not forms & small:
            often.append((name, same))
    often.sort(key=lambda one: -len(one[1]))
    cards = (CardText(whole, _about(name, same)) for name, whole, same in islice(_sure(often, is_known), _MOST_NAMES))
    return max(cards, key=lambda card: bool(card.about), default=None)


def _sure(
    often: Iterable[tuple[str, Sequence[_Found]]], is_known: Callable[[str], bool]
) -> Iterator[tuple[str, str, Sequence[_Found]]]:
    """Yield the unknown names that stand in the nominative: the word, it with its surname, and where it stands."""
    for name, same in often:
        looked_at, all_forms = same[:_MOST_LOOKED_AT], {one.plain for one in same}
        sure = next((one for one in looked_at if one.word == name and _is_nominative(one, all_forms)), None)
        if sure is not None and not is_known(whole := _with_surname(sure)):
            yield name, whole, looked_at


def _capitals(text: str) -> Iterator[_Found]:
    speeches = [match.span() for match in _SPEECH.finditer(text)]
    for sentence, match in _words_with_capital(text):
        place = sentence.start() + match.start()
        in_speech = _overlaps(speeches, place, place + 1)
        yield _Found(match[0], sentence[0], match.start(), _is_inside(sentence[0], match), in_speech)


def _words_with_capital(text: str) -> Iterator[tuple[re.Match[str], re.Match[str]]]:
    """Yield each word that may be a name, after the sentence that it stands in."""
    for sentence in _SENTENCE.finditer(text):
        for match in _CAPITAL.finditer(sentence[0]):
            word = match[0]
            if word[0].isupper() and word[1:].islower() and len(word) >= _LEAST and not _no_name().fullmatch(word):
                yield sentence, match


def _is_inside(sentence: str, word: re.Match[str]) -> bool:
    return not _BEGINS.search(sentence[max(0, word.start() - _BESIDE) : word.start()])


def _overlaps(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Return whether a range overlaps one of the spans, which are in order and apart from each other."""
    before = bisect_left(spans, (end, 0))
    return before > 0 and spans[before - 1][1] > start


def _in_small_letters(texts: Sequence[str]) -> Set[str]:
    """Return the words that begin with a small letter, as `plain_word` gives them."""
    return set(
        plain_word(" ".join(word for text in texts for word in _WORD.findall(text) if word[0].islower())).split()
    )


def _is_nominative(one: _Found, all_forms: Set[str]) -> bool:
    """Return whether a name stands in the nominative here. `all_forms`: those of it that the texts have."""
    word = one.plain
    if not "а" <= word[-1] <= "я":
        return True
    # «Пантелей» looks like «Вестой», but no other form of «Веста» is made of that.
    if word[-1] not in "аеиоуыэюя" and (not _OBLIQUE.search(word) or len(all_forms) > 1):
        return True
    if word[-1] in "аяиыуюе" and any(other[-1] not in "иыуюе" and _is_made_of(word, other) for other in all_forms):
        return False
    verb = _WORD.match(one.after.lstrip(" "))
    following = verb[0].lower() if verb and one.after.startswith(" ") else ""
    told = word[-1] not in "иыуюе"  # no «брат Агнии ушёл»
    if told and (_VERB.fullmatch(following) or (word[-1] not in "ая" and _VERB_HE.fullmatch(following))):
        return True
    if _SAID.search(one.before) or re.match(r"\s+[—–]\s", one.after):
        return True
    return bool(identity("", _behind(one), nominative=True))  # in the nominative itself: «Веста, фонарщица, …»


def _is_made_of(form: str, word: str) -> bool:
    """Return whether a form is another case of a word: «Агнии» of «Агния», «Ивана» of «Иван»."""
    return form != word and len(form) >= len(word) and form in forms_of(word)


def _with_surname(one: _Found) -> str:
    """Return the name with the one that follows it: «Иван Кузьмич»."""
    following = re.match(r" ([^\W\d_]+)", one.after)
    both = f"{one.word} {following[1]}" if following and following[1][0].isupper() else one.word
    return both if len(both) <= LIMITS["name"] else one.word[: LIMITS["name"]]


def _behind(one: _Found) -> str:
    """Return what stands behind a name and its surname."""
    return re.sub(r"^(?: [^\W\d_a-zа-яё][^\W\d_]*){1,2}", "", one.after)


def _about(name: str, same: Sequence[_Found]) -> str:
    """Return who or what the narrator says a name is, otherwise a hero; empty if the texts don't say it."""
    told = (one for one in same if not one.in_speech and (one.word == name or _INSTRUMENTAL.search(one.word)))
    said = (identity(one.before, _behind(one), nominative=one.word == name) for one in told)
    spoken = (said_by_a_hero(one.before, _behind(one)) for one in same if one.in_speech and one.word == name)
    return next(filter(None, chain(said, spoken)), "")


@cache
def _no_name() -> re.Pattern[str]:
    return re.compile(any_of("no_name"), re.IGNORECASE)
