"""ZIP archives of users: only the entries that are asked for are unpacked, and only so much of them."""

from __future__ import annotations

import io
import zipfile
from types import TracebackType
from typing import Final

from core.errors import FileUnreadable

MOST_UNPACKED: Final = 16_000_000  # bytes of all entries that are read: markup takes many times the text in it
MOST_LISTED: Final = 1_000_000  # bytes of the list of entries, about 10,000 of them
_COMPRESSIONS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # all that documents have; others take much memory
_END: Final = b"PK\x05\x06"  # of the record after that list
_END_BYTES: Final = 22
_LONGEST_COMMENT: Final = 65_535


class Archive:
    """An open archive. Every failure is a `FileUnreadable`."""

    def __init__(self, content: bytes) -> None:
        if _listed_bytes(content) > MOST_LISTED:
            raise FileUnreadable("too_large")
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except Exception as error:  # zipfile raises errors of many types at a broken file
            raise FileUnreadable("broken") from error
        self.names = frozenset(self._archive.namelist())
        self._left = MOST_UNPACKED

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._archive.close()

    def read(self, name: str) -> bytes:
        """Return an entry."""
        try:
            entry = self._archive.getinfo(name)
            if entry.flag_bits & 1:
                raise FileUnreadable("locked")
            if entry.compress_type not in _COMPRESSIONS:
                raise FileUnreadable("broken")
            with self._archive.open(name) as unpacked:
                content = unpacked.read(self._left + 1)
        except FileUnreadable:
            raise
        except Exception as error:
            raise FileUnreadable("broken") from error
        self._left -= len(content)
        if self._left < 0:
            raise FileUnreadable("too_large")
        return content


def _listed_bytes(content: bytes) -> int:
    """Return the size of the list of entries as the archive tells it, before anybody reads that list."""
    place = content.rfind(_END, max(0, len(content) - _END_BYTES - _LONGEST_COMMENT))
    if place < 0 or len(content) - place < _END_BYTES:
        raise FileUnreadable("broken")
    if content[max(0, place - 20) : place].startswith(b"PK\x06\x07"):
        return MOST_LISTED + 1  # ZIP64, for archives of more than 4 GB
    return int.from_bytes(content[place + 12 : place + 16], "little")
