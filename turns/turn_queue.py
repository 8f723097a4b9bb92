"""Turns that wait for a worker, first come first served: one queue for the model's workers, one for the services'."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from database import Turn
from turns.turn_kind import TurnKinds

NO_LIMIT = 1_000_000  # the number of workers is one


@dataclass(slots=True)
class WaitingTurn:
    """A turn in a queue. `place` is what its notice shows; 0: nothing yet, None: it has no notice."""

    turn_id: int
    chat_id: int
    place: int | None = None


class TurnQueue:
    """A first-come queue. Thread-safe."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._changed = threading.Condition()
        self._waiting: deque[WaitingTurn] = deque()
        self._idle = 0
        self._taken = 0
        self._limit = NO_LIMIT

    def __len__(self) -> int:
        with self._changed:
            return len(self._waiting)

    def recover(self, turns: Iterable[WaitingTurn]) -> None:
        """Queue the turns that an earlier run of the bot left, before the workers start."""
        with self._changed:
            self._waiting.extend(turns)

    def put(self, turn_id: int, chat_id: int) -> None:
        """Queue a turn. It shows its place unless a worker is free for it."""
        waiting = WaitingTurn(turn_id, chat_id)
        with self._changed:
            self._waiting.append(waiting)
            if min(self._idle, self._limit - self._taken) >= len(self._waiting):
                self._changed.notify()
            else:
                waiting.place = 0

    def put_back(self, waiting: WaitingTurn) -> None:
        """Queue a turn first, without a notice. The worker that puts it back takes it again."""
        waiting.place = None
        with self._changed:
            self._waiting.appendleft(waiting)

    def take(self) -> WaitingTurn | None:
        """Wait for a turn and take it; None if the process stops."""
        with self._changed:
            self._idle += 1
            while not (self._waiting and self._taken < self._limit) and not self._stopping.is_set():
                self._changed.wait()
            self._idle -= 1
            if self._stopping.is_set():
                return None
            self._taken += 1
            return self._waiting.popleft()

    def done(self) -> None:
        """Note that a worker is done with a turn that it took."""
        with self._changed:
            self._taken -= 1
            if self._waiting:
                self._changed.notify()

    def set_limit(self, number: int) -> None:
        """Let at most so many taken turns run at once. Those that run already go on."""
        with self._changed:
            self._limit = number
            self._changed.notify_all()

    def withdraw(self, turn_id: int) -> WaitingTurn | None:
        """Take a stopped turn out of the queue; None if it waits no more."""
        with self._changed:
            for waiting in self._waiting:
                if waiting.turn_id == turn_id:
                    self._waiting.remove(waiting)
                    return waiting
        return None

    def moved(self) -> list[tuple[WaitingTurn, int]]:
        """Return the turns whose place differs from the shown one, with their new places."""
        found = []
        with self._changed:
            for place, waiting in enumerate(self._waiting, start=1):
                if waiting.place is not None and waiting.place != place:
                    waiting.place = place
                    found.append((waiting, place))
        return found

    def wake_all(self) -> None:
        """Wake every worker that waits here, for it to see that the process stops."""
        with self._changed:
            self._changed.notify_all()


class TurnQueues:
    """The queue of the model's workers and the queue of the services'."""

    def __init__(self, *, kinds: TurnKinds, stopping: threading.Event) -> None:
        self._kinds = kinds
        self.model = TurnQueue(stopping)
        self.service = TurnQueue(stopping)

    def recover(self, turns: Iterable[Turn], model_slots: int) -> None:
        """Queue the turns that an earlier run left. Those that wait for the model behind others show their place."""
        taken = 0
        for turn in turns:
            waiting = WaitingTurn(turn.id, turn.chat_id)
            if self._kinds[turn.kind].by_service:
                self.service.recover([waiting])
                continue
            taken += 1
            if taken > model_slots:
                waiting.place = 0
            self.model.recover([waiting])

    def put(self, turn_id: int, chat_id: int, kind: str) -> None:
        """Queue a new turn, after the commit that added it."""
        self._queue_of(kind).put(turn_id, chat_id)

    def withdraw(self, turn: Turn) -> WaitingTurn | None:
        """Take a stopped turn out of its queue; None if it waits no more."""
        return self._queue_of(turn.kind).withdraw(turn.id)

    def _queue_of(self, kind: str) -> TurnQueue:
        return self.service if self._kinds[kind].by_service else self.model
