"""What a turn asks a model: the story's settings, memory and shown path as messages, and what to fold into memory.

Pure: rows and texts in, messages out. Only the shown path is read, so rejected text and commands never
reach a prompt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from conversation.localization import Texts
from conversation.states import ENDINGS
from core.schemas import Json, Message
from database import Prompt, Story, StoryPath, Turn
from turns.limits import APART
from yandex_gpt import build_prompt

MEMORY_CHARS = 1_500
MEMORY_TOKENS = 700  # of the answer: about what 1,500 Russian letters take, and some more
TAIL_CHARS = 1_500  # of the last text, for what is asked beside the story
TALKS = frozenset({"chat", "character"})  # kinds of turn that answer in a talk
STREAMED = frozenset({"part", "ending", "epilogue"}) | TALKS  # whose answer is a text of the session
ASIDES = frozenset({"suggest", "title"})  # whose answer is something said about it
JOBS = frozenset({"picture", "reading"}) | APART  # whose answer a service makes
ANSWER_TOKENS = {"suggest": 300, "title": 60}
SUGGESTIONS = 3
SUGGESTIONS_SCHEMA: Mapping[str, Json] = {
    "type": "object",
    "properties": {"options": {"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 3}},
    "required": ["options"],
}

_TEMPERATURES = {"summary": 0.2, "suggest": 0.8, "title": 0.7}
_SYSTEM = {"part": "coauthor", "ending": "finale", "epilogue": "epilogue"}
_CLOSING = {"part": "wire.go_on", "ending": "wire.finale", "epilogue": "wire.epilogue"}
_LENGTH = {"ending": "length.finale", "epilogue": "length.epilogue"}
_NUMBERED = re.compile(r"^\s*(?:\d+[.)]|[-—•*])\s*(.+)$", re.MULTILINE)


def picture_messages(texts: Texts, story: Story, part: str) -> list[Message]:
    """The prompt that describes one moment of a part to a painter."""
    values = {"genre": story.genre, "look": story.hero, "setting": story.setting, "part": part[-TAIL_CHARS:]}
    return [Message("user", texts.prompt("illustration", style=texts.prompt("style.picture"), **values))]


def temperature(purpose: str, *, variant: bool) -> float:
    """How freely a call of this purpose may write; another variant more freely than the first."""
    return _TEMPERATURES.get(purpose, 0.8 if variant else 0.6)


def story_messages(texts: Texts, story: Story, path: StoryPath, turn: Turn) -> list[Message]:
    """The whole prompt of a turn: settings and memory, then the path, then what is asked."""
    values = {
        "genre": story.genre,
        "hero": story.hero,
        "setting": story.setting,
        "extra": story.extra,
        "tone": story.tone,
        "memory": path.memory,
    }
    if turn.kind in ASIDES:
        tail = path.prompts[-1].text[-TAIL_CHARS:] if path.prompts else ""
        name = "suggestions" if turn.kind == "suggest" else turn.kind
        return [Message("user", texts.prompt(name, tail=tail, **values))]
    values["length"] = texts.prompt(_LENGTH.get(turn.kind, f"length.{story.length}"))
    if turn.kind == "ending":
        values["ending"] = texts.prompt(f"ending.{turn.hint}") if turn.hint in ENDINGS else turn.hint
    system = texts.prompt(_SYSTEM[turn.kind], **values)
    return build_prompt(
        system=system,
        opening=texts.prompt("wire.go_on" if path.memory else "wire.begin"),
        path=[Message(prompt.role, prompt.text) for prompt in path.prompts],
        go_on=texts.prompt("wire.go_on"),
        closing=_closing(texts, path, turn),
    )


def _closing(texts: Texts, path: StoryPath, turn: Turn) -> str:
    """The line that asks for the answer; empty where the user's own words ask already."""
    own_words = bool(path.prompts) and path.prompts[-1].role == "user"
    begins = not path.prompts and not path.memory
    if turn.kind == "part" and turn.hint == "volume":
        return texts.prompt("wire.volume")
    asks = "" if turn.kind == "part" and (own_words or begins) else texts.prompt(_CLOSING[turn.kind])
    softer = texts.prompt("wire.softer") if turn.soft else ""
    return "\n\n".join(line for line in (asks, softer) if line)


def aside_text(kind: str, text: str) -> str:
    """What an answer beside the story says: suggestions as a JSON list, empty where there are not three of them."""
    if kind == "suggest":
        options = _options(text)
        return json.dumps(options[:SUGGESTIONS], ensure_ascii=False) if len(options) >= SUGGESTIONS else ""
    line = text.strip().splitlines()[0] if text.strip() else ""
    return line.strip(" .:«»“”‘’\"'*#")[:60].strip()


def _options(text: str) -> list[str]:
    """The suggestions in an answer: a JSON object or list, in whatever wrapping, or else numbered lines."""
    start, end = (
        min((text.find(mark) for mark in "{[" if mark in text), default=-1),
        max(text.rfind("}"), text.rfind("]")),
    )
    found: object = None
    if start >= 0:
        try:
            found = json.loads(text[start : end + 1])
        except (ValueError, RecursionError):
            found = None
    if isinstance(found, dict):
        found = found.get("options")
    if not isinstance(found, list):
        found = _NUMBERED.findall(text)
    options = [" ".join(str(option).split()).strip(' "«»“”')[:200] for option in found if isinstance(option, str)]
    return list(dict.fromkeys(option for option in options if option))


def memory_messages(texts: Texts, memory: str, prompts: Sequence[Prompt]) -> list[Message]:
    """The prompt that makes a new memory out of the old one and the prompts that follow it."""
    parts = "\n\n".join(prompt.text for prompt in prompts)
    return [Message("user", texts.prompt("memory", memory=memory, parts=parts, limit=MEMORY_CHARS))]


def prompts_to_fold(
    prompts: Sequence[Prompt], estimate: Callable[[str], int], *, keep_tokens: int, fold_tokens: int
) -> int:
    """How many of the oldest prompts to fold into memory now.

    So many that the rest takes no more than `keep_tokens`, but never the last two, and no more at once
    than `fold_tokens`, though at least one. 0 when there is nothing to fold.
    """
    sizes = [estimate(prompt.text + prompt.quoted) for prompt in prompts]
    left, folded, count = sum(sizes), 0, 0
    while count < len(prompts) - 2 and left > keep_tokens:
        if count and folded + sizes[count] > fold_tokens:
            break
        left -= sizes[count]
        folded += sizes[count]
        count += 1
    return count
