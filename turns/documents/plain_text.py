"""Plain text in whatever encoding: Unicode by its marks and rules, older ones by their letters."""

from __future__ import annotations

import codecs
from typing import Final

from core.errors import FileUnreadable
from turns.documents.document import MOST_CHARS

_MOST_BYTES: Final = 8 * MOST_CHARS  # more is refused unread: a letter has four at most
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What Russian and European texts are kept in. Others would only be guessed.
_ENCODINGS: Final = ["cp1251", "koi8_r", "cp866", "utf_16_le", "utf_16_be", "cp1252", "cp1250"]
_MOST_ZEROS: Final = 0.01  # of a text's bytes; UTF-16 has more, and is known by its letters


def decoded(content: bytes) -> str:
    """Return the text. Takes up to 0.5 s of CPU for an older encoding. Raises `FileUnreadable`."""
    if len(content) > _MOST_BYTES:
        raise FileUnreadable("too_long")
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError as error:
                raise FileUnreadable("broken") from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return _guessed(content)
    if text.count("\0") > _MOST_ZEROS * len(text):
        return _guessed(content)  # Latin letters in UTF-16 are UTF-8 with zeros between
    return text


def _guessed(content: bytes) -> str:
    import charset_normalizer  # 20 ms, and needed for an older encoding only

    found = charset_normalizer.from_bytes(content, cp_isolation=_ENCODINGS).best()
    if found is None:
        raise FileUnreadable("broken")
    return str(found)
