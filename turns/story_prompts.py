"""The prompts of a story: its settings, memory and shown path as messages.

Pure: rows and texts in, messages out. Only the shown path is read, so rejected text and commands never reach a prompt.
"""

from __future__ import annotations

from collections.abc import Sequence

from conversation.localization import Texts
from core.schemas import Message
from database import Prompt, Story, StoryPath
from turns.memory import MEMORY_CHARS
from yandex_gpt import build_prompt

TAIL_CHARS = 1_500  # of the last text, in prompts that ask about it


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
        path=[Message(prompt.role, prompt.text) for prompt in path.prompts],
        go_on=texts.prompt("wire.go_on"),
        closing=closing,
    )


def closing(texts: Texts, asks: str, *, soft: bool) -> str:
    """Return the last line of a prompt. `soft`: it asks to avoid what was refused before."""
    softer = texts.prompt("wire.softer") if soft else ""
    return "\n\n".join(line for line in (asks, softer) if line)


def question_messages(texts: Texts, name: str, story: Story, path: StoryPath) -> list[Message]:
    """Return the prompt `name`, which asks something about the end of the story."""
    tail = path.prompts[-1].text[-TAIL_CHARS:] if path.prompts else ""
    return [Message("user", texts.prompt(name, tail=tail, **story_values(texts, story, path.memory)))]


def picture_messages(texts: Texts, story: Story, part: str) -> list[Message]:
    """Return the prompt that describes one moment of a part to an image generator."""
    values = {"genre": story.genre, "look": story.hero, "setting": story.setting, "part": part[-TAIL_CHARS:]}
    return [Message("user", texts.prompt("illustration", style=texts.prompt("style.picture"), **values))]


def memory_messages(texts: Texts, memory: str, prompts: Sequence[Prompt]) -> list[Message]:
    """Return the prompt that makes a new memory out of the old one and the prompts after it."""
    parts = "\n\n".join(prompt.text for prompt in prompts)
    return [Message("user", texts.prompt("memory", memory=memory, parts=parts, limit=MEMORY_CHARS))]
