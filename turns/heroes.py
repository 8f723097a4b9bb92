"""The hero of a story as a character to talk to.

A hero knows what the story tells up to its head: its memory and the text after that, read anew for each answer. Pure
but for `as_told`, which reads the story.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from conversation.game_words import is_status
from conversation.localization import Locales, Texts
from conversation.personas import LIMITS, Persona
from conversation.story_draft import short_name
from core.graphemes import first_letters, last_letters
from database import Character, Database, Prompt, Story, StoryPath
from turns import story_prompts
from turns.message_view import text_of, title_of
from turns.text_cleanup import last_sentence

# Characters of the story, its memory and its text, in a prompt.
MOST_TOLD: Final = 4_000
TOLD: Final = 2_000  # what a talk leaves for it, rather than be summarised later
LEAST_TOLD: Final = 300  # beside a long question
RULES_CHARS: Final = 2_000  # of the rest of the system prompt
CHARS_A_TOKEN: Final = 2.25  # cautious: the prompt must fit
BEGINNING: Final = 600  # characters of a long text's beginning, if no memory has it
QUOTED: Final = 200  # characters of the text's last sentence, in the greeting
_INNER_QUOTES: Final = str.maketrans("«»“”", "„“‘’")


def as_told(db: Database, locales: Locales, character: Character, *, told_chars: int = LEAST_TOLD) -> Character:
    """Return a hero with the texts that the story gives it now; any other character unchanged."""
    story = db.stories.get(character.story_id)
    if story is None:
        return character
    texts = locales[story.language]
    persona = persona_of(texts, story_prompts.with_told_tone(locales, story), db.tree.path(story.head_id), told_chars)
    return replace(character, language=story.language, persona=persona)


def persona_of(texts: Texts, story: Story, path: StoryPath, told_chars: int) -> Persona:
    """Return the hero's texts; the personality tells `told_chars` of the story, at most half of them its memory."""
    memory = path.memory if len(path.memory) <= told_chars // 2 else path.memory[: told_chars // 2].rpartition(" ")[0]
    personality = texts.prompt(
        "hero.personality",
        hero=story.hero,
        genre=story.genre,
        setting=story.setting,
        tone=story.tone,
        memory=memory,
        tail=told(path, told_chars - len(memory)),
    )
    return Persona(name_of(story), _line(texts, story), _greeting(texts, story, path.prompts), personality)


def name_of(story: Story) -> str:
    """Return what the hero is called."""
    return short_name(story.hero, LIMITS["name"] - 1) or first_letters(title_of(story), LIMITS["name"])


def told(path: StoryPath, chars: int) -> str:
    """Return the story's text after its memory; of a long one the end, and its beginning if no memory has that."""
    whole = text_of(path.prompts)
    if len(whole) <= chars:
        return whole
    beginning = "" if path.memory else whole[: min(BEGINNING, chars // 3)].rpartition(" ")[0]
    end = whole[-(chars - len(beginning)) :].partition(" ")[2]
    return f"{beginning} … {end}".strip()


def told_chars(prompt_budget: int, talk: StoryPath) -> int:
    """Return how many characters of the story a prompt may have beside a talk.

    A talk that grows leaves less of the story, down to `TOLD`. Then the talk is summarised, all but its last two texts.
    """
    space = int(prompt_budget * CHARS_A_TOKEN) - RULES_CHARS - len(talk.memory)
    beside_all, beside_last = (space - _chars(prompts) for prompts in (talk.prompts, talk.prompts[-2:]))
    return min(MOST_TOLD, max(beside_all, min(TOLD, beside_last), LEAST_TOLD))


def _chars(prompts: Sequence[Prompt]) -> int:
    return sum(len(prompt.text) + len(prompt.quoted) for prompt in prompts)


def _line(texts: Texts, story: Story) -> str:
    return texts.plain("hero.about", title=title_of(story))


def _greeting(texts: Texts, story: Story, prompts: Sequence[Prompt]) -> str:
    """Return the hero's first words, with the last sentence that the story tells: no line of the System."""
    told = "\n".join(line for line in text_of(prompts[-1:]).splitlines() if not is_status(line))
    last = last_letters(_without_half_quotes(last_sentence(told)), QUOTED).translate(_INNER_QUOTES)
    return texts.plain("hero.greeting_finished" if story.finished else "hero.greeting", last=last)


def _without_half_quotes(sentence: str) -> str:
    """Return a sentence without the quotation mark whose other half is in another sentence."""
    for opens, closes in ("«»", "“”"):
        if sentence.count(opens) != sentence.count(closes):
            sentence = sentence.replace(opens, "").replace(closes, "")
    return sentence
