"""Read a `.env` file as people write it.

It may have `export`, quotes, spaces around `=`, comments, any line ends, and a byte order mark. A line that can't be
read is an error that names the line and never quotes it: it may hold a secret.
"""

from __future__ import annotations

import codecs
import io
import re
from typing import Final

from dotenv.parser import Binding, parse_stream

_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_OTHER_QUOTES: Final = ("“", "”", "„", "‘", "’", "«", "`")  # of word processors and messengers
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class EnvFileError(ValueError):
    """What is wrong with the file: a sentence for each line that can't be read."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = tuple(faults)


def parse_env_file(content: bytes) -> dict[str, str]:
    """Return the variables of a file; a later line overrides an earlier one. Raises `EnvFileError`."""
    values: dict[str, str] = {}
    faults: list[str] = []
    for binding in parse_stream(io.StringIO(_text(content), newline="")):
        fault = _fault(binding)
        if fault:
            faults.append(fault)
        elif binding.key is not None:
            values[binding.key] = binding.value or ""
    if faults:
        raise EnvFileError(faults)
    return values


def _text(content: bytes) -> str:
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # PowerShell's `>` writes this
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(_LINE_END.findall(content[: error.start].decode("latin-1"))) + 1
        raise EnvFileError([f"line {line}: it is not UTF-8 text. Save the file as UTF-8."]) from None
    if "\0" in text:
        line = len(_LINE_END.findall(text[: text.index("\0")])) + 1
        raise EnvFileError([f"line {line}: it is not UTF-8 text. Save the file as UTF-8."])
    return text


def _fault(binding: Binding) -> str:
    """Return a sentence that names the line of a statement and what is wrong with it; empty if nothing is."""
    written = binding.original.string
    statement = written.strip()
    if not statement or statement.startswith("#"):
        return ""
    line = binding.original.line + len(_LINE_END.findall(written[: len(written) - len(written.lstrip())]))
    reason = _reason(binding, *_LINE_END.split(statement))
    return f"line {line}: {reason}" if reason else ""


def _reason(binding: Binding, first: str, *more: str) -> str:
    name = re.sub(r"^export\s+", "", first).partition("=")[0].strip().strip("'")
    if "=" not in first:
        return "it has no `=`. Write NAME=value, or put # before a comment."
    if not _NAME.fullmatch(name):
        return "what stands before `=` is no name of a setting. Write NAME=value."
    if more:
        return f"the quote after {name}= isn't closed on its line."
    if binding.error:
        return f"the value of {name} can't be read: close its quote, and write nothing but a comment after it."
    if (binding.value or "").startswith(_OTHER_QUOTES):
        return f"""the quotes of {name} are not " or '. Write them so, or leave them out."""
    return ""
