"""How much the stories repeat themselves, counted: `python -m sandbox.storyteller.figures`."""

from __future__ import annotations

import json
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from core.schemas import Message
from sandbox.storyteller.answers import Storyteller
from sandbox.storyteller.grammar import sentences
from sandbox.storyteller.request import LOCALES

STORIES: Final = 15  # one of each ready genre
PARTS: Final = 10
VARIANTS: Final = 6  # the first text and five more
SHORT_WORDS: Final = 3  # shorter sentences («— Нет.») may come again
# What a reader writes between the parts; «» stands for the button that only goes on.
WORDS: Final = {
    "ru": (
        "{name} осмотрелась и увидела старика.", "", "Надо спросить, куда ведёт дорога.", "", "(пусть пойдёт снег)", "",
        "{name} открыла сундук.", "", "Потом бросила монету в воду.",
    ),
    "en": (
        "{name} looked round and saw an old man.", "", "It was time to ask about the road.", "", "(let it snow)", "",
        "{name} opened the chest.", "", "Then {name} threw the coin in the water.",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Card:
    """A story's settings."""

    language: str
    genre: str
    hero: str
    setting: str
    extra: str = ""
    tone: str = ""
    length: str = "middle"


def cards(language: str, count: int = STORIES) -> list[Card]:
    """Return cards of the ready genres, heroes and settings, the genres in turn."""
    genres = _toml(language, "presets")["genre"]
    made = []
    for number in range(count):
        row = genres[number % len(genres)]
        nth = number // len(genres)
        hero, setting = row["heroes"][nth % len(row["heroes"])], row["settings"][(nth + 3) % len(row["settings"])]
        made.append(Card(language, row["label"], hero, setting, row["extras"][nth % len(row["extras"])]))
    return made


def story(
    card: Card, storyteller: Storyteller | None = None, parts: int = PARTS, words: Sequence[str] = ()
) -> list[str]:
    """Return the parts of one story, with a reader's words between them."""
    storyteller = storyteller or Storyteller()
    messages = opening(card)
    done = []
    for number in range(parts):
        done.append(storyteller.answer(messages))
        said = words[number] if number < len(words) else ""
        said = said.format(name=card.hero.split(":")[0].split()[-1]) or wire(card.language, "go_on")
        messages = [*messages, Message("assistant", done[-1]), Message("user", said)]
    return done


def opening(card: Card) -> list[Message]:
    """Return the request for the first part."""
    return [Message("system", prompt(card, "coauthor")), Message("user", wire(card.language, "begin"))]


def prompt(card: Card, name: str, **more: str) -> str:
    """Return one of the bot's own prompts for a story; lines without a value drop out."""
    table = _toml(card.language, "prompts")["prompt"]
    given: Mapping[str, Any] = {
        "genre": card.genre,
        "hero": card.hero,
        "setting": card.setting,
        "extra": card.extra,
        "tone": card.tone,
        "look": card.hero,
        "length": table["length"][card.length],
        **more,
    }
    lines = []
    for line in str(table[name]).strip().splitlines():
        filled = line.format_map(_Gaps(given))
        if "\0" not in filled:
            lines.append(filled)
    return "\n".join(lines)


def wire(language: str, name: str) -> str:
    """Return one of the lines that the bot asks with."""
    return str(_toml(language, "prompts")["prompt"]["wire"][name]).partition("{")[0].strip()


def repeated(parts: Sequence[str]) -> list[str]:
    """Return the sentences that a story has twice."""
    counted = Counter(sentence for part in parts for sentence in _long(part))
    return [sentence for sentence, times in counted.items() if times > 1]


def shared(texts: Sequence[str]) -> list[str]:
    """Return the sentences that more than one of the texts has."""
    counted = Counter(sentence for text in texts for sentence in set(_long(text)))
    return [sentence for sentence, times in counted.items() if times > 1]


def variants(messages: Sequence[Message], count: int = VARIANTS) -> list[str]:
    """Return the answers to one request, asked again and again."""
    storyteller = Storyteller()
    return [storyteller.answer(messages) for _ in range(count)]


def different(texts: Sequence[str]) -> tuple[int, int]:
    """Return how many of the texts differ, and how many of their first sentences."""
    return len(set(texts)), len({sentences(text)[0] for text in texts})


def main() -> None:
    """Print the figures for both languages."""
    for language in ("ru", "en"):
        storyteller = Storyteller()
        began = time.process_time()
        made = [story(card, storyteller, words=WORDS[language]) for card in cards(language)]
        spent = (time.process_time() - began) * 1000 / (STORIES * PARTS)
        again = sum(len(repeated(parts)) for parts in made)
        common = shared([parts[0] for parts in made])
        some = [text for card in cards(language, 3) for text in (different(variants(opening(card))),)]
        asked = [Message("user", prompt(cards(language, 1)[0], "suggestions", tail=made[0][3]))]
        offered = {tuple(json.loads(text)["options"]) for text in variants(asked)}
        _print(f"{language}: {STORIES} stories of {PARTS} parts, {spent:.1f} ms a part")
        _print(f"  sentences repeated within a story: {again}")
        _print(f"  sentences shared by first parts:   {len(common)}")
        _print(f"  different texts and first sentences of {VARIANTS}: {some}")
        _print(f"  different sets of suggestions of {VARIANTS}: {len(offered)}")


class _Gaps(dict[str, Any]):
    """Values of a prompt; a line whose value is missing or empty is marked, so that it drops out."""

    def __missing__(self, key: str) -> str:
        return "\0"

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(key) or "\0"


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _long(text: str) -> list[str]:
    return [sentence for sentence in sentences(text) if len(sentence.split()) > SHORT_WORDS]


@cache
def _toml(language: str, name: str) -> Mapping[str, Any]:
    return tomllib.loads((LOCALES / language / f"{name}.toml").read_text("utf-8"))


if __name__ == "__main__":
    main()
