"""XML of users' documents as events. Entities of a document's own are refused, and nothing outside it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from xml.parsers import expat

from core.errors import FileUnreadable


class Reader(Protocol):
    """Takes the events of a document. Names are without their namespace."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None: ...

    def end(self, name: str) -> None: ...

    def text(self, text: str) -> None: ...


def read(content: bytes, reader: Reader) -> None:
    """Read a whole document. Raises `FileUnreadable`."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: reader.start(
        _local(name), {_local(key): value for key, value in attributes.items()}
    )
    parser.EndElementHandler = lambda name: reader.end(_local(name))
    parser.CharacterDataHandler = reader.text
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # the last for an unknown encoding
        raise FileUnreadable("broken") from error


def _refuse(*_declared: object) -> int:
    raise FileUnreadable("broken")


def _local(name: str) -> str:
    return name.rpartition(":")[2]
