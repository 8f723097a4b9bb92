"""Multipart forms. Not made by requests: telebot switches off its quoting of names for the whole process."""

from __future__ import annotations

import secrets
from collections.abc import Mapping


def encode_form(
    fields: Mapping[str, str], files: Mapping[str, tuple[str, bytes]], *, file_type: str = "application/octet-stream"
) -> tuple[bytes, str]:
    """Return a form's body and its content type. `files`: name of the field → file name and content."""
    boundary = secrets.token_hex(16)
    parts = [(f'form-data; name="{_quoted(name)}"', text.encode("utf-8", "replace")) for name, text in fields.items()]
    for name, (file_name, content) in files.items():
        disposition = f'form-data; name="{_quoted(name)}"; filename="{_quoted(file_name)}"'
        parts.append((f"{disposition}\r\nContent-Type: {file_type}", content))
    body = b"".join(
        f"--{boundary}\r\nContent-Disposition: {head}\r\n\r\n".encode() + content + b"\r\n" for head, content in parts
    )
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _quoted(name: str) -> str:
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")  # as browsers do
