"""What the local models answer: small stories put together from ready sentences. No neural network is at work.

Pure and repeatable: the same messages yield the same text. The prompt is read for genre, hero, place and
memory, for the user's last words, and for what is asked (a part, an ending, three suggestions as JSON, the
memory, a title, a picture's description); everything else is a chat, which `talker` answers. A person's words
are used in the nominative only, and verbs stand in the present, so that the grammar holds whatever the hero is.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from core.schemas import Message
from sandbox import talker

_LABELS: Final = {
    "genre": ("Жанр", "Genre"),
    "hero": ("Герой", "Hero"),
    "setting": ("Место", "Setting", "Place"),
    "memory": ("Раньше было", "О чём она", "Earlier", "Before", "So far", "What happened before"),
}
# What an answer is about, by words of the prompt's first line, which a person's own words never reach.
_ASIDES: Final = (
    ("suggestions", r"три поступка|three (?:things|actions|deeds|moves|steps)"),
    ("talk_memory", r"память разговора|memory of (?:a|the) (?:chat|talk|conversation)"),
    ("memory", r"память истории|memory of (?:a|the) story|story's memory"),
    ("title", r"название истории|title (?:of|for) "),
    ("illustration", r"Опиши художнику|Describe .{0,40}(?:artist|illustrator)"),
)
# The same by the beginning of any line; the first that fits.
_KINDS: Final = (
    ("epilogue", r"^(?:Напиши эпилог|Write (?:an|the) epilogue)"),
    ("ending", r"^(?:Напиши финал|Write the (?:ending|finale|end)\b)"),
    ("part", r"^(?:Жанр|Genre):"),
)
_ENDINGS: Final = (
    ("endings_happy", r"счастливый|Ending: a happy"),
    ("endings_tragic", r"трагический|Ending: a tragic"),
    ("endings_unexpected", r"неожиданный, разгадка|неожиданный: разгадка|Ending: an unexpected"),
)
# Lines of the user's side that were only ever on the wire.
_WIRE_LINES: Final = re.compile(
    r"^(?:(?:Начни историю|Начни второй том|Begin the story|Start the story|Begin the second volume)\b.*"
    r"|(?:Продолжи|Напиши финал|Напиши эпилог|Go on|Continue|Write the (?:ending|finale|epilogue))\.?)$|^\(.*\)$",
    re.MULTILINE,
)
QUOTE_CHARS: Final = 90


@dataclass(frozen=True, slots=True)
class Brief:
    """What the prompt says about the story."""

    language: str
    kind: str
    genre: str = ""
    hero: str = ""
    setting: str = ""
    quote: str = ""
    asked: str = ""
    earlier: str = ""  # all that was written: nothing of it is said again

    @property
    def values(self) -> dict[str, str]:
        """What the stock sentences' gaps are filled with; a stranger and the map's edge where nothing is given."""
        hero, about = _named(self.hero, "Незнакомец" if self.language == "ru" else "The stranger")
        place, there = _named(self.setting, "Край карты" if self.language == "ru" else "The edge of the map")
        called = re.split(r",| (?:the|on|of) ", hero)[0]  # “Wren the Mapmaker” is Wren for short
        words = called.split() or [hero]  # a hero may be «,»
        short = (len(words) > 1 or called != hero) and len(words) <= 3 and words[0] != "The"
        name = words[-1] if short and words[-1][:1].isupper() else hero
        return {"hero": hero, "name": name, "about": about, "place": place, "there": there, "quote": self.quote}


def tell(messages: Sequence[Message], salt: str = "") -> str:
    """The answer to a prompt. Another `salt` makes another variant."""
    brief = read(messages)
    seed = blake2b("\0".join([salt, *(message.text for message in messages)]).encode("utf-8", "replace")).digest()
    teller = _Teller(brief, int.from_bytes(seed[:6], "big"))
    answers: dict[str, Callable[[], str]] = {
        "part": teller.part,
        "ending": teller.ending,
        "epilogue": lambda: teller.pick("epilogues"),
        "suggestions": teller.suggestions,
        "memory": lambda: _memory(messages[-1].text, brief),
        "title": teller.title,
        "illustration": lambda: str(_stock()[brief.language]["illustration"]),
        "talk_memory": lambda: talker.remember(messages[-1].text),
        "chat": lambda: talker.talk(messages, salt),
    }
    return answers[brief.kind]()


def read(messages: Sequence[Message]) -> Brief:
    """What a prompt asks for."""
    asking = "\n".join(message.text for message in messages if message.role == "system") or messages[-1].text
    last = next((message.text for message in reversed(messages) if message.role == "user"), "")
    latin, cyrillic = len(re.findall(r"[a-z]", asking)), len(re.findall(r"[а-яё]", asking))
    fields = {name: _field(asking, labels) for name, labels in _LABELS.items()}
    return Brief(
        "en" if latin > cyrillic else "ru",
        _kind(asking),
        fields["genre"],
        fields["hero"],
        fields["setting"],
        _quote(last),
        asking,
        "\n".join([fields["memory"], *(message.text for message in messages if message.role == "assistant")]),
    )


class _Teller:
    def __init__(self, brief: Brief, seed: int) -> None:
        self._brief = brief
        self._seed = seed
        self._said = brief.earlier

    def pick(self, name: str) -> str:
        """A text of this sort that the story doesn't have yet; one of the genre's own as often as not."""
        stock = _stock()[self._brief.language]
        genre = self._brief.genre.casefold()
        own = [text for key, texts in stock.get("genre", {}).items() if key in genre for text in texts.get(name, ())]
        self._seed = (self._seed * 6364136223846793005 + 1442695040888963407) % 2**64
        number = self._seed >> 20
        fresh = [self._new(texts) for texts in ((own, stock[name]) if number % 2 else (stock[name], own))]
        texts = fresh[0] or fresh[1] or [self._filled(text) for text in stock[name]]
        text = texts[(number >> 1) % len(texts)]
        self._said += f"\n{text}"
        return text

    def part(self) -> str:
        """A part of three or four paragraphs that ends where it gets exciting."""
        begins = not self._brief.earlier.strip()
        first = self.pick("openings") if begins else self.pick("links" if self._brief.quote else "onward")
        middle = self.pick("middles")
        if begins and self._brief.quote:
            middle = f"{self.pick('links')} {middle}"
        paragraphs = [first, middle, self.pick("middles"), self.pick("cliffhangers")]
        if begins and sum(map(len, paragraphs)) > 1100:
            del paragraphs[2]
        while sum(map(len, paragraphs)) < 600:
            paragraphs[0] += f" {self.pick('middles')}"
        return "\n\n".join(paragraphs)

    def ending(self) -> str:
        """Two paragraphs that end the story the way it was asked for."""
        stock = _stock()[self._brief.language]
        fitting = (name for name, pattern in _ENDINGS if re.search(pattern, self._brief.asked) and name in stock)
        wanted = next(fitting, "endings")
        first = self.pick("links" if self._brief.quote else "onward")
        return f"{first}\n\n{self.pick(wanted)}"

    def suggestions(self) -> str:
        """Three things to do next, one of each kind, as JSON."""
        options = [self._filled(text) for text in _stock()[self._brief.language]["options"]]
        size = len(options) // 3
        chosen = [options[kind * size + (self._seed >> kind) % size] for kind in range(3)]
        return json.dumps({"options": chosen}, ensure_ascii=False)

    def title(self) -> str:
        """The story's title: its place if that is short enough, else a ready one."""
        place = self._brief.values["place"]
        fits = self._brief.setting and len(place) <= 40 and len(place.split()) <= 5
        return place if fits and self._seed % 2 else self.pick("titles")

    def _new(self, texts: Sequence[str]) -> list[str]:
        filled = [self._filled(text) for text in texts]
        return [text for text in filled if text[-40:] not in self._said]

    def _filled(self, text: str) -> str:
        return re.sub(r" {2,}", " ", text.format(**self._brief.values)).strip()


@cache
def _stock() -> Mapping[str, Any]:
    with Path(__file__).with_suffix(".toml").open("rb") as file:
        return tomllib.load(file)


def _kind(asking: str) -> str:
    first_line = asking.partition("\n")[0]
    asides = (kind for kind, pattern in _ASIDES if re.search(pattern, first_line))
    others = (kind for kind, pattern in _KINDS if re.search(pattern, asking, re.MULTILINE))
    return next(asides, None) or next(others, "chat")


def _field(text: str, labels: Sequence[str]) -> str:
    found = re.search(rf"^(?:{'|'.join(labels)}):[ \t]*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def _named(text: str, otherwise: str) -> tuple[str, str]:
    """The name in «Картограф Веста: карта по ночам дорисовывает дороги», and the rest as a sentence."""
    name, _, about = text.partition(":") if text.count(":") == 1 else (re.split(r"[,.;(\n]| — ", text)[0], "", "")
    name, about = name.strip()[:60] or otherwise, about.strip()
    if about:
        about = about[0].upper() + about[1:] + ("" if about[-1] in ".!?…" else ".")
    return name[0].upper() + name[1:], about


def _quote(text: str) -> str:
    """The user's own last words, short enough to stand in quotation marks; empty where they said nothing."""
    words = " ".join(_WIRE_LINES.sub("", text).split())
    first = re.split(r"(?<=[.!?…])\s", words)[-1].strip(" .…")
    if len(first) > QUOTE_CHARS:
        first = first[:QUOTE_CHARS].rsplit(" ", 1)[0].rstrip(" ,;:—-") + "…"
    return re.sub(r"[«»“”\"{}]", "", first)


def _memory(asked: str, brief: Brief) -> str:
    limit = re.search(r"до (\d+) знаков|up to (\d+) characters", asked)
    size = int(next(group for group in limit.groups() if group)) if limit else 1500
    before, _, parts = asked.partition("Новые отрывки:\n" if brief.language == "ru" else "New passages:\n")
    parts = re.split(r"\n(?:Запиши обновлённую|Write (?:down )?the updated)", parts)[0]
    known = re.search(r"(?:Было|Happened): (.+)", before)
    hero = re.search(r"(?:Герой|Hero): (.+)", before)
    names = re.findall(r"(?<=[\wа-яё,] )[А-ЯЁA-Z][а-яёa-z]{2,}", parts)
    sentences = [line.strip() for line in re.split(r"(?<=[.!?…])\s+", parts) if 15 < len(line) < 160]
    ru = brief.language == "ru"
    heads = (
        ("Герой", "Люди", "Где и когда", "Было", "Не решено", "Рассказ")
        if ru
        else ("Hero", "People", "Where and when", "Happened", "Unresolved", "Telling")
    )
    unknown = "не названо" if ru else "not named"
    lines = [
        hero[1] if hero else (names[0] if names else unknown),
        ", ".join(dict.fromkeys(names)) or unknown,
        brief.setting or unknown,
        " ".join([known[1] if known else "", *sentences[:3]]).strip() or unknown,
        sentences[-1] if sentences else unknown,
        "третье лицо, настоящее время" if ru else "third person, present tense",
    ]
    return "\n".join(f"{head}: {line[: size // 5]}" for head, line in zip(heads, lines, strict=True))[:size]
