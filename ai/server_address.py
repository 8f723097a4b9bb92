"""The address of an OpenAI-compatible server, as it is written in a setting."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from ai.provider import Credential, StaticCredential

# Ends of addresses that people copy from examples; the base is what stands before.
_ENDINGS: Final = ("/chat/completions", "/completions", "/responses", "/embeddings", "/models")


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A base address. `authorization` is made of the name and password in it, empty without them."""

    base: str  # without name, password, query, and slash at its end
    query: str = ""
    authorization: str = ""

    @classmethod
    def read(cls, url: str) -> ServerAddress:
        """Read an address. A known ending is taken off; a query is kept for the end of every path."""
        parts = urlsplit(url)
        credentials, _, host = parts.netloc.rpartition("@")
        path = parts.path.rstrip("/")
        for ending in _ENDINGS:
            if path.endswith(ending):
                path = path.removesuffix(ending)
                break
        name, _, password = credentials.partition(":")
        pair = f"{unquote(name)}:{unquote(password)}".encode()
        authorization = f"Basic {base64.b64encode(pair).decode()}" if credentials else ""
        return cls(urlunsplit((parts.scheme, host, path, "", "")), parts.query, authorization)

    def url(self, path: str) -> str:
        """Return the address of `path` at this server."""
        return f"{self.base}{path}" + (f"?{self.query}" if self.query else "")

    def root_url(self, path: str) -> str:
        """Return the address of `path` beside `/v1`, where some servers say more of themselves."""
        return f"{self.base.removesuffix('/v1')}{path}"

    def credential(self, api_key: str = "") -> Credential:
        """Return the credential: the key, or else the name and password in the address."""
        return StaticCredential(f"Bearer {api_key}" if api_key else self.authorization)
