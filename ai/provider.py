"""`ModelProvider`, the protocol between `GPT` and a vendor, with its calls, credentials and failures.

A provider turns a `Request` into one HTTP call and reads its answer. Deadlines, retries and streams are `gpt.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ai.token_estimate import Ratios
from core.errors import ModelError
from core.schemas import Chunk, Json, Message, Request

BODY_LIMIT: Final = 2000  # characters of an error's body that are kept


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to a vendor: POST `body`, a mapping as JSON, bytes unchanged; GET without one."""

    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Json] | bytes | None = None

    @property
    def authorization(self) -> str:
        """The `Authorization` header's value; empty if the call has none."""
        return self.headers.get("Authorization", "")


class Credential(Protocol):
    """A source of the `Authorization` header."""

    def header(self, timeout_s: float) -> str:
        """Return the header's value; empty: none is needed. May use the network. Raise ModelError."""

    def drop(self, header: str) -> bool:
        """Drop `header`, which the vendor refused; return True if another one may be had."""


@dataclass(frozen=True, slots=True)
class StaticCredential:
    """A credential that never changes."""

    value: str

    def header(self, timeout_s: float) -> str:
        """Return the value. No network."""
        return self.value

    def drop(self, header: str) -> bool:
        """Return False: there is no other one."""
        return False


class ModelProvider(Protocol):
    """A vendor's API. Every method is called by many threads at once."""

    first_ratios: Ratios  # characters a token, of a model that has shown nothing yet
    worst_ratios: Ratios  # and at worst
    may_loop: bool  # small models repeat themselves until their limit; such an answer is ended
    streams_whole_answers: bool  # `ask` reads a stream, whose end the server notices at once

    def model_name(self, model: str) -> str:
        """Return the name of `model` for logs; the default's for an empty one. No network."""

    def completion(self, request: Request, *, stream: bool, timeout_s: float) -> Call:
        """Return the call for `request`. May fetch a credential. Raise ModelError."""

    def chunks(self, lines: Iterator[bytes]) -> Iterator[Chunk]:
        """Yield the states of the answer, the last one with `finish`. Raise ModelError."""

    def answer(self, body: bytes) -> Chunk:
        """Read a whole answer, with `finish`, and with `usage` if the vendor gave it. Raise ModelError."""

    def error(self, status: int, headers: Mapping[str, str], body: str) -> ModelError:
        """Return the error for a status other than 200; `body` is masked already."""

    def counting(self, messages: Sequence[Message], model: str, timeout_s: float) -> Call | None:
        """Return the call that counts tokens; None if the vendor has none."""

    def counted(self, body: bytes) -> int:
        """Read the number in the answer to `counting`. Raise ModelError."""

    def drop_credential(self, authorization: str) -> bool:
        """Drop the header that the vendor answered 401 to; return True if another try may help."""

    def adapt(self, error: ModelError, request: Request) -> bool:
        """Return True if the next try of this request differs, for example by what the error names."""

    def habits(self, model: str) -> frozenset[str]:
        """Return what this model has shown of itself, see `ai/model_habits.py`. No network."""

    def learn(self, model: str, habit: str) -> bool:
        """Note a habit of this model; return False if it was known."""


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
