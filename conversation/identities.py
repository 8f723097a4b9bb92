"""Who or what a narrator says a name is: «Агния, смотрительница маяка, …», "Agnia was the keeper of …". Pure.

Only a phrase whose head is a known word for somebody or something (`who` in `locales/*/phrases.toml`) counts, so what a
name does, wears or looks like is never taken for what it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

from conversation.phrases import any_of

_MOST: Final = 90  # characters of what is said
_MOST_ADJECTIVES: Final = 4  # before a noun
_ADJECTIVES: Final = r"(?:(?:её|ее|его|их|моя|мой|наша?|одна|один|[а-яё]+(?:ый|ий|ой|ая|яя|ое|ее))\s){0,3}"
_INSTRUMENTAL: Final = re.compile(r"её|ее|его|их|[а-яё]+(?:ой|ей|ым|им)")
# «… маяка северного порта», «… лет сорока»: words in the genitive, no verbs and no adverbs
_NO_GENITIVE: Final = (
    r"[а-яё]*(?:л[аои]?|с[ья]|да)\b|(?:котор\w+|мо[йя]|вчера|сегодня|однажды|снова|дома|почти|кстати|или|при|для|ней"
    r"|[тмс]ебя|впереди|[а-яё]*ади|больна|жива|мертва)\b"
)
_GENITIVE: Final = rf"(?:лет|е[её]|их|его|(?!{_NO_GENITIVE})[А-ЯЁа-яё][а-яё]+(?:[аяыийх]|ов|ев|ого|его))\b"
_OF: Final = rf"(?:\s{_GENITIVE}){{0,4}}"
_FROM: Final = rf"(?:\s(?:со?|из)\s(?!не[йё]|соб)(?:{_GENITIVE}\s?){{1,3}}(?<!\s))?"  # no «меч в руке», no «муж с ней»
_IN: Final = r"(?:\s(?:в|на|из|со?|при)\s[^,.;:!?…—–()\n]+)?"
_DET: Final = r"(?:an?|the|his|her|their|my|our|its|[a-z]+['’]s)"
_NO_ADJECTIVE: Final = r"(?:an?|the|his|her|their|my|our|its|of|in|on|at|from|with|to|by|and|or|was|were|is|had)\s"
_REST: Final = r"[^,.;:!?…—–()\n]*"
_TAIL_BESIDE: Final = (  # no "the cat on her lap", no "a ghost of a smile"
    rf"(?:\s(?:of\b(?!\s(?:an?\s|\w+sel))|from|without|who|whose|whom|with\b(?!\s(?:her|him|them|it|me|us)[,)])){_REST})?"
)
_TAIL_IS: Final = (
    rf"(?:\s(?:of(?!\s\w+sel)|in(?!\s(?:his|her|their|my)\s)|at|from|with|without|who|whose|whom|near)\b{_REST})?"
)
_CLOSED: Final = r"(?=\s*(?:[,.;)—–…]|$))(?!,\s*(?:котор|как|чь[яеёи]|чей|что|кто|чем|who|whose|that|which|such))"
_MANY: Final = re.compile(r"\b(?:[^\W\d_]{2,}ли(?:сь)?|[^\W\d_]{2,}[уюая]т(?:ся)?)\b")  # «вошли», «идут»
_AND: Final = re.compile(r"(?:^|\s)(?:и|да|а|но|and|or|but|или)\s")
_VERB: Final = re.compile(r"\b\w+л(?:а|о|и)?(?:ся|сь)?\b")
_MAYBE: Final = re.compile(
    r"\b(?:если|будто|словно|вдруг|разве|неужели|не|ли|что|чтобы?|бы|казал\w+|кажется|снил\w+|якобы|мол|для|чь\w+|котор\w+"
    r"|(?:по)?думал\w*|решил\w*|наверно\w?|может|мнени\w+|словам|счита\w+|зна(?:л|[еюя])\w*|назыв\w+|слух\w*|говор\w+|раз|сне|сказк\w+|story|when|once|for|to|according|if|whether"
    r"|though|unless|suppos\w+|pretend\w*|thought|think\w*|believ\w+|dream\w*|hop(?:ed?|ing)|wish\w*|guess\w*|imagin\w+"
    r"|seem\w*|claim\w*|lie[ds]?|wonder\w*|perhaps|maybe|never|not|no|nobody|said|say(?:s|ing)?|told|knew|know\w*|heard|opinions?|consider\w*|like|as)\b|n['’]t\b",
    re.IGNORECASE,
)
_SOON: Final = 25  # characters: «Агния — ведьма, подумал он»
_ADDRESSED: Final = re.compile(
    r"(?:\b(?:dear|oh?|hey|no|yes|нет|да|эй|о|ну|ах|мил\w+|дорог\w+|любим\w+),?|[«“„\"—–-])\s*$", re.IGNORECASE
)
_NAME_AHEAD: Final = re.compile(r"[A-ZА-ЯЁ]\w*,\s*$")  # of a list: «Вошли Кузьма, Агния, сторож.»
_WITH_HER: Final = re.compile(r"(?:his|her|their|its)\s.*\s(?:with|without|from)\s")  # "her son without a word"
_SAYS_AN_ACTION: Final = re.compile(
    r"(?!.*\swho(?:se|m)?\s).*[a-z]{2}[a-df-z]ed(?:\s[a-z]+ly)?$"
)  # "of the ship yelled"
_INTRODUCED: Final = re.compile(r"\b(?:это|this is|there is|here is)\s$", re.IGNORECASE)
_MY: Final = re.compile(r"\b(?:мо[йя]|my)\b")
_OF_INSTRUMENTAL: Final = (
    *(("цей", "ца"), ("шей", "ша"), ("жей", "жа"), ("ой", "а"), ("ей", "я"), ("цом", "ец"), ("ом", ""), ("ем", "")),
    *(("ем", "ь"), ("ем", "й"), ("ью", "ь")),
)
_OF_ACCUSATIVE: Final = (
    *(("у", "а"), ("ю", "я"), ("ца", "ец"), ("а", ""), ("я", "ь"), ("я", "й"), ("ть", "ть"), ("чь", "чь")),
    ("вь", "вь"),
)


def identity(before: str, after: str, *, nominative: bool) -> str:
    """Return what a sentence says a name is that stands between `before` and `after`; empty if it says nothing.

    `nominative`: the name has that case here, so what stands beside it has it too. Both sides are short: the work is a
    multiple of their lengths.
    """
    if re.match("['’]", after):
        return ""
    ways = (
        _called(before, after),
        *((_beside(before, after), _is(before, after)) if nominative else ()),
    )
    return next((" ".join(said.split()) for said in ways if said and len(said) <= _MOST), "")


def said_by_a_hero(before: str, after: str) -> str:
    """Return what a hero says a name is: «Это Агния, смотрительница маяка»; empty if the hero may speak to somebody."""
    said = _beside(before, after) if _INTRODUCED.search(before) and not _MAYBE.search(before) else ""
    to_somebody = " " not in said or _MY.search(said)  # «Это Агния, сестра, …»
    return " ".join(said.split()) if len(said) <= _MOST and not to_somebody else ""


def _beside(before: str, after: str) -> str:
    """Return the apposition behind a name, after a comma or in brackets; empty for one of several in a list."""
    russian, english = _appositions()
    found = russian.match(after) or english.match(after)
    if found is None or _ADDRESSED.search(before) or _NAME_AHEAD.search(before):
        return ""
    said, rest = found["said"], after[found.end() :]
    if _WITH_HER.match(said) or _SAYS_AN_ACTION.match(said):
        return ""
    in_english = re.match(rf"\s*,?\s*(?:and|or|{_DET})\s", rest) is not None
    listed = in_english if found.re is english else _is_listed(before, rest)
    return "" if listed or _AND.search(said) else said


def _is_listed(before: str, rest: str) -> bool:
    """Return whether a list goes on behind: «вошли Агния, сторож, собака и мальчик»."""
    russian, _ = _appositions()
    if russian.match(rest):
        return True
    last = _AND.search(rest)
    if last is None or _VERB.search(rest[: last.start()]):
        return False
    return bool(rest[: last.start()].strip(" ,)") or _MANY.search(f"{before} {rest}"))


def _is(before: str, after: str) -> str:
    """Return what stands behind a dash or «была», "is", "was"."""
    dash, was, english = _copulas()
    found = dash.match(after) or english.match(after) or was.match(after)
    if found is None or _AND.search(found["said"]) or _is_doubtful(before, after):
        return ""
    if _MAYBE.search(after, found.end(), found.end() + _SOON):
        return ""
    if found.re is not was:
        return found["said"]
    words = found["said"].split()
    for place, word in enumerate(words[:_MOST_ADJECTIVES]):
        if head := _nominative(word, _OF_INSTRUMENTAL):
            if not _tail().fullmatch("".join(f" {other}" for other in words[place + 1 :])):
                return ""
            # «была смотрительницей маяка» is «смотрительница маяка»; «была старой подругой» stays.
            return " ".join([found["verb"], *words] if place else [head, *words[1:]])
        if not _INSTRUMENTAL.fullmatch(word):
            break
    return ""


def _called(before: str, after: str) -> str:
    """Return who is called by a name: «Смотрительницу маяка звали Агния», "The keeper's name was Agnia"."""
    if not _CALLED.search(before, max(0, len(before) - _LONGEST_CALLED)) or _is_doubtful(before, after):
        return ""
    for pattern in _named():
        if (found := pattern.search(before)) and not re.match(rf"\s+{_DET}\s", after):  # "named Agnia her heir"
            return found["said"][0].lower() + found["said"][1:]
    called = _RUSSIAN_CALLED.search(before)
    words = called["said"].lower().split() if called else []
    heads = ((_nominative(word, _OF_ACCUSATIVE), words[place + 1 :]) for place, word in enumerate(words))
    head, rest = next(((head, rest) for head, rest in heads if head), ("", []))
    return " ".join([head, *rest]) if re.fullmatch(_OF, "".join(f" {word}" for word in rest)) else ""


def _is_doubtful(before: str, after: str) -> bool:
    return bool(_MAYBE.search(before)) or after.rstrip(' »”"').endswith("?")


def _nominative(word: str, endings: Sequence[tuple[str, str]]) -> str:
    """Return a known word for somebody in the nominative; empty if the word is no such form of one."""
    for ending, other in endings:
        stem = word.removesuffix(ending)
        if word.endswith(ending) and len(stem) > 1 and _who().fullmatch(f"{stem}{other}"):
            return f"{stem}{other}"
    return ""


@cache
def _who() -> re.Pattern[str]:
    return re.compile(any_of("who"), re.IGNORECASE)


def _russian() -> str:
    return rf"{_ADJECTIVES}(?=[а-яё]){any_of('who')}\b"


def _english() -> str:
    return rf"{_DET}\s(?:(?!{_NO_ADJECTIVE})[a-z'’-]+\s){{0,4}}?{any_of('who')}\b"


@cache
def _tail() -> re.Pattern[str]:
    return re.compile(rf"{_OF}{_IN}")


@cache
def _appositions() -> tuple[re.Pattern[str], re.Pattern[str]]:
    return (
        re.compile(rf"\s*[,(]\s*(?P<said>{_russian()}{_OF}{_FROM}){_CLOSED}"),
        re.compile(rf"\s*[,(]\s*(?P<said>{_english()}{_TAIL_BESIDE}){_CLOSED}"),
    )


@cache
def _copulas() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    verb = r"(?P<verb>был[ао]?|явля(?:ется|лась|лся)|служила?|работала?|стала?)"
    return (
        re.compile(rf"\s+[—–-]\s+(?:это\s+)?(?P<said>{_russian()}{_OF}{_FROM}){_CLOSED}"),
        re.compile(rf"\s+{verb}\s+(?P<said>[а-яё]+{_REST}){_CLOSED}"),
        re.compile(rf"\s+(?:is|was|had been|has been)\s+(?P<said>{_english()}{_TAIL_IS}){_CLOSED}"),
    )


_CALLED: Final = re.compile(r"(?:звали|зовут|кличут|имени|прозв\w+|named|called|is|was)\s+$", re.IGNORECASE)
_LONGEST_CALLED: Final = 20  # characters
_RUSSIAN_CALLED: Final = re.compile(r"(?P<said>[А-ЯЁа-яё]+(?:\s[а-яё]+){0,3})\s(?:звали|зовут|кличут|прозвали)\s+$")


@cache
def _named() -> tuple[re.Pattern[str], ...]:
    """Return «рыжая девочка по имени», "a red-haired girl named", "the keeper was called"."""
    return (
        re.compile(rf"(?:^|[\s«(])(?P<said>{_russian()})\sпо\s(?:имени|прозвищу|прозванию)\s+$", re.IGNORECASE),
        re.compile(rf"(?:^|[\s“(])(?P<said>(?=an?\s){_english()}),?\snamed\s+$", re.IGNORECASE),
        re.compile(
            rf"^[\s“(—–-]*(?P<said>{_english()})(?:['’]s\sname\s(?:was|is)|\s(?:was|is)\s(?:named|called))\s+$",
            re.IGNORECASE,
        ),
    )
