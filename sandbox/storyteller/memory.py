"""A story's memory, made out of the old one and the new passages in the lines that the prompt asks for."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from sandbox.storyteller.data import Scene, stock
from sandbox.storyteller.grammar import fill, last_place, sentences, told
from sandbox.storyteller.plan import Plan, plan_of
from sandbox.storyteller.request import LOCALES, Brief
from sandbox.storyteller.status import LINE

_SENTENCE: Final = re.compile(r"[^.!?…]+[.!?…]+")
_ROLES: Final = (
    ("hero", r"Герой|Hero"),
    ("people", r"Люди|People"),
    ("where", r"Где и когда|Where and when"),
    ("beginning", r"Начало|Beginning|Opening|First scene"),
    ("happened", r"Было|Happened"),
    ("open", r"Не решено|Unresolved"),
    ("telling", r"Рассказ|Telling"),
)


def memory(asked: str, language: str) -> str:
    """Return the new memory of a story in the lines that the prompt asks for, each in whole sentences."""
    ru = language == "ru"
    limit = re.search(r"до (\d+) знаков|up to (\d+) characters", asked)
    size = int(limit[1] or limit[2]) if limit else 1500
    before, _, rest = asked.partition("Новые отрывки:\n" if ru else "New passages:\n")
    parts, _, form = _cut(rest)
    rows = _rows(before)
    heads = [head for head in re.findall(r"^([А-ЯЁA-Z][\w ]{2,24}): ", form, re.MULTILINE) if _role(head)]
    heads = heads or (
        ["Герой", "Люди", "Где и когда", "Было", "Не решено", "Рассказ"]
        if ru
        else ["Hero", "People", "Where and when", "Happened", "Unresolved", "Telling"]
    )
    known = _Recalled(language, parts, rows)
    space = max(60, (size - sum(len(head) + 3 for head in heads)) // max(1, len(heads)))
    lines = []
    for head in heads:
        share = space * 2 if _role(head) == "happened" else space * 5 // 6
        lines.append(f"{head}: {_whole(known.line(_role(head)), share)}")
    return "\n".join(lines)[:size]


class _Recalled:
    """What the new passages and the old memory tell."""

    def __init__(self, language: str, parts: str, rows: Mapping[str, str]) -> None:
        self._ru = language == "ru"
        self._data = stock(language)
        self._parts = parts
        self._rows = rows
        self._all = "\n".join([*rows.values(), parts])
        scenes = [*self._data.openings, *self._data.scenes]
        self._scenes = sorted(
            (scene for scene in scenes if told(scene.hook, parts)), key=lambda scene: last_place(scene.hook, parts)
        )
        self._plan = self._guess()

    def line(self, role: str) -> str:
        """Return the sentences of one line of the memory."""
        made = getattr(self, f"_{role}")()
        return str(made) or ("Не названо." if self._ru else "Not named.")

    def _guess(self) -> Plan | None:
        """Return the plan of the story, by the names of the old memory or of the first part."""
        hero = self._rows.get("hero", "")
        full = re.split(r"[,.;]", hero)[0] if hero else self._hero_of_text()
        genres: Mapping[str, Any] = self._data.tables["genre_plan"]
        best = max(genres, key=lambda key: self._matches(genres[key]), default="any")
        if not self._matches(genres[best]):
            return None
        for label in _genre_labels(self._ru):
            if self._data.genre(label) == best:
                for about in self._abouts(full):
                    plan = plan_of(Brief("ru" if self._ru else "en", "part", genre=label, hero=about))
                    if self._named(plan, "T") or self._named(plan, "D"):
                        return plan
        return None

    def _named(self, plan: Plan, slot: str) -> bool:
        forms = [plan.slots[slot].case(case) for case in ("nom", "gen", "acc", "ins")]
        return any(form.lower() in self._all.lower() for form in forms)

    def _matches(self, row: Mapping[str, Any]) -> int:
        low = self._all.lower()
        words = [thing[0] for thing in row["things"]] + [one[0] for one in (*row["companions"], *row["rivals"])]
        return sum(low.count(_stem(word.lower())) for word in words)

    def _hero_of_text(self) -> str:
        for template in (*self._data.texts("about"), *self._data.texts("about_plain")):
            found = re.search(_pattern(template, "F"), self._parts)
            if found:
                return found["wanted"].strip()
        names = self._names()
        return names[0] if names else ""

    def _abouts(self, full: str) -> list[str]:
        """Return the hero as the card may have it: with what is said after the colon, where the first part says it."""
        found = [full]
        for template in self._data.texts("about"):
            match = re.search(_pattern(template, "about"), self._parts)
            if match:
                found.insert(0, f"{full}: {match['wanted'].strip()}")
        kept = self._rows.get("hero", "")
        about = re.search(r"^[^,.;]+[,:] ([^.]+)\.", kept)
        if about:
            found.insert(0, f"{full}: {about[1]}")
        return found

    def _names(self) -> list[str]:
        found = re.findall(r"(?<=[\wа-яё,«“] )[А-ЯЁA-Z][а-яёa-z]{2,}", self._parts)
        return [name for name, _ in Counter(found).most_common(6)]

    def _hero(self) -> str:
        kept = self._rows.get("hero", "")
        if self._plan is None:
            return kept or (f"{self._hero_of_text()}." if self._hero_of_text() else "")
        about = f", {self._plan.about}" if self._plan.about else ""
        slots = self._plan.slots
        if self._ru:
            return f"{self._plan.full}{about}. При себе {slots['T'].case('nom')}, в кармане {slots['K'].case('nom')}."
        return f"{self._plan.full}{about}. Carries {slots['T'].case('nom')}, and {slots['K'].case('nom')} in a pocket."

    def _people(self) -> str:
        kept = self._rows.get("people", "")
        if self._plan is None:
            return " ".join(filter(None, [kept, ", ".join(self._names()) + "." if self._names() else ""]))
        told_of = []
        if self._named(self._plan, "D"):
            told_of.append("{D}, {DT}, идёт вместе с героем." if self._ru else "{D}, {DT}, goes with the hero.")
        if self._named(self._plan, "A"):
            told_of.append("{A:cap} идёт следом." if self._ru else "{A:cap} follows them.")
        return " ".join(fill(text, self._plan.slots) for text in told_of) or kept

    def _where(self) -> str:
        kept = self._rows.get("where", "")
        place = ""
        for template in (*self._data.texts("place"), *self._data.texts("place_plain")):
            found = re.search(_pattern(template, "P"), self._parts)
            if found:
                place = found["wanted"].strip()
        if not place:
            return kept
        until = self._plan.slots["L"].case("nom") if self._plan is not None else ""
        when = (f" Времени осталось до {until}." if self._ru else f" There is time until {until}.") if until else ""
        return f"{place}.{when}"

    def _memos(self, scenes: Sequence[Scene]) -> str:
        if self._plan is None:
            return ""
        return " ".join(fill(scene.memo, self._plan.slots) for scene in scenes)

    def _beginning(self) -> str:
        return self._rows.get("beginning", "") or self._memos(self._scenes[:1])

    def _happened(self) -> str:
        kept = self._rows.get("happened", "")
        new = self._memos(self._scenes)
        if not new:
            lines = [line for line in sentences(self._parts) if 15 < len(line) < 160]
            new = " ".join(lines[:3])
        return " ".join(filter(None, [kept, new]))

    def _open(self) -> str:
        """Return what is unresolved, and the last line of the System word for word."""
        lines = LINE.findall(self._all)
        return " ".join(filter(None, [self._unresolved(), f"{lines[-1]}." if lines else ""]))

    def _unresolved(self) -> str:
        if self._plan is None:
            lines = sentences(self._parts)
            return LINE.sub("", lines[-1] if lines else self._rows.get("open", "")).strip(". ")
        text = (
            "Успеет ли {V} донести вещь до {L} и чего на самом деле хочет {A}."
            if self._ru
            else "Whether {V} brings the thing there by {L}, and what {A} really wants."
        )
        return fill(text, self._plan.slots)

    def _telling(self) -> str:
        own = re.search(
            r"(?<!\w)(?:я|меня|мне)(?!\w)|\b(?:I|me)\b", re.sub(r"(?m)^—.*$|[“«][^”»]*[”»]", "", self._parts)
        )
        if self._ru:
            return f"{'Первое' if own else 'Третье'} лицо, прошедшее время."
        return f"{'First' if own else 'Third'} person, past tense."


def _cut(rest: str) -> tuple[str, str, str]:
    found = re.search(r"\n(?:Запиши обновлённую|Write (?:down )?the updated)", rest)
    return (rest[: found.start()], "", rest[found.start() :]) if found else (rest, "", "")


def _rows(before: str) -> dict[str, str]:
    """Return the lines of the old memory by what they are about."""
    text = re.sub(r"^.*?(?:Прежняя память|Previous memory): ?", "", before, count=1, flags=re.DOTALL)
    rows = {}
    for line in text.splitlines():
        head, _, said = line.partition(": ")
        if _role(head) and said.strip() and said.strip() not in ("Не названо.", "Not named."):
            rows[_role(head)] = said.strip()
    return rows


def _role(head: str) -> str:
    return next((role for role, pattern in _ROLES if re.fullmatch(pattern, head.strip())), "")


@cache
def _genre_labels(ru: bool) -> tuple[str, ...]:
    path = LOCALES / ("ru" if ru else "en") / "presets.toml"
    labels = [str(row["label"]) for row in tomllib.loads(path.read_text("utf-8"))["genre"]]
    return (*labels, "")


def _pattern(template: str, slot: str) -> str:
    """Return a template as an expression that finds what stood in its slot."""
    pieces = re.split(r"\{(\w+)(?::\w+)*\}|\[[^\]]*\]", template)
    done = []
    for place, piece in enumerate(pieces):
        if place % 2:
            done.append(r"(?P<wanted>[^\n.«»“”]{2,90}?)" if piece == slot else r"[^\n]{0,160}?")
        else:
            done.append(re.escape(piece))
    return "".join(done)


def _stem(word: str) -> str:
    return word[: max(4, len(word) - 2)]


def _whole(text: str, space: int) -> str:
    """Return as many whole sentences of the text's end as there is space for; at least one, cut at a word."""
    if len(text) <= space:
        return text
    kept: list[str] = []
    for sentence in reversed(_SENTENCE.findall(text)):
        if kept and sum(map(len, kept)) + len(sentence) > space:
            break
        kept.insert(0, sentence)
    done = "".join(kept).strip()
    return done if done and len(done) <= space else text[:space].rsplit(" ", 1)[0].rstrip(" ,;:—") + "."
