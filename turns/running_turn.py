"""Turns that workers run now, and the call that each of them has open."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from ai.catalog import Model
from core.cancellation import Cancel
from core.schemas import Json, Usage
from database import Turn
from telegram.send_growing import Content
from turns.turn_kind import TurnKind

DEFAULT_MODEL = Model()


@dataclass(slots=True)
class OpenCall:
    """A call that holds tokens, and what is known of its answer so far."""

    id: int
    model: Model
    input_tokens: int
    text: str = ""
    usage: Usage | None = None  # the vendor's own figures, once they have come


@dataclass(slots=True)
class RunningTurn:
    """A turn and what a stop in another thread must know of its run.

    `lock` guards `ended`: once it is set, nothing of the growing answer goes out.
    """

    turn: Turn
    kind: TurnKind
    model: Model = DEFAULT_MODEL  # services describe and bill by the default one
    call: OpenCall | None = None
    words: str = ""  # the user's own, that the answer follows
    cancel: Cancel = field(default_factory=Cancel)
    lock: threading.Lock = field(default_factory=lambda: threading.Lock())  # made by what `threading` has then
    ended: bool = False
    started_at: float = field(default_factory=time.monotonic)
    first_text_at: float | None = None
    partial: Content | None = None  # makes the message in which the answer grows; None: there is none
    announced: str | None = None  # the text that this message was last asked to show

    def end(self) -> bool:
        """Show nothing more of the growing answer; return whether a message may show it."""
        with self.lock:
            self.ended = True
            return self.partial is not None

    @property
    def seconds(self) -> float:
        """How long the turn has run."""
        return time.monotonic() - self.started_at

    @property
    def draft(self) -> str:
        """The answer so far, as it may be shown."""
        call = self.call
        return self.kind.draft(call.text if call is not None else "", self.words)

    def partial_text(self, limit: int) -> Mapping[str, Json]:
        """Return the text parameters of a message of at most `limit` units that shows the answer so far."""
        call = self.call
        return self.kind.partial(call.text if call is not None else "", self.words, limit)


class RunningTurns:
    """The running turns by id. Thread-safe."""

    def __init__(self) -> None:
        self.stopping = threading.Event()  # set: no more turns are started, no failed transaction is repeated
        self._lock = threading.Lock()
        self._one_ended = threading.Condition(self._lock)
        self._turns: dict[int, RunningTurn] = {}

    def __len__(self) -> int:
        with self._lock:
            return len(self._turns)

    def add(self, running: RunningTurn) -> None:
        """Let stops and shutdown find the turn."""
        with self._lock:
            self._turns[running.turn.id] = running

    def remove(self, turn_id: int) -> None:
        """Forget a turn whose run is over."""
        with self._lock:
            self._turns.pop(turn_id, None)
            self._one_ended.notify_all()

    def get(self, turn_id: int) -> RunningTurn | None:
        """Return the turn if a worker runs it."""
        with self._lock:
            return self._turns.get(turn_id)

    def all(self) -> list[RunningTurn]:
        """Return the turns that run now."""
        with self._lock:
            return list(self._turns.values())

    def wait_until_over(self, timeout_s: float) -> list[RunningTurn]:
        """Wait for all runs to end; return those that haven't."""
        deadline = time.monotonic() + timeout_s
        with self._lock:
            while self._turns and (left_s := deadline - time.monotonic()) > 0:
                self._one_ended.wait(left_s)
            return list(self._turns.values())
