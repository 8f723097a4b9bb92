"""Who or what a narrator says a name is: «Агния, смотрительница маяка, …», "Agnia was the keeper of …". Pure.

Only a phrase whose head is a known word for somebody or something (`who` in `locales/*/phrases.toml`) counts, so what a
name does, wears or looks like is never taken for what it is.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from conversation.phrases import any_of

_MOST: Final = 90  # characters of what is said
_MOST_CALLED: Final = 3  # words of who is called by a name
_ADJECTIVES: Final = r"(?:(?:её|ее|его|их|моя|мой|наша?|одна|один|[а-яё]+(?:ый|ий|ой|ая|яя|ое|ее))\s){0,3}"
_INSTRUMENTAL: Final = re.compile(r"её|ее|его|их|[а-яё]+(?:ой|ей|ым|им)")
# «… маяка северного порта»: words in the genitive, no verbs
_OF: Final = r"(?:\s(?![а-яё]*(?:л[аои]?|л[аио]?с[ья]|да)\s)[а-яё]+(?:[аяыийх]|ов|ев|ого|его)){0,2}"
_DET: Final = r"(?:an?|the|his|her|their|my|our|its|[a-z]+['’]s)"
_NO_ADJECTIVE: Final = r"(?:an?|the|his|her|their|my|our|its|of|in|on|at|from|with|to|by|and|or|was|were|is|had)\s"
_REST: Final = r"[^,.;:!?…—–()\n]*"
_BINDS: Final = "of|in|at|from|with|without|who|that|to|on|for|by|near|under|behind|beyond|whose|whom"
_TAIL_ENGLISH: Final = rf"(?:\s(?:{_BINDS})\b{_REST})?"
_CLOSED: Final = r"(?=\s*(?:[,.;)—–…]|$))"
_MANY: Final = re.compile(r"\b(?:[^\W\d_]{2,}ли(?:сь)?|[^\W\d_]{2,}[уюая]т(?:ся)?)\b")  # «вошли», «идут»
_AND: Final = re.compile(r"(?:^|\s)(?:и|да|and|or|или)\s")
_VERB: Final = re.compile(r"\b\w+л(?:а|о|и)?(?:ся|сь)?\b")
_MAYBE: Final = re.compile(
    r"\b(?:если|будто|словно|вдруг|разве|неужели|не|ли|if|whether|though|unless|suppose\w*|pretend\w*)\b",
    re.IGNORECASE,
)
_NOMINATIVE_OF: Final = (
    *(("цей", "ца"), ("шей", "ша"), ("жей", "жа"), ("ой", "а"), ("ей", "я"), ("цом", "ец"), ("ом", ""), ("ем", "")),
    *(("ем", "ь"), ("ем", "й"), ("ью", "ь"), ("у", "а"), ("ю", "я"), ("ца", "ец"), ("а", ""), ("я", "ь"), ("я", "й")),
    ("", ""),
)  # of an accusative or an instrumental


def identity(before: str, after: str, *, nominative: bool) -> str:
    """Return what a sentence says a name is that stands between `before` and `after`; empty if it says nothing.

    `nominative`: the name has that case here, so what stands beside it has it too. Both sides are short: the work is a
    multiple of their lengths.
    """
    ways = (
        _called(before),
        *((_beside(before, after), _is(before, after), _ahead(before, after)) if nominative else ()),
    )
    return next((" ".join(said.split()) for said in ways if said and len(said) <= _MOST), "")


def said_by_a_hero(before: str, after: str) -> str:
    """Return what a hero says a name is: «Это Агния, смотрительница маяка»; empty if the hero may speak to it."""
    speaks_of = before[-2:-1].islower() and before.endswith(" ")
    said = _beside(before, after) if speaks_of else ""
    return " ".join(said.split()) if len(said) <= _MOST else ""


def _beside(before: str, after: str) -> str:
    """Return the apposition behind a name, after a comma or in brackets; empty for one of several in a list."""
    russian, english = _appositions()
    found = russian.match(after) or english.match(after)
    if found is None:
        return ""
    said, rest = found["said"], after[found.end() :]
    if found.re is russian:
        listed = bool(_VERB.search(said)) or _is_listed(before, rest)
    else:
        listed = bool(re.match(r"\s*,?\s*and\s", rest))
    return "" if listed or _AND.search(said) else said


def _is_listed(before: str, rest: str) -> bool:
    """Return whether a list goes on behind: «вошли Агния, сторож, собака и мальчик»."""
    last = _AND.search(rest)
    return last is not None and not _VERB.search(rest[: last.start()]) and bool(_MANY.search(f"{before} {rest}"))


def _is(before: str, after: str) -> str:
    """Return what stands behind a dash or «была», "is", "was"."""
    if _MAYBE.search(before) or after.rstrip(' »”"').endswith("?"):
        return ""
    dash, was, english = _copulas()
    found = dash.match(after) or english.match(after)
    if found is not None:
        return "" if found.re is dash and _VERB.search(found["said"]) else found["said"]
    found = was.match(after)
    if found is None:
        return ""
    words = found["said"].split()
    for place, word in enumerate(words):
        if head := _nominative(word):
            # «была смотрительницей маяка» is «смотрительница маяка»; «была старой подругой» stays.
            return " ".join([found["verb"], *words] if place else [head, *words[1:]])
        if not _INSTRUMENTAL.fullmatch(word):
            break
    return ""


def _ahead(before: str, after: str) -> str:
    """Return what stands before a name: «смотрительница маяка Агния», "her sister, Agnia,"."""
    if before.endswith(", "):
        alone = after.startswith(",") and not re.match(r",\s*and\s", after)
        before = f"{before[:-2]} " if alone and not _is_listed(before, after) else ""
    found = next(filter(None, (pattern.search(before) for pattern in _leads())), None)
    return _with_small_letter(found["said"]) if found else ""


def _called(before: str) -> str:
    """Return who is called by a name: «Смотрительницу маяка звали Агния», "The keeper's name was Agnia"."""
    russian, english = _calls()
    found = english.search(before)
    if found is not None:
        return _with_small_letter(found["said"])
    found = russian.search(before)
    words = found["said"].lower().split() if found else []
    heads = ((_nominative(word), words[place + 1 :]) for place, word in enumerate(words))
    return next((" ".join([head, *rest]) for head, rest in heads if head and len(rest) < _MOST_CALLED), "")


def _with_small_letter(said: str) -> str:
    return said[0].lower() + said[1:]


def _nominative(word: str) -> str:
    """Return a known word for somebody in the nominative; empty if the word is no form of one."""
    for ending, other in _NOMINATIVE_OF:
        stem = word.removesuffix(ending) if ending else word
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
def _appositions() -> tuple[re.Pattern[str], re.Pattern[str]]:
    return (
        re.compile(rf"\s*[,(]\s*(?P<said>{_russian()}{_REST}){_CLOSED}"),
        re.compile(rf"\s*[,(]\s*(?P<said>{_english()}{_TAIL_ENGLISH}){_CLOSED}"),
    )


@cache
def _copulas() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    verb = r"(?P<verb>был[ао]?|явля(?:ется|лась|лся)|служила?|работала?|стала?)"
    return (
        re.compile(rf"\s+[—–-]\s+(?:это\s+)?(?P<said>{_russian()}{_REST}){_CLOSED}"),
        re.compile(rf"\s+{verb}\s+(?P<said>[а-яё]+{_REST}){_CLOSED}"),
        re.compile(rf"\s+(?:is|was|had been|has been)\s+(?P<said>{_english()}{_TAIL_ENGLISH}){_CLOSED}"),
    )


@cache
def _leads() -> tuple[re.Pattern[str], re.Pattern[str]]:
    named = r"(?:\s+по\s+(?:имени|прозвищу|прозванию))?\s+"
    return (
        re.compile(rf"(?:^|(?<!\bof)[\s“(])(?P<said>{_english()})(?:,?\s(?:named|called))?\s+$", re.IGNORECASE),
        re.compile(rf"(?:^|[\s«(])(?P<said>{_russian()}{_OF}){named}$", re.IGNORECASE),
    )


@cache
def _calls() -> tuple[re.Pattern[str], re.Pattern[str]]:
    return (
        re.compile(r"(?P<said>[А-ЯЁа-яё]+(?:\s[а-яё]+){0,3})\s(?:звали|зовут|кличут|прозвали)\s+$"),
        re.compile(
            rf"(?:^|[\s“(])(?P<said>{_english()})(?:['’]s\sname\s(?:was|is)|\s(?:was|is)\s(?:named|called))\s+$",
            re.IGNORECASE,
        ),
    )
