"""The words of an answer without a model's thoughts and its template's marks. Pure text in, text out.

Servers that don't know a model's template leave both in the text: `<think>…</think>`, a lone `</think>` whose opening
mark stood in the prompt, `<|im_end|>`, a leading `assistant`. `visible` is for a finished answer,
`growing` for one that grows: it holds back what may become a mark. A mark in quotes or backticks is somebody's word
about it and stays.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_NAMES: Final = r"(?:think|thinking|thought|thoughts|seed:think)"
_NAMES_AT_START: Final = r"(?:reasoning|reflection|analysis|scratchpad)"  # elsewhere they may be an answer in XML
_QUOTED: Final = r"(?<![`'\"«“])"
# The marks around thoughts: a part of them in lower case (to look for it is far faster than the expression), what opens
# the thoughts, and what closes them.
_PAIRS: Final = (
    ("th", rf"{_QUOTED}<{_NAMES}>", rf"{_QUOTED}</{_NAMES}>"),
    ("[think]", r"\[THINK\]", r"\[/THINK\]"),
    ("◁", r"◁think▷", r"◁/think▷"),
    (
        "<|",
        r"<\|(?:begin_of_thought|START_THINKING|begin_of_reasoning)\|>",
        r"<\|(?:end_of_thought|END_THINKING|end_of_reasoning)\|>",
    ),
    ("<unused94>", r"<unused94>", r"<unused95>"),
    ("<", rf"\A\s*<{_NAMES_AT_START}>", rf"</{_NAMES_AT_START}>"),
    ("<|channel>", r"<\|channel>(?:thought|analysis)", r"<channel\|>"),
    (
        "<|channel|>",
        r"(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)[^<]{0,80}<\|message\|>",
        r"<\|end\|>|(?=<\|channel\|>final)",
    ),
)
_THOUGHTS: Final = tuple(
    (word, re.compile(opening, re.IGNORECASE), re.compile(closing, re.IGNORECASE)) for word, opening, closing in _PAIRS
)

_LONE_CLOSINGS: Final = re.compile("|".join(closing for _, _, closing in _PAIRS[:5]), re.IGNORECASE)
# What opens a message in a template, with the name of its author.
_OPENING: Final = re.compile(
    r"(?:\s|<\|(?:im_start|start_header_id|end_header_id|start|start_of_role|end_of_role|channel|message|begin_of_text"
    r"|assistant|start_of_turn|START_OF_TURN_TOKEN|CHATBOT_TOKEN|START_RESPONSE|begin_of_solution)\|>"
    r"|<start_of_turn>|<s>|<bos>|<BOS_TOKEN>|\[/INST\]|<｜(?:Assistant|begin▁of▁sentence)｜>"
    r"|(?<=\|>)(?:assistant|final)(?=\s|<\||\Z)|(?<=turn>)(?:model|assistant)(?=\s|\Z))+"
)
# Names that templates and models give the author of a message.
_AUTHOR: Final = re.compile(
    r"(?:(?:assistant|ассистент)[ \t]*:|(?:assistant|model|ассистент)[ \t]*\n)\s*", re.IGNORECASE
)
_AUTHORS: Final = ("assistant", "model", "ассистент")
_FIRST_OF_AUTHORS: Final = frozenset("AaMmАа")
_LONGEST_AUTHOR: Final = 24  # with spaces after it
# What ends a message, or opens the next one, which the model plays then.
_ENDING: Final = re.compile(
    r"<\|(?:im_end|im_start|im_sep|eot_id|eom_id|end|return|endoftext|end_of_text|end_of_turn|end_of_solution|user|system"
    r"|assistant|start_header_id|start|begin_of_text|END_OF_TURN_TOKEN|END_RESPONSE|eos|eod|end_of_role|start_of_role)\|>"
    r"|<end_of_turn>|<start_of_turn>|</s>(?=\s*(?:\Z|\[INST\]|<s>))|<eos>|<EOS_TOKEN>|\[/?INST\]|<</?SYS>>"
    r"|<｜(?:end▁of▁sentence|User|Assistant)｜>|<turn\|>|<\|turn>"
)
_MARK: Final = re.compile(r"<\|[A-Za-z0-9_▁]{2,40}\|>|<｜[A-Za-z0-9_▁]{2,40}｜>|<(?:pad|unk|unused\d{1,3})>")
_WRAPPING: Final = re.compile(
    r"\s*<(answer|response|output|final_answer)>(.*?)(?:</\1>\s*|\Z)", re.IGNORECASE | re.DOTALL
)
_LONGEST_MARK: Final = 48
# What may become a mark: a part of one, or one that the name of an author or a channel may follow.
_BEGUN: Final = re.compile(
    r"(?:[<\[◁][^\s>\]▷<]{0,47}|(?:<\|[A-Za-z_]{2,40}\|>|<start_of_turn>|<\|channel>)[a-z_]{0,20}\s?)\Z"
)
# Parts of all marks, in lower case: without one of them there is nothing to remove.
_PARTS: Final = (
    *("<|", "|>", "<｜", "think>", "thinking>", "thought>", "thoughts>", "think]", "◁", "<unused", "_of_turn>"),
    *("</s>", "<s>", "<eos", "<bos", "inst]", "sys>>", "<pad>", "<unk>", "<answer", "<response", "<output"),
    *("<final_answer", "<reasoning", "<reflection", "<analysis", "<scratchpad", "<turn|"),
)


_LETTERS_OF_MARKS: Final = "<>]◁"  # each mark has one of them
_FIRST_OF_MARKS: Final = "<[◁"  # and begins with one of these


class AnswerText(NamedTuple):
    """What may be shown of an answer."""

    text: str
    thoughts: bool  # there were thoughts in it
    unmarked: bool = False  # and no mark opened them


def visible(raw: str) -> AnswerText:
    """Return the words of a finished answer."""
    return _read(raw, growing=False)


def growing(raw: str, *, opens_with_thoughts: bool = False) -> AnswerText:
    """Return the words of an answer that grows, without what may still turn out to be a mark or a thought.

    `opens_with_thoughts`: the model is known to close thoughts that no mark opens; nothing is shown before that.
    """
    found = _read(raw, growing=True)
    if opens_with_thoughts and not found.thoughts:
        return AnswerText("", thoughts=False)
    return found


def _read(raw: str, *, growing: bool) -> AnswerText:
    if growing and any(map(raw[-2 * _LONGEST_MARK :].__contains__, _FIRST_OF_MARKS)):
        while found := _BEGUN.search(raw, max(0, len(raw) - 2 * _LONGEST_MARK)):
            raw = raw[: found.start()]
    if not any(map(raw.__contains__, _LETTERS_OF_MARKS)) or not any(map(raw.lower().__contains__, _PARTS)):
        return AnswerText(_without_author(raw, growing=growing), thoughts=False)
    text, thoughts = _without_thoughts(raw)
    lone = False
    while closing := _LONE_CLOSINGS.search(text):
        text, lone = text[closing.end() :], True
    opening = _OPENING.match(text)
    if opening is not None and opening.group().strip():
        text = text[opening.end() :]
    text = _without_author(text, growing=growing)
    ending = _ENDING.search(text)
    if ending is not None:
        text = text[: ending.start()]
    if "<" in text:
        text = _MARK.sub("", text)
        wrapping = _WRAPPING.fullmatch(text)
        text = wrapping.group(2) if wrapping is not None else text
    if thoughts or lone:
        text = text.lstrip()
    return AnswerText(text, thoughts or lone, lone)


def _without_thoughts(text: str) -> tuple[str, bool]:
    """Return `text` without marked thoughts, and whether there were any. Thoughts that no mark closes go to the end."""
    had, lower = False, text.lower()
    for word, opening, closing in _THOUGHTS:
        if word not in lower:
            continue
        kept, place = [], 0
        while found := opening.search(text, place):
            had = True
            kept.append(text[place : found.start()])
            end = closing.search(text, found.end())
            place = end.end() if end is not None else len(text)
        if place:
            kept.append(text[place:].lstrip() if not "".join(kept).strip() else text[place:])
            text = "".join(kept)
    return text, had


def _without_author(text: str, *, growing: bool) -> str:
    """Return `text` without the name of its author's role before it."""
    start = text.lstrip()
    if start[:1] not in _FIRST_OF_AUTHORS:
        return text
    if found := _AUTHOR.match(start):
        return start[found.end() :]
    word = start[:_LONGEST_AUTHOR].rstrip().casefold()
    if growing and len(start) <= _LONGEST_AUTHOR and any(author.startswith(word) for author in _AUTHORS):
        return ""
    return text
