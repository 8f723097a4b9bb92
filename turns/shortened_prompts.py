"""Prompts that are too long even when all older text has become memory: earlier texts lose their middles. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from core.schemas import Message
from database import Prompt, StoryPath

LEAST_CHARS: Final = 200  # of a text that is shortened to fit


def shortened_prompt(
    prompt: Callable[[StoryPath], list[Message]],
    path: StoryPath,
    *,
    most_tokens: int,
    estimate: Callable[[Sequence[Message]], int],
) -> list[Message]:
    """Return the prompt of a path in `most_tokens`, or as near to that as it comes.

    The memory and all texts but the last lose their middles, the longest first. The last one is what is asked.
    """
    messages = prompt(path)
    while path.prompts and (tokens := estimate(messages)) > most_tokens:
        *earlier, last = path.prompts
        longest = max(map(len, (path.memory, *(one.text for one in earlier))))
        if longest < 2 * LEAST_CHARS:
            break
        kept = kept_of(longest, most_tokens, tokens)
        shorter = [shortened(one, kept) for one in earlier]
        path = replace(path, memory=without_middle(path.memory, kept), prompts=(*shorter, last))
        messages = prompt(path)
    return messages


def kept_of(longest: int, most_tokens: int, tokens: int) -> int:
    """Return how many characters of the longest texts to keep, on the way from `tokens` to `most_tokens`."""
    return int(longest * max(0.5, min(0.9, most_tokens / tokens)))


def shortened(prompt: Prompt, kept: int) -> Prompt:
    """Return the prompt without the middle of its text, if that has more than `kept` characters."""
    return replace(prompt, text=without_middle(prompt.text, kept))


def without_middle(text: str, kept: int) -> str:
    """Return the beginning and the end of a text that has more than `kept` characters; a shorter one is unchanged."""
    return text if len(text) <= kept else f"{text[: kept // 2]} … {text[-(kept // 2) :]}"
