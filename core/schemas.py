"""Values that pass between packages: a model's prompt and answer, and calls of the Bot API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
MessageRole: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG that a model is asked about; `tokens` is about what it takes of the prompt."""

    jpeg: bytes = field(repr=False)
    tokens: int


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt, in the vendor-neutral form."""

    role: MessageRole
    text: str
    pictures: tuple[Picture, ...] = ()


class Finish(StrEnum):
    """Why a model stopped writing."""

    STOP = "stop"
    LENGTH = "length"  # it ran into `max_tokens`
    REFUSED = "refused"  # the vendor's content filter


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call: the vendor's figures, or our estimate if it gave none."""

    input: int
    output: int
    estimated: bool = False
    cached: int = 0  # of the input: what the vendor had from an earlier prompt and charges less for

    @property
    def total(self) -> int:
        """Tokens of input and output together."""
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model. `purpose` and the ids only name it in logs and in the debug mode."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.6  # 0..1
    model: str = ""  # empty: the vendor's default model
    json_schema: Mapping[str, Json] | None = None  # the structure of the answer, if the vendor supports it
    frequency_penalty: float = 0.0  # against words that come again, if the vendor supports it
    purpose: str = "part"
    user_id: int = 0
    turn_id: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """The state of a streamed answer: `text` is the **whole** text so far and replaces the one before."""

    text: str
    usage: Usage | None = None
    finish: Finish | None = None  # set on the last chunk only
    thoughts: str = ""  # of a reasoning model, as far as its server tells them from the text; never shown


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """A finished answer. `usage` is estimated if the vendor sent none."""

    text: str
    usage: Usage
    finish: Finish
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class DeferredAttachment:
    """An attachment that is rendered when its message is sent: a book, an image.

    `kind` selects its renderer, `of` is the id of its subject, `how` the rest (a file format, a language).
    """

    kind: str
    of: int
    how: str = ""


@dataclass(frozen=True, slots=True)
class RenderedAttachment:
    """A rendered attachment: more parameters of the call, and its files."""

    params: Mapping[str, Json]
    files: Mapping[str, tuple[str, bytes]] | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One Bot API call to be made: `params` are the method's parameters without `chat_id`, as JSON values.

    `files` maps a parameter to `(file name, bytes)`. `prompt_id`: the prompt that the sent message shows. `deferred`:
    an attachment to render before sending. `notice`: the message says what is under way, and is deleted when its
    update's turn, or its wait for another turn, is over. `note_for_end`: what the end of a call about payments is told.
    """

    chat_id: int
    method: str
    params: Mapping[str, Json]
    files: Mapping[str, tuple[str, bytes]] | None = None
    prompt_id: int | None = None
    deferred: DeferredAttachment | None = None
    notice: bool = False
    note_for_end: str = ""

    def in_topic(self, chat_id: int, topic_id: int) -> Outgoing:
        """Return the call for a topic of a chat; unchanged if it goes elsewhere or sends no new message."""
        if topic_id <= 0 or self.chat_id != chat_id or not self.method.startswith("send"):
            return self
        return replace(self, params={"message_thread_id": topic_id, **self.params})


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An `Outgoing` in the outbox, where it stays until Telegram has it."""

    id: int
    chat_id: int
    method: str
    params: Mapping[str, Json]
    files: Mapping[str, tuple[str, bytes]] | None = None
    prompt_id: int | None = None
    deferred: DeferredAttachment | None = None
    inbox_id: int | None = None  # the update that it answers
    note_for_end: str = ""
