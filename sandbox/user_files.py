"""What users of the stand-in send beside texts: pictures, albums, documents, voice messages, forwards."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from sandbox import photos
from sandbox.recording import seconds_of
from sandbox.telegram_state import Attachment, Json, State

UNREADABLE = b"\xff\xd8\xff\xe0"  # the beginning of a JPEG


class FileSender(ABC):
    """Sends files; a subclass says how a message is sent."""

    state: State

    @abstractmethod
    def _send(
        self,
        text: str,
        attachment: Attachment | None = None,
        reply_to: int | None = None,
        service: Json | None = None,
        more: Json | None = None,
    ) -> int:
        """Send a message; return its id."""

    def forward(self, text: str, *, comment: str = "", caption: bool = False, count: int = 1) -> int:
        """Forward somebody's text, or a picture with this caption, behind a comment; return the last message's id."""
        if comment:
            self._send(text=comment)
        for _ in range(count):
            origin = {"type": "hidden_user", "date": int(self.state.clock()), "sender_user_name": "Борис"}
            picture = self._attachment("photo", "photo.jpg", UNREADABLE, "image/jpeg") if caption else None
            message_id = self._send(text, picture, more={"forward_origin": origin})
        return message_id

    def album(self, count: int, caption: str = "", *, pictures: Sequence[bytes] = ()) -> int:
        """Send so many pictures, or these, as an album, the first with a caption; return the last message's id."""
        group = self.state.serial("")
        for number, picture in enumerate(pictures or [UNREADABLE] * count):
            message_id = self.photo(picture, "" if number else caption, group=group)
        return message_id

    def sticker(self, reply_to: int | None = None) -> int:
        """Send a sticker; return the message's id."""
        return self._send_file("sticker", "sticker.webp", b"RIFF\x00\x00\x00\x00WEBP", "image/webp", "", reply_to)

    def photo(
        self, data: bytes = UNREADABLE, caption: str = "", *, reply_to: int | None = None, group: str = ""
    ) -> int:
        """Send a picture, by default a few bytes that no program can open; return the message's id.

        `group` is the album that it belongs to. As Telegram does, a large picture is made smaller.
        """
        content, sides = photos.as_telegram_keeps(data)
        picture = replace(self._attachment("photo", "photo.jpg", content, "image/jpeg"), sides=sides)
        return self._send(caption, picture, reply_to, more={"media_group_id": group} if group else None)

    def voice(self, data: bytes, caption: str = "", *, reply_to: int | None = None) -> int:
        """Send a recording, such as `recording.record` makes; return the message's id."""
        return self._send_file("voice", "voice.ogg", data, "audio/ogg", caption, reply_to)

    def document(
        self,
        name: str = "notes.txt",
        data: bytes = b"text",
        caption: str = "",
        *,
        reply_to: int | None = None,
        mime: str = "text/plain",
    ) -> int:
        """Send a file, by default as plain text whatever its name; return the message's id."""
        return self._send_file("document", name, data, mime, caption, reply_to)

    def _send_file(self, kind: str, name: str, data: bytes, mime: str, caption: str, reply_to: int | None) -> int:
        return self._send(caption, self._attachment(kind, name, data, mime), reply_to)

    def _attachment(self, kind: str, name: str, data: bytes, mime: str) -> Attachment:
        seconds = round(seconds_of(data)) or 3 if kind == "voice" else 0
        return Attachment(kind, self.state.add_file(name, data), name, mime, len(data), seconds)
