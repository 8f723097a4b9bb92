"""Answers of the local models to questions about pictures and documents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from core.schemas import Message
from sandbox import eyes

_DOCUMENT: Final = re.compile(
    r"(?:Файл «(?P<ru>.*?)», материал|The file “(?P<en>.*?)”, material)[^\n]*\n"
    r"(?P<text>.*)\n(?:Конец файла\.|End of the file\.)",
    re.DOTALL,
)
_OPENING_CHARS: Final = 200
_STEM_CHARS: Final = 5  # by which a word of the question is known again


def answer(messages: Sequence[Message]) -> str:
    """Return what is said about the pictures or the document of the last questions; empty if they have none."""
    asked = [message for message in messages if message.role == "user"]
    pictures = [picture for message in asked for picture in message.pictures]
    words = asked[-1].text if asked else ""
    found = next((found for message in reversed(asked) if (found := _DOCUMENT.search(message.text))), None)
    said = [eyes.describe(pictures, english=_is_english(words))] if pictures else []
    return "\n\n".join([*said, *([_told(found, words)] if found is not None else [])])


def _told(found: re.Match[str], asked: str) -> str:
    """Return the sentence of the document that is nearest to the question, or how it begins."""
    text = " ".join(found["text"].split())
    if line := _nearest(text, asked.replace(found[0], "")):
        return f"“{found['en']}” says: “{line}”" if found["en"] is not None else f"В «{found['ru']}» сказано: «{line}»"
    opening = text[:_OPENING_CHARS].rpartition(" ")[0] if len(text) > _OPENING_CHARS else text
    if found["en"] is not None:
        return f"I have read “{found['en']}”: {len(text.split())} words. It begins: “{opening}…”"
    return f"Прочитал «{found['ru']}», слов в нём: {len(text.split())}. Начинается так: «{opening}…»"


def _nearest(text: str, question: str) -> str:
    """Return the sentence that has most of a question's words, the rarer the better; empty if none has any."""
    sentences = re.split(r"(?<=[.!?…]) ", text)
    stems = {word[:_STEM_CHARS] for word in re.findall(r"\w{4,}", question.lower())}
    often = {stem: sum(stem in one.lower() for one in sentences) for stem in stems}

    def score(sentence: str) -> float:
        return sum(1 / often[stem] for stem in stems if stem in sentence.lower())

    best = max(sentences, key=score)
    return best.strip() if score(best) else ""


def _is_english(text: str) -> bool:
    latin, cyrillic = len(re.findall("[a-z]", text.lower())), len(re.findall("[а-яё]", text.lower()))
    return latin > cyrillic
