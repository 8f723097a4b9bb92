"""What `GPT` and a vendor agree on: `ModelProvider`, its calls and credentials, and how a failure is reported.

A vendor implements `ModelProvider`: it turns a `Request` into one HTTP call and reads what comes back. It keeps no
deadline, retries nothing and opens no stream: `gpt.py` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from core.errors import ModelError
from core.schemas import Chunk, Json, Message, Request

BODY_LIMIT: Final = 2000  # characters of an error's body that are kept


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to a vendor: POST `body` as JSON, bytes as they are; GET where there is none."""

    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Json] | bytes | None = None

    @property
    def authorization(self) -> str:
        """The `Authorization` header's value; empty where the call has none."""
        return self.headers.get("Authorization", "")


class Credential(Protocol):
    """Something that yields the `Authorization` header."""

    def header(self, timeout_s: float) -> str:
        """The header's value; empty: none is needed. May ask the network. Raises ModelError."""

    def drop(self, header: str) -> bool:
        """The vendor refused `header`: True when another one may be had."""


@dataclass(frozen=True, slots=True)
class StaticCredential:
    """A credential that never changes."""

    value: str

    def header(self, timeout_s: float) -> str:
        """The value itself, at once: never asks the network."""
        return self.value

    def drop(self, header: str) -> bool:
        """Always False: there is no other one to be had."""
        return False


class ModelProvider(Protocol):
    """A vendor's way of being asked. Every method is called by many threads at once."""

    def model_name(self, model: str) -> str:
        """What `model` is called in logs; for an empty one the default's name. No network."""

    def completion(self, request: Request, *, stream: bool, timeout_s: float) -> Call:
        """The call that asks `request`. May fetch a credential: raises ModelError."""

    def chunks(self, lines: Iterator[bytes]) -> Iterator[Chunk]:
        """The states of the answer, the last one with `finish`. Raises ModelError."""

    def answer(self, body: bytes) -> Chunk:
        """A whole answer, with `finish`, and with `usage` where the vendor gave one. Raises ModelError."""

    def error(self, status: int, headers: Mapping[str, str], body: str) -> ModelError:
        """What an HTTP status other than 200 means. `body` is masked already."""

    def counting(self, messages: Sequence[Message], model: str, timeout_s: float) -> Call | None:
        """The call that counts tokens; None where the vendor has none."""

    def counted(self, body: bytes) -> int:
        """The number in the answer to `counting`. Raises ModelError."""

    def drop_credential(self, authorization: str) -> bool:
        """The vendor answered 401 to this header: True when a new try may help."""

    def adapt(self, error: ModelError, model: str) -> bool:
        """The model doesn't know a part of the request: True when the next try leaves it out."""


@dataclass(frozen=True, slots=True)
class CallFailure:
    """One failed API call, for the log and the debug mode; retried and healed ones are reported too."""

    at: float  # Unix seconds
    purpose: str  # a request's own, or `tokenizer`, `iam`
    user_id: int
    turn_id: int
    attempt: int
    healed: bool  # a later try got through
    model: str
    error: ModelError
