"""What a request asks for: read off the messages alone, whatever the prompts' exact words.

A person's own words are told from the bot's by the texts of `locales/`: what begins like one of the wire's lines is
the bot's.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from core.schemas import Message

LOCALES: Final = Path(__file__).resolve().parents[2] / "locales"
_LABELS: Final = {
    "genre": ("Жанр", "Genre"),
    "hero": ("Герой", "Hero"),
    "setting": ("Место", "Setting", "Place"),
    "wishes": ("Пожелания", "Wishes"),
    "tone": ("Тон", "Tone"),
    "memory": ("Раньше было", "О чём она", "Earlier", "Before", "So far", "What happened before"),
    "offered": ("Уже предлагали[^:]*", "Offered before[^:]*"),
}
# What an answer is about, by words of the prompt's first line, which a person's own words never reach.
_BESIDE: Final = (
    ("suggestions", r"три поступка|three (?:things|actions|deeds|moves|steps)"),
    ("talk_memory", r"память (?:разговора|переписки)|memory of (?:a|the) (?:chat|talk|conversation|correspondence)"),
    ("memory", r"память истории|memory of (?:a|the) story|story's memory"),
    ("outline", r"карточку истории|card of a story"),
    ("title", r"название истории|title (?:of|for) "),
    ("illustration", r"Опиши художнику|Describe .{0,40}(?:artist|illustrator)"),
)
# The same by the beginning of any line; the first that fits.
_KINDS: Final = (
    ("epilogue", r"^(?:Напиши эпилог|Write (?:an|the) epilogue)"),
    ("ending", r"^(?:Напиши финал|Write the (?:ending|finale|end)\b)"),
    ("part", r"^(?:Жанр|Genre):"),
)
# Lines of the bot's own, beside those of locales/.
_WIRE: Final = (
    *("Начни историю", "Начни второй том", "Begin the story", "Start the story", "Begin the second volume"),
    *("Напиши финал", "Напиши эпилог", "Write the ending", "Write the finale", "Write the epilogue"),
    *("Тон:", "Tone:", "Пока завязка", "Середина:", "Скоро конец", "This is still the", "This is the middle"),
    *("The end is near", "Последняя фраза —", "End on something"),
)
_ALONE: Final = re.compile(r"(?:Продолжи|Go on|Continue)\.?(?:\s+(?:Герой сам|The hero makes)\b.*)?")
_NOTES: Final = (
    *("(Этот поворот", "(Пиши сразу", "(Напиши друг", "(Write on right", "(Write a different", "(Ответь осторожно"),
    *("(Let this turn", "(Only hint", "(Convey this", "(Answer with care"),
)
_ENDING: Final = re.compile(r"^(?:Напиши финал|Write the ending)[^\n]*?(?:Конец|Ending): *([^\n]+)", re.MULTILINE)
_MANNERS: Final = re.compile(r"^(?:Просьбы соавтора|The co-author's wishes)[^:\n]*: (.+)$", re.MULTILINE)
_CARDS: Final = re.compile(r"^(?:Имей в виду|Remember): (.+?)\.?$", re.MULTILINE)
_VOLUME: Final = re.compile(r"второй том|second volume", re.IGNORECASE)
_CHARS: Final = re.compile(r"до (\d{3,4}) знаков|(?:up to|at most) (\d{3,4}) characters", re.IGNORECASE)
_TONES: Final = (
    ("child", r"дет(?:ей|ск)|child|kids"),
    ("light", r"лёгк|легк|юмор|смешн|light|humou?r|funny"),
    ("dark", r"мрачн|тёмн|dark|grim|bleak"),
    ("lyrical", r"лири|поэтич|lyric|poetic"),
    ("brisk", r"стремит|быстр|динамич|brisk|fast"),
)


@dataclass(frozen=True, slots=True)
class Brief:
    """What the request says about the story."""

    language: str
    kind: str
    genre: str = ""
    hero: str = ""
    setting: str = ""
    wishes: str = ""
    tone: str = ""  # light, dark, lyrical, brisk, child, or nothing
    chars: int = 1200  # the most that the answer may have
    ending: str = ""
    memory: str = ""
    offered: str = ""
    written: tuple[str, ...] = ()  # the story's parts, oldest first
    words: str = ""  # the reader's last words, without brackets
    asked: tuple[str, ...] = ()  # what stands in the reader's brackets
    manners: tuple[str, ...] = ()  # asked for in earlier brackets, as the author's note has them
    cards: tuple[str, ...] = ()  # of people, places and things that are named now
    volume: bool = False
    variant: bool = False  # the request asks for another passage in so many words
    text: str = ""  # of the prompt, whole


def read(messages: Sequence[Message]) -> Brief:
    """Return what a request asks for."""
    system = "\n".join(message.text for message in messages if message.role == "system")
    prompt = system or (messages[-1].text if messages else "")
    last = next((message.text for message in reversed(messages) if message.role == "user"), "")
    last = last if system else ""
    latin, cyrillic = len(re.findall(r"[a-z]", prompt)), len(re.findall(r"[а-яё]", prompt))
    fields = {name: field(prompt, labels) for name, labels in _LABELS.items()}
    words, asked = own_words(last)
    note = re.search(r"^(?:Тон|Tone): ?(.+?)\.?$", last, re.MULTILINE)
    return Brief(
        language="en" if latin > cyrillic else "ru",
        kind=_kind(prompt),
        genre=fields["genre"],
        hero=fields["hero"],
        setting=fields["setting"],
        wishes=_without_rules(fields["wishes"]),
        tone=_tone(note[1] if note else fields["tone"]),
        chars=_chars(last) or _chars(prompt) or 1200,
        ending=ending[1].strip() if (ending := _ENDING.search(prompt)) else "",
        memory=_memory_of(prompt, fields["memory"]),
        offered=fields["offered"],
        written=tuple(message.text for message in messages if message.role == "assistant"),
        words=words,
        asked=asked,
        manners=tuple(kept[1].rstrip(".").split("; ")) if (kept := _MANNERS.search(last)) else (),
        cards=tuple(_CARDS.findall(last)),
        volume=any(
            bool(_VOLUME.search(line))
            for line in last.splitlines()
            if line.startswith(("Начни второй", "Begin the sec"))
        ),
        variant=bool(re.search(r"^\((?:Напиши друг|Write a different)", last, re.MULTILINE)),
        text=prompt,
    )


def own_words(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a person's own words of a message, and what they ask for in brackets."""
    asked = []

    def bracket(found: re.Match[str]) -> str:
        if not found[0].startswith(notes()):
            asked.append(" ".join(found[1].split()))
        return " "

    left = re.sub(r"\(([^()]*)\)", bracket, text)
    lines = [line.strip() for line in left.splitlines()]
    own = [line for line in lines if line and not line.startswith(wire_lines()) and not _ALONE.fullmatch(line)]
    return "\n".join(own), tuple(asked)


def canonical(messages: Sequence[Message]) -> str:
    """Return the request without what only asks for another variant: a repeat is known by it."""
    texts = (re.sub(r"\s*\((?:Напиши друг|Write a different)[^()]*\)", "", message.text) for message in messages)
    return "\0".join(texts)


def field(text: str, labels: Sequence[str]) -> str:
    """Return what stands behind the first of the labels that begins a line."""
    found = re.search(rf"^(?:{'|'.join(labels)}):[ \t]*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


@cache
def wire_lines() -> tuple[str, ...]:
    """Return how the bot's own lines of a user's message begin."""
    return (*_WIRE, *(line for line in _locale_lines() if not line.startswith("(")))


@cache
def notes() -> tuple[str, ...]:
    """Return how the bot's own brackets begin."""
    own = (line for line in _locale_lines() if line.startswith("("))
    return (*_NOTES, *own, *(f"({line}" for line in _locale_lines() if not line.startswith("(")))


def _locale_lines() -> Iterator[str]:
    for path in sorted(LOCALES.glob("*/prompts.toml")):
        wire: Mapping[str, Any] = tomllib.loads(path.read_text("utf-8")).get("prompt", {}).get("wire", {})
        for text in _texts(wire):
            for line in text.strip().splitlines():
                begins = line.partition("{")[0].strip()[:40]
                if len(begins) >= 14:
                    yield begins


def _texts(values: Mapping[str, Any]) -> Iterator[str]:
    for value in values.values():
        if isinstance(value, Mapping):
            yield from _texts(value)
        else:
            yield str(value)


def _without_rules(wishes: str) -> str:
    """Return a card's wishes without the rules that a genre adds to them."""
    for rules in _genre_rules():
        wishes = wishes.replace(rules, "")
    return wishes.strip()


@cache
def _genre_rules() -> tuple[str, ...]:
    rows = (
        row
        for path in sorted(LOCALES.glob("*/presets.toml"))
        for row in tomllib.loads(path.read_text("utf-8"))["genre"]
    )
    return tuple(str(row["rules"]) for row in rows if "rules" in row)


def _memory_of(prompt: str, first: str) -> str:
    """Return the story's memory, which goes on over several lines."""
    place = prompt.find(first) if first else -1
    if place < 0:
        return ""
    rest = prompt[place:].split("\n")
    kept = [rest[0]]
    for line in rest[1:]:
        if not re.match(r"[А-ЯЁA-Z][\w ]{2,24}: ", line):
            break
        kept.append(line)
    return "\n".join(kept)


def _kind(prompt: str) -> str:
    first_line = prompt.partition("\n")[0]
    beside = (kind for kind, pattern in _BESIDE if re.search(pattern, first_line))
    others = (kind for kind, pattern in _KINDS if re.search(pattern, prompt, re.MULTILINE))
    return next(beside, None) or next(others, "chat")


def _tone(text: str) -> str:
    return next((tone for tone, pattern in _TONES if re.search(pattern, text, re.IGNORECASE)), "")


def _chars(text: str) -> int:
    found = _CHARS.search(text)
    return int(found[1] or found[2]) if found else 0
