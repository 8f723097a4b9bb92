"""Chooses how a document is read: by its content first, then by its name."""

from __future__ import annotations

from core.errors import FileUnreadable
from turns.documents import docx, epub, fb2, plain_text
from turns.documents.document import Document, document_of


def read_document(content: bytes, name: str) -> Document:
    """Return the text of a document. Takes up to a second of CPU. Raises `FileUnreadable`."""
    low = name.lower()
    if low.endswith(".epub"):
        return epub.read(content)
    if low.endswith(".docx"):
        return docx.read(content)
    if low.endswith((".fb2", ".fb2.zip")):
        return fb2.read(content)
    if content.startswith((b"%PDF", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff")):
        raise FileUnreadable("broken")  # no text, whatever its name says
    return document_of(plain_text.decoded(content))
