"""Reads the pictures and documents of a message: which of them can be read, and which is fetched. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from core.sent_files import MOST_BYTES, SentFile

MOST_PICTURES: Final = 5  # of one question
SIDE_PX: Final = 1_024  # of the longer side: Telegram keeps a photo in several sizes, and the smallest such one will do
TEXT_ENDINGS: Final = (".txt", ".md", ".markdown", ".fb2", ".fb2.zip", ".epub", ".docx")
_PICTURE_TYPES: Final = {"image/jpeg", "image/png", "image/webp"}
_PICTURE_ENDINGS: Final = (".jpg", ".jpeg", ".png", ".webp")
# Why a document isn't read, by its ending: names in the table `unread` of the locales.
_UNREAD: Final = {
    **dict.fromkeys((".pdf", ".djvu"), "pdf"),
    **dict.fromkeys((".doc", ".rtf", ".odt", ".pages", ".mobi", ".azw3"), "format"),
    **dict.fromkeys((".heic", ".heif", ".avif", ".gif", ".tiff", ".tif", ".bmp", ".svg", ".raw", ".dng"), "picture"),
}


@dataclass(frozen=True, slots=True)
class Attachments:
    """The files of a message that can be read, and why another one can't: a name of `unread`, or empty.

    `left_out` of the pictures are more than a question may have.
    """

    files: tuple[SentFile, ...] = ()
    unread: str = ""
    left_out: int = 0


NO_FILES: Final = Attachments()


def attachments_of(message: Mapping[str, Any]) -> Attachments:
    """Return the files of a message, given as the fields that the bot reads of it (`telegram/update_fields.py`)."""
    found = [_read(holder) for holder in (message, *message.get("more_files", ()))]
    pictures = [file for file, _ in found if file is not None and file.kind == "picture"]
    texts = [file for file, _ in found if file is not None and file.kind == "text"]
    unread = next((reason for _, reason in found if reason), "")
    if len(texts) > 1:
        unread = unread or "second"
    return Attachments((*pictures[:MOST_PICTURES], *texts[:1]), unread, max(0, len(pictures) - MOST_PICTURES))


def _read(holder: Mapping[str, Any]) -> tuple[SentFile | None, str]:
    """Return a file or why it isn't read; neither for a message that has none."""
    if photo := holder.get("photo"):
        return _photo(photo), ""
    document = holder.get("document")
    return _document(document) if document is not None else (None, "")


def _photo(sizes: Sequence[Mapping[str, Any]]) -> SentFile:
    by_side = sorted(sizes, key=lambda size: max(size["width"], size["height"]))
    chosen = next((size for size in by_side if max(size["width"], size["height"]) >= SIDE_PX), by_side[-1])
    return SentFile(
        "picture",
        chosen["file_id"],
        size=chosen.get("file_size", 0),
        width=max(0, chosen["width"]),
        height=max(0, chosen["height"]),
    )


def _document(document: Mapping[str, Any]) -> tuple[SentFile | None, str]:
    name, kind = document.get("file_name", ""), document.get("mime_type", "").lower()
    low, size = name.lower(), document.get("file_size", 0)
    is_text = low.endswith(TEXT_ENDINGS) or kind in ("text/plain", "text/markdown")
    is_picture = not is_text and (kind in _PICTURE_TYPES or low.endswith(_PICTURE_ENDINGS))
    if not (is_text or is_picture):
        return None, _reason(PurePath(low).suffix, kind)
    if size > MOST_BYTES:
        return None, "too_large"
    return SentFile("text" if is_text else "picture", document["file_id"], name, size), ""


def _reason(ending: str, kind: str) -> str:
    if ending in _UNREAD:
        return _UNREAD[ending]
    return "picture" if kind.startswith("image/") else "pdf" if kind == "application/pdf" else "format"


def holders(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the file of a raw message as an entry of `more_files`."""
    for name in ("photo", "document"):
        if name in message:
            yield {name: message[name]}
    live = message.get("live_photo")
    if isinstance(live, dict) and "photo" in live and "photo" not in message:
        yield {"photo": live["photo"]}
