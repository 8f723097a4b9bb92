"""Counters in a file that a test and the bot's process share: how often each moment was reached, which one kills.

A moment is numbered from 1 within a step of the played conversation: what went before a step doesn't move its numbers.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import threading
from pathlib import Path

IN_BOT = ("commit-before", "commit-after", "sync-before", "sync-after")
AT_STAND_INS = ("call-before", "call-after", "model-before", "model-midway")
KINDS = (*IN_BOT, *AT_STAND_INS)
_NUMBER = struct.Struct("=q")
_PID, _RUNS, _KILLS = range(3)
_FIELDS = 3 + 2 * len(KINDS)


class Counters:
    """The shared file; made if there is none."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        size = _FIELDS * _NUMBER.size
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(file, size)
        self._memory = mmap.mmap(file, size)
        os.close(file)

    @property
    def pid(self) -> int:
        """The process id of the bot that runs, 0 before the first."""
        return self._get(_PID)

    @property
    def runs(self) -> int:
        """How many times the bot was started."""
        return self._get(_RUNS)

    @property
    def kills(self) -> int:
        """How many moments have killed the bot."""
        return self._get(_KILLS)

    def begin_run(self, pid: int) -> None:
        self._set(_PID, pid)
        self._set(_RUNS, self.runs + 1)

    def begin_step(self, kind: str = "", number: int = 0) -> None:
        """Count anew; the bot is killed at the moment `number` of `kind`, once."""
        for index in range(3, _FIELDS):
            self._set(index, 0)
        if kind:
            self._set(self._armed(kind), number)

    def reached(self) -> dict[str, int]:
        """Return how often each kind was reached in this step."""
        return {kind: self._get(3 + index) for index, kind in enumerate(KINDS)}

    def reach(self, kind: str) -> None:
        """Count a moment; kill this process at the one that is to kill it."""
        if self.is_deadly(kind):
            os.kill(os.getpid(), signal.SIGKILL)
            threading.Event().wait()  # the signal ends the process before this thread goes on

    def is_deadly(self, kind: str) -> bool:
        """Count a moment; return whether the bot is to be killed at it."""
        with self._lock:
            number = self._get(3 + KINDS.index(kind)) + 1
            self._set(3 + KINDS.index(kind), number)
            if number != self._get(self._armed(kind)):
                return False
            self._set(self._armed(kind), 0)
            self._set(_KILLS, self.kills + 1)
            return True

    def _armed(self, kind: str) -> int:
        return 3 + len(KINDS) + KINDS.index(kind)

    def _get(self, index: int) -> int:
        return int(_NUMBER.unpack_from(self._memory, index * _NUMBER.size)[0])

    def _set(self, index: int, value: int) -> None:
        _NUMBER.pack_into(self._memory, index * _NUMBER.size, value)
