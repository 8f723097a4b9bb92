"""Removes what a model writes against its prompt: prefaces, Markdown, echoes, questions to the co-author.

Pure text in, text out. `clean` is for a finished answer, `clean_growing` for one that grows: it holds back an opening
that may still turn out to be a preface or an echo. Cleaning twice changes nothing more. The words of prefaces and
questions stand in `locales/*/phrases.toml`. Refusals are recognised by `gpt.is_stock_refusal`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from turns.answer_patterns import answer_patterns

PREFACE_CHARS: Final = 160  # a longer opening without a colon or a line break is prose

# The characters that a mark can't do without, its expression, and what replaces it. Looking for the characters is a
# hundred times faster than the expression, and most texts have none. They are looked for with a line break appended.
_MARKS: Final = tuple(
    (needles, re.compile(pattern, re.MULTILINE), replacement)
    for needles, pattern, replacement in (
        (("\r",), r"\r\n?", "\n"),
        (("\u200b", "\u2060", "\ufeff"), r"[\u200b\u2060\ufeff]", ""),
        (("```", "~~~"), r"^[ \t]*(?:```|~~~)[^\n]*(?:\n|\Z)", ""),  # a code fence
        (("*", "_", "-"), r"^[ \t]*(?:[*_-][ \t]*){3,}$", ""),  # a line across
        (("#",), r"^[ \t]*#{1,6}[ \t]+[^\n]{1,80}\n+(?=\S)", ""),  # a heading above its text
        (("#",), r"^[ \t]*(?:#{1,6}(?:[ \t]+|$))+", ""),
        ((">",), r"^[ \t]*(?:>[ \t]*)+", ""),
        (("*", "•", "+"), r"^[ \t]*(?:[*•+][ \t]+)+", ""),
        (("- ", "-\t"), r"^([ \t]*)-(?=[ \t]+\S)", r"\1—"),  # a dash of a dialogue, written as a list mark
        ((" - ",), r"(?<=\S) - (?=\S)", " — "),
        (("](http",), r"\[([^\[\]\n]+)\]\(https?://[^\s()]*\)", r"\1"),
        (("`",), r"`+", ""),
        (("__",), r"__", ""),
        (("_",), r"(?<!\w)_(?=\w)|(?<=[\w.,!?…»])_(?!\w)", ""),
        (("**",), r"\*\*", ""),
        (("*",), r"(?<!\d)\*(?=\S)|(?<=\S)\*(?!\d)", ""),
        ((" \n", "\t\n"), r"(?<![ \t])[ \t]+$", ""),
        (("\n\n\n",), r"\n{3,}", "\n\n"),
    )
)
_HEADING_BEGUN: Final = re.compile(r"^[ \t]*#{1,6}[ \t]+[^\n]{0,80}\n*\Z", re.MULTILINE)
_NUMBERED: Final = re.compile(r"^[ \t]*\d{1,2}[.)][ \t]+", re.MULTILINE)

_END: Final = re.compile(r"[.!?…]+[»\"”’)\]]*")
_SENTENCE_CHARS: Final = 300
_MOST_ROUNDS: Final = 12
_WORD: Final = re.compile(r"\w+")
_GOES_ON: Final = re.compile(r"[»\"”’)\]]*\s*(?:[—–-]\s*)?[a-zа-яё]")


def clean(text: str, words_before: str = "") -> str:
    """Return `text` as a passage of prose. `words_before`: the user's words that it follows."""
    return _until_settled(text, words_before, closing=True)


def clean_growing(text: str, words_before: str = "") -> str:
    """Return the part of a growing answer that may be shown; empty while its opening is undecided."""
    text = _HEADING_BEGUN.sub("", text).rstrip(" \n*_`#>")  # half a mark
    stripped = _unmarked(text).strip()
    if _may_be_preface(stripped) or _may_be_echo(stripped, words_before):
        return ""
    return _until_settled(text, words_before, closing=False)


def whole_sentences(text: str) -> str:
    """Return `text` up to the end of its last whole sentence; unchanged if it has none."""
    ends = list(_sentence_ends(text))
    return text[: ends[-1]] if ends else text


def unbroken(text: str) -> str:
    """Return `text`, broken off anywhere, up to its last whole sentence, or if it has none, its last whole word."""
    if ends_whole(text) or not text:
        return text
    whole = whole_sentences(text)
    if whole != text:
        return whole
    head, _, _ = text.rpartition(" ")
    return f"{(head or text).rstrip(' ,;:—–-')}…"


def first_sentences(text: str, n: int) -> str:
    """Return the first `n` sentences; the whole text if it has fewer."""
    ends = list(_sentence_ends(text))
    return text[: ends[n - 1]].strip() if 0 < n <= len(ends) else text.strip() if n > 0 else ""


def last_sentence(text: str) -> str:
    """Return the last sentence, whole or not."""
    stripped = text.strip()
    # Most sentences are short, so the end of the text is searched first. A sentence end found at the very beginning of
    # that piece may be half of one.
    for begin in (max(0, len(stripped) - _SENTENCE_CHARS), 0):
        ends = [
            end for end in _sentence_ends(stripped, begin) if end < len(stripped) and (not begin or end > begin + 16)
        ]
        if ends:
            return stripped[ends[-1] :].strip()
    return stripped


def _sentence_ends(text: str, begin: int = 0) -> Iterator[int]:
    initial_before = answer_patterns().initial
    for found in _END.finditer(text, begin):
        start, end = found.span()
        initial = found.group() == "." and initial_before.search(text[max(0, start - 6) : start])
        inside = text[end : end + 1].strip()  # 3.14, example.com
        if not inside and not initial and not _GOES_ON.match(text, end):
            yield end


def _until_settled(text: str, words_before: str, *, closing: bool) -> str:
    """Return `text` cleaned until nothing changes: one mark may hide another.

    The rounds are bounded: a text made of prefaces alone would take time by the square of its length.
    """
    now = text.strip()
    for _ in range(_MOST_ROUNDS):
        cleaned = _unechoed(_without_preface(_unmarked(now).strip()), words_before)
        cleaned = _without_closing(cleaned) if closing else cleaned
        if cleaned == now:
            break
        now = cleaned
    return now


def _unmarked(text: str) -> str:
    ended = f"{text}\n"
    for needles, pattern, replacement in _MARKS:
        for needle in needles:  # no `any()`: this runs over every text, and most have none
            if needle in ended:
                text = pattern.sub(replacement, text)
                ended = f"{text}\n"
                break
    return _NUMBERED.sub("", text) if len(_NUMBERED.findall(text)) > 1 else text


def _without_preface(text: str) -> str:
    for pattern in answer_patterns().openings:
        found = pattern.match(text)
        if found and found.end() < len(text) and found.end() <= PREFACE_CHARS:
            return text[found.end() :].strip()
    return text


def _may_be_preface(text: str) -> bool:
    if len(text) > PREFACE_CHARS or "\n" in text or "—" in text:
        return False
    start = text.casefold()
    patterns = answer_patterns()
    if len(start) > patterns.longest_opener and not start.startswith(patterns.openers):
        return False
    begun = any(opener.startswith(start) or _begins_with(start, opener) for opener in patterns.openers)
    return begun and _without_preface(text) == text


def _begins_with(text: str, opener: str) -> bool:
    rest = text[len(opener) :]
    return text.startswith(opener) and not (opener[-1].isalpha() and rest[:1].isalpha() and len(rest) > 4)


def _unechoed(text: str, words_before: str) -> str:
    if not words_before or not text or not _may_begin_alike(text, words_before):
        return text
    # An echo is at the opening, so no more words are compared than the user wrote, and one after them.
    found = list(islice(_WORD.finditer(text), len(words_before) // 2 + 2))
    spoken = [_plain(word.group()) for word in found]
    for echo in _echoes(words_before):
        if spoken[: len(echo)] == echo:
            cut = found[len(echo) - 1].end()
            rest = re.sub(r"^[^\w\n—–«\"„“(]+", "", text[cut:]).strip()
            whole = len(spoken) > len(echo) and re.match(r"[»\"”’)\]]*\s*(?:[.!?…]|\n)", text[cut:])
            if rest and whole:
                return rest
    return text


def _may_begin_alike(text: str, words_before: str) -> bool:
    """Whether the first word of `text`, or what has come of it, is among the user's words; if not, it is no echo."""
    first = _WORD.search(text)
    return first is not None and _plain(first.group()) in _plain(words_before)


def _may_be_echo(text: str, words_before: str) -> bool:
    if len(text) > 2 * len(words_before) or not _may_begin_alike(text, words_before):
        return False
    spoken = " ".join(_plain(found.group()) for found in _WORD.finditer(text))
    return bool(spoken) and any(" ".join(echo).startswith(spoken) for echo in _echoes(words_before))


def _echoes(words_before: str) -> Iterator[list[str]]:
    """Yield what an opening may repeat, as words: all the user's words, then ever fewer of their last sentences."""
    starts = [0, *(end for end in _sentence_ends(words_before) if end < len(words_before))][-6:]
    for start in [0, *starts]:
        words = [_plain(found.group()) for found in _WORD.finditer(words_before[start:])]
        if len(words) >= 3:
            yield words


def _plain(word: str) -> str:
    return word.casefold().replace("ё", "е")


def _without_closing(text: str) -> str:
    """Return `text` without a last line or sentence that isn't part of the story."""
    patterns = answer_patterns()
    head, _, line = text.rpartition("\n")
    if head.strip() and any(pattern.fullmatch(line.strip()) for pattern in (patterns.last_line, *patterns.questions)):
        return head.strip()
    last = last_sentence(text)
    if len(last) < len(text) and "—" not in line and any(pattern.fullmatch(last) for pattern in patterns.questions):
        return text[: len(text) - len(last)].strip()
    return text


def ends_whole(text: str) -> bool:
    """Whether `text` ends where a sentence does."""
    ends = list(_sentence_ends(text))
    return bool(ends) and ends[-1] == len(text)
