"""Data that passes between packages: messages for a model, its answer and its price, and what goes out to Telegram.

Plain frozen values; nothing here knows a vendor, a database or a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
MessageRole: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt, in the vendor-neutral form."""

    role: MessageRole
    text: str


class Finish(StrEnum):
    """Why a model stopped writing."""

    STOP = "stop"
    LENGTH = "length"  # it ran into `max_tokens`
    REFUSED = "refused"  # the vendor's content filter


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call: the vendor's own figures, or ours where it gave none (`estimated`)."""

    input: int
    output: int
    estimated: bool = False

    @property
    def total(self) -> int:
        """Tokens of both directions, of input and output."""
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model. `purpose` and the ids only name it in logs and in the debug mode."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.6  # 0..1
    model: str = ""  # empty: the vendor's default model
    json_schema: Mapping[str, Json] | None = None  # ask for this structure, where the vendor can
    purpose: str = "part"
    user_id: int = 0
    turn_id: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """The state of a streamed answer: `text` is the **whole** text so far and replaces the one before."""

    text: str
    usage: Usage | None = None
    finish: Finish | None = None  # set on the last chunk only


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """A finished answer. `usage` is always there: estimated where the vendor sent none."""

    text: str
    usage: Usage
    finish: Finish
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class DeferredAttachment:
    """What the rest of a message is made of when it is sent, since making it takes its time: a book, a picture.

    `kind` says who makes it, `of` is the id of what it is about, `how` the rest (a kind of file, a language).
    """

    kind: str
    of: int
    how: str = ""


@dataclass(frozen=True, slots=True)
class RenderedAttachment:
    """What became of a recipe: more parameters of the call, and its files."""

    params: Mapping[str, Json]
    files: Mapping[str, tuple[str, bytes]] | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One Bot API call to be made: `params` are the method's parameters without `chat_id`, as JSON values.

    `files` maps a parameter to `(file name, bytes)`. `prompt_id`: the prompt that the sent message shows. With a
    `recipe` the rest is made by who sends it. `notice`: the message says what is under way, and is deleted when its
    update's turn, or its wait for another turn, is over.
    """

    chat_id: int
    method: str
    params: Mapping[str, Json]
    files: Mapping[str, tuple[str, bytes]] | None = None
    prompt_id: int | None = None
    recipe: DeferredAttachment | None = None
    notice: bool = False


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An `Outgoing` that is kept in the outbox, under its `id`, until Telegram has it."""

    id: int
    chat_id: int
    method: str
    params: Mapping[str, Json]
    files: Mapping[str, tuple[str, bytes]] | None = None
    prompt_id: int | None = None
    recipe: DeferredAttachment | None = None
