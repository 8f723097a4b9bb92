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
ON_DISK = ("disk-write", "disk-sync", "disk-open")
KINDS = (*IN_BOT, *AT_STAND_INS, *ON_DISK)
_NUMBER = struct.Struct("=q")
_PID, _RUNS, _KILLS, _ERROR, _LASTS, _FAILS, _STARTING = range(7)
_FIRST = 7
_FIELDS = _FIRST + 2 * len(KINDS)


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
        """How many of the chosen moments have come."""
        return self._get(_KILLS)

    @property
    def error(self) -> int:
        """The number of the error with which calls to the disk fail."""
        return self._get(_ERROR)

    @property
    def fails(self) -> bool:
        """Whether every call to the disk fails now."""
        return bool(self._get(_FAILS))

    @property
    def may_fail_to_start(self) -> bool:
        """Whether a bot that ends with 1 is started again, as systemd does."""
        return bool(self._get(_STARTING))

    @may_fail_to_start.setter
    def may_fail_to_start(self, may: bool) -> None:
        self._set(_STARTING, int(may))

    def set_error(self, error: int, *, lasts: bool) -> None:
        """Say how calls to the disk fail: the one that is chosen, or with `lasts` all from then on until `free`."""
        self._set(_ERROR, error)
        self._set(_LASTS, int(lasts))

    def fail(self) -> None:
        """Note that the chosen call to the disk fails."""
        self._set(_FAILS, self._get(_LASTS))

    def free(self) -> None:
        """Let no call to the disk fail any more."""
        self._set(_FAILS, 0)

    def begin_run(self, pid: int) -> None:
        self._set(_PID, pid)
        self._set(_RUNS, self.runs + 1)

    def begin_step(self, kind: str = "", number: int = 0) -> None:
        """Count anew; the bot is killed at the moment `number` of `kind`, once."""
        for index in range(_FIRST, _FIELDS):
            self._set(index, 0)
        if kind:
            self._set(self._armed(kind), number)

    def reached(self) -> dict[str, int]:
        """Return how often each kind was reached in this step."""
        return {kind: self._get(_FIRST + index) for index, kind in enumerate(KINDS)}

    def reach(self, kind: str) -> None:
        """Count a moment; kill this process at the one that is to kill it."""
        if self.is_deadly(kind):
            os.kill(os.getpid(), signal.SIGKILL)
            threading.Event().wait()  # the signal ends the process before this thread goes on

    def is_deadly(self, kind: str) -> bool:
        """Count a moment; return whether the bot is to be killed at it."""
        with self._lock:
            number = self._get(_FIRST + KINDS.index(kind)) + 1
            self._set(_FIRST + KINDS.index(kind), number)
            if number != self._get(self._armed(kind)):
                return False
            self._set(self._armed(kind), 0)
            self._set(_KILLS, self.kills + 1)
            return True

    def _armed(self, kind: str) -> int:
        return _FIRST + len(KINDS) + KINDS.index(kind)

    def _get(self, index: int) -> int:
        return int(_NUMBER.unpack_from(self._memory, index * _NUMBER.size)[0])

    def _set(self, index: int, value: int) -> None:
        _NUMBER.pack_into(self._memory, index * _NUMBER.size, value)
