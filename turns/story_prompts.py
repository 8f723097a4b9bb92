"""The prompts of a story: its settings, memory and shown path as messages.

Pure: rows and texts in, messages out. Only the shown path is read, so rejected text and commands never reach a prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from conversation.localization import Locales, Texts
from core.schemas import Message
from database import Prompt, Story, StoryPath
from turns.author_note import AuthorNote
from turns.memory import MEMORY_CHARS
from turns.message_view import read_text, text_of, title_of
from yandex_gpt import build_prompt

TAIL_CHARS = 1_500  # of the last text, in prompts that ask about it
TAIL_TEXTS = 3  # of the end of a path, for suggestions
HEAD_CHARS = 600  # of the first text, for a title


def with_told_tone(locales: Locales, story: Story) -> Story:
    """Return the story with its tone as a model is told it: a ready one in the words of its prompt."""
    key = locales.key_of(story.tone) or ""
    if not key.startswith("tone_") or key == "tone_any":
        return story
    return replace(story, tone=locales[story.language].prompt(key.replace("_", ".", 1)))


def story_values(texts: Texts, story: Story, memory: str) -> dict[str, str]:
    """Return what the templates of a story's prompts may name."""
    return {
        "genre": story.genre,
        "hero": story.hero,
        "setting": story.setting,
        "extra": " ".join(text for text in (story.extra, texts.rules_of(story.genre)) if text),
        "tone": story.tone,
        "memory": memory,
    }


def story_messages(texts: Texts, system: str, path: StoryPath, *, closing: str) -> list[Message]:
    """Return the prompt for a text of the story: what the model is told to be, the path, then what is asked."""
    return build_prompt(
        system=system,
        opening=texts.prompt("wire.go_on" if path.memory else "wire.begin"),
        path=[Message(prompt.role, _asked_text(prompt, path)) for prompt in path.prompts],
        go_on=texts.prompt("wire.go_on"),
        closing=closing,
    )


def _asked_text(prompt: Prompt, path: StoryPath) -> str:
    """Return a text of the path. Wishes stand in the newest words only: older ones are granted, or in the note."""
    return prompt.text if prompt is path.prompts[-1] else read_text(prompt)


def closing(texts: Texts, asks: str, note: AuthorNote, *, variant: bool = False, soft: bool = False) -> str:
    """Return the end of a prompt: what is asked for, what this turn asks beside it, and last the author's note."""
    another = texts.prompt("wire.variant") if variant else ""
    softer = texts.prompt("wire.softer") if soft else ""
    return "\n\n".join(line for line in (asks, another, softer, note.text(texts)) if line)


def suggestions_messages(texts: Texts, story: Story, path: StoryPath, offered: Sequence[str]) -> list[Message]:
    """Return the prompt for what the hero may do next. `offered`: what the reader was shown for this place already."""
    tail = text_of(path.prompts[-TAIL_TEXTS:])[-TAIL_TEXTS * TAIL_CHARS // 2 :]
    values = story_values(texts, story, path.memory)
    return [Message("user", texts.prompt("suggestions", tail=tail, offered="; ".join(offered), **values))]


def title_messages(texts: Texts, story: Story, path: StoryPath, first: str) -> list[Message]:
    """Return the prompt for the story's title. `first`: its first text."""
    tail = path.prompts[-1].text[-TAIL_CHARS:] if path.prompts else ""
    values = story_values(texts, story, path.memory)
    return [Message("user", texts.prompt("title", tail=tail, head=first[:HEAD_CHARS], **values))]


def picture_messages(texts: Texts, story: Story, part: Prompt, memory: str) -> list[Message]:
    """Return the prompt that describes a moment of a part to an image generator."""
    return [Message("user", texts.prompt("illustration", **_picture_values(texts, story, part, memory)))]


def cover_messages(texts: Texts, story: Story, part: Prompt, memory: str) -> list[Message]:
    """Return the prompt that describes the cover of a story's book to an image generator. `part`: its last one."""
    values = _picture_values(texts, story, part, memory)
    return [Message("user", texts.prompt("cover", title=title_of(story), **values))]


def _picture_values(texts: Texts, story: Story, part: Prompt, memory: str) -> dict[str, str]:
    genre = texts.genre_of(story.genre)
    return {
        "genre": story.genre,
        "look": hero_of(texts, memory) or story.hero,
        "setting": story.setting,
        "part": part.text[-TAIL_CHARS:],
        "style": texts.prompt(f"style.{genre.key if genre is not None else 'picture'}"),
    }


def hero_of(texts: Texts, memory: str) -> str:
    """Return what a memory tells of the hero; empty if it has no such line, as one in a reader's own words."""
    label = f"{texts.prompt('memory_line.hero')}:"
    lines = (line.strip() for line in memory.splitlines())
    return next((line.removeprefix(label).strip() for line in lines if line.startswith(label)), "")


def memory_messages(texts: Texts, memory: str, prompts: Sequence[Prompt]) -> list[Message]:
    """Return the prompt that makes a new memory out of the old one and the prompts after it."""
    parts = text_of(prompts)
    return [Message("user", texts.prompt("memory", memory=memory, parts=parts, limit=MEMORY_CHARS))]
