"""`python -m bench.prose`: a model writes a story by each prompt, and its passages are printed with their figures.

The model is the one at OPENAI_BASE_URL (OPENAI_MODEL, OPENAI_API_KEY), the prompts are the bot's own. It costs what
about twenty turns cost, for each language.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from ai.openai_text import OpenAIProvider
from bench.prose_figures import Asked, ProseFigures, figures_of
from conversation.localization import Locales, Texts
from conversation.wishes import manners_in
from core.errors import ModelError, ModelRefused
from core.http_client import HttpClient
from core.schemas import Finish, Message, Request
from database import Prompt, Story, StoryPath
from gpt import GPT
from turns import story_prompts, text_cleanup
from turns.author_note import AuthorNote, stage_of

PROMPTS: Final = ("coauthor", "small.coauthor")
MAX_TOKENS: Final = 800
TEMPERATURE: Final = 0.6
KEPT: Final = 8  # of the last texts, that a prompt has; nothing is summarised here


@dataclass(frozen=True, slots=True)
class Step:
    """What the reader does before a passage: writes words, or presses «▶️ Дальше»."""

    words: str = ""
    signs: tuple[str, ...] = ()  # see `Asked`


STEPS: Final = {
    "ru": (
        *(Step(), Step("Веста подняла фонарь и пошла к воде."), Step()),
        *(Step("Она крикнула в темноту.\n(пусть пойдёт снег)", ("снег", "снеж")), Step()),
        *(Step("«Кто здесь?» — спросила Веста у старика."), Step("(больше диалогов)", ("—",)), Step()),
        *(Step("Веста разорвала карту пополам."), Step()),
    ),
    "en": (
        *(Step(), Step("Wren raised the lantern and walked to the water."), Step()),
        *(Step("She shouted into the dark.\n(let it snow)", ("snow",)), Step()),
        *(Step("“Who is there?” Wren asked the old man."), Step("(more dialogue)", ("“", '"')), Step()),
        *(Step("Wren tore the map in two."), Step()),
    ),
}
CARDS: Final = {
    "ru": ("Фэнтези", "Картограф Веста: карта по ночам дорисовывает дороги", "Город на великане: стучать запрещено"),
    "en": ("Fantasy", "Wren the Mapmaker: at night her map adds roads", "The City on a Giant: no knocking allowed"),
}


def messages_for(texts: Texts, name: str, story: Story, prompts: Sequence[Prompt]) -> list[Message]:
    """Return the prompt `name` for the passage after these texts, as a turn of the bot makes it."""
    path = StoryPath("", tuple(prompts[-KEPT:]))
    own_words = bool(prompts) and prompts[-1].role == "user"
    length = texts.prompt(f"length.{story.length}")
    parts = sum(prompt.role == "assistant" for prompt in prompts)
    note = AuthorNote(
        head="words" if own_words else "part",
        length=length,
        tone=story.tone,
        course=texts.prompt(f"wire.stage.{stage_of(parts, 0)}"),
        wishes=manners_in(prompt.text for prompt in prompts if prompt.role == "user"),
    )
    asks = "" if own_words or not prompts else texts.prompt("wire.next")
    system = texts.prompt(name, length=length, **story_prompts.story_values(texts, story, ""))
    return story_prompts.story_messages(texts, system, path, closing=story_prompts.closing(texts, asks, note))


def write(gpt: GPT, texts: Texts, name: str, parts: int) -> ProseFigures:
    """Have a story of so many passages written by one prompt and print it; return the sums of its figures."""
    story = _story(texts.language)
    prompts: list[Prompt] = []
    total, before = ProseFigures(), ""
    for number, step in enumerate(_steps(texts.language, parts), start=1):
        if step.words:
            prompts.append(_prompt(len(prompts), "user", step.words))
        request = Request(tuple(messages_for(texts, name, story, prompts)), MAX_TOKENS, TEMPERATURE)
        answer, refused = _asked(gpt, request)
        length = texts.prompt(f"length.{story.length}")
        figures = figures_of(answer, Asked(texts.language, length, step.words, before, step.signs, refused))
        total += figures
        before = text_cleanup.clean(answer, step.words) or "…"
        prompts.append(_prompt(len(prompts), "assistant", before))
        print(f"\n── {texts.language} {name} {number}: {step.words or '▶️'}")
        print(f"{before}\n   {len(before)} characters, {figures}")
    return total


def _asked(gpt: GPT, request: Request) -> tuple[str, bool]:
    """Return the answer, and whether the vendor refused it."""
    try:
        answer = gpt.ask(request)
    except ModelRefused:
        return "", True
    return answer.text, answer.finish is Finish.REFUSED


def _steps(language: str, parts: int) -> list[Step]:
    steps = STEPS[language]
    return [steps[number % len(steps)] for number in range(parts)]


def _prompt(number: int, role: str, text: str) -> Prompt:
    values: dict[str, Any] = {one.name: None for one in fields(Prompt)}
    return Prompt(**values | {"id": number, "user_id": 1, "role": role, "kind": "part", "text": text, "quoted": ""})


def _story(language: str) -> Story:
    """Return a story with a card and a length, and nothing else."""
    genre, hero, setting = CARDS[language]
    values: dict[str, Any] = {one.name: "" for one in fields(Story)}
    card = {"genre": genre, "hero": hero, "setting": setting, "length": "middle", "language": language}
    return Story(**values | card)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the stories and print the sums; return 1 if the model couldn't be asked."""
    parser = argparse.ArgumentParser(prog="python -m bench.prose", description=__doc__)
    parser.add_argument("--language", choices=sorted(STEPS), action="append", help="of the stories; both by default")
    parser.add_argument("--prompt", choices=PROMPTS, action="append", help="all by default")
    parser.add_argument("--parts", type=int, default=10, help="passages of each story (10)")
    options = parser.parse_args(arguments)
    url = os.environ.get("OPENAI_BASE_URL", "")
    if not url:
        parser.error("OPENAI_BASE_URL names the server to ask")
    key, model = os.environ.get("OPENAI_API_KEY", ""), os.environ.get("OPENAI_MODEL", "")
    http = HttpClient()
    gpt = GPT(OpenAIProvider(url, http, api_key=key, model=model), http)
    locales = Locales.load(Path(__file__).resolve().parent.parent / "locales")
    sums = []
    try:
        for language in options.language or sorted(STEPS):
            for name in options.prompt or PROMPTS:
                sums.append(f"{language} {name}: {write(gpt, locales[language], name, options.parts)}")
    except ModelError as error:
        print(f"the model at {url} can't be asked: {error}", file=sys.stderr)
        return 1
    print("\n" + "\n".join(sums))
    return 0


if __name__ == "__main__":
    sys.exit(main())
