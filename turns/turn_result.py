"""What a model has answered and what a turn's run comes to, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.schemas import OutboxRow, Usage

State = Literal["answered", "stopped", "failed"]  # as the database spells it


@dataclass(frozen=True, slots=True)
class Generated:
    """A model's answer as it came; its call is still open."""

    text: str
    cut: bool  # it ran into its limit
    asks_again: bool = False  # it was ended because it repeats, and too little has come to be kept


@dataclass(frozen=True, slots=True)
class TurnResult:
    """The end of a run. `TurnCompletion` stores it, in one transaction."""

    state: State
    text: str = ""  # that is kept
    files: tuple[bytes, ...] = ()  # made by a service
    usage: Usage | None = None  # that the user pays for; None: the open call is given back
    cut: bool = False  # the answer ran into its limit
    error: Exception | None = None
    read_part: tuple[int, int] | None = None  # of a file too long for the prompt: the characters sent, and all of them


@dataclass(frozen=True, slots=True)
class NextTurn:
    """A turn that starts by itself when another one has ended."""

    kind: str
    prompt_id: int | None


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A result in the database: the messages to send, and the id and kind of the turn that follows it."""

    rows: list[OutboxRow]
    next_turn: tuple[int, str] | None = None
