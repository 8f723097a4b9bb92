"""Run threads one at a time, in an order that a seed decides.

Inside `Scheduler.controlling()`, the threads, locks, conditions and events that the bot makes are this module's. A
thread gives way whenever it acquires a lock, waits, reads or sets an event, sleeps, or makes a call by HTTP; the
scheduler chooses who goes on. Only one runs at any time. `time.monotonic` jumps to the next deadline once nobody else
can go on, so that no schedule waits. Threads of the stand-ins, which were made outside, run as they do.

Doesn't cover two threads between two such moments: those are atomic here.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from requests.adapters import HTTPAdapter

DEMOTED = 0.1  # how often the task in front is sent to the back
REAL_S = 20.0  # for one thread to come back; then the schedule has found a deadlock of the real kind
_real = {name: getattr(threading, name) for name in ("Thread", "Lock", "RLock", "Condition", "Event")}
_monotonic, _sleep = time.monotonic, time.sleep


class Deadlock(AssertionError):
    """Nobody can go on, and not all is done."""


class Ended(BaseException):
    """Raised in a thread whose schedule is over."""


@dataclass(eq=False, slots=True)
class Task:
    """A thread under control; `ready` says whether it could go on, `deadline` when it does in any case."""

    name: str
    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    ready: Callable[[], bool] | None = None
    deadline: float | None = None
    timed_out: bool = False
    finished: bool = False
    rank: float = 0.0


class Scheduler:
    """Chooses who goes next. The thread that makes it is its first task, the driver."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._evenly = seed % 4 == 0  # else by rank, which finds where one thread overtakes another by many moments
        self._driver = Task("driver")
        self._tasks = [self._driver]
        self._of_thread = {threading.get_ident(): self._driver}
        self._passed_s = 0.0
        self._budget = 0  # how many more choices until the driver goes on
        self._stuck = False
        self.threads: list[ControlledThread] = []
        self.over = False
        self.errors: list[BaseException] = []
        self.choices = 0

    # ------------------------------------------------------------------ the driver's

    @contextmanager
    def controlling(self) -> Iterator[None]:
        """Have what is made of `threading` from now on be this scheduler's."""
        made: dict[str, Callable[..., Any]] = {"Thread": self._thread, "Lock": self._lock, "RLock": self._rlock}
        made |= {"Condition": self._condition, "Event": self._event}
        for name, make in made.items():
            setattr(threading, name, self._maker(_real[name], make))
        time.monotonic = lambda: _monotonic() + self._passed_s
        time.sleep = self._sleep  # type: ignore[assignment]
        send = HTTPAdapter.send

        def sent(adapter: HTTPAdapter, *arguments: Any, **options: Any) -> Any:
            self.step()
            try:
                return send(adapter, *arguments, **options)
            finally:
                self.step()

        HTTPAdapter.send = sent  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            for name, real in _real.items():
                setattr(threading, name, real)
            self._end()
            HTTPAdapter.send = send  # type: ignore[method-assign]
            time.monotonic, time.sleep = _monotonic, _sleep

    def go(self, choices: int) -> None:
        """Let the threads go on for so many choices, or until nobody can without time passing."""
        self._budget = choices
        self.block(lambda: self._budget <= 0 or not self._others())

    def go_until(self, done: Callable[[], bool], most: int = 1_000) -> None:
        """Let the threads go on, and time pass, until `done`. Raises `Deadlock`."""
        for _ in range(most):
            self.go(50)
            if done():
                return
            if not self._others() and not self._let_time_pass():
                break
        raise self._deadlock()

    def _deadlock(self) -> Deadlock:
        return Deadlock("; ".join(f"{task.name} waits" for task in self._tasks[1:] if not task.finished))

    # ------------------------------------------------------------------ what tasks do

    def step(self) -> None:
        """Give way: anybody may go on, this thread too."""
        self.block(None)

    def block(self, ready: Callable[[], bool] | None, timeout: float | None = None) -> bool:
        """Give way until `ready` (None: at any time); return False if `timeout` seconds passed before."""
        task = self._of_thread.get(threading.get_ident())
        if task is None or self.over:
            return self._block_uncontrolled(ready)
        task.ready, task.timed_out = ready, False
        task.deadline = None if timeout is None else time.monotonic() + timeout
        self._pass_on(task)
        task.ready = task.deadline = None
        return not task.timed_out

    def _block_uncontrolled(self, ready: Callable[[], bool] | None) -> bool:
        if self.over and threading.get_ident() in self._of_thread and ready is not None and not ready():
            raise Ended
        return True

    def _pass_on(self, task: Task) -> None:
        following = self._choose()
        if following is not task:
            following.gate.release()
            if not task.gate.acquire(timeout=REAL_S):
                raise Deadlock(f"{following.name} never gave way to {task.name}")
        if self.over and task is not self._driver:
            raise Ended
        if self._stuck and task is self._driver:
            raise self._deadlock()

    def _choose(self) -> Task:
        """Choose who goes next: the driver once its choices are used up, or nobody else can."""
        while True:
            driver, able = self._driver, self._others()
            driver_can = driver.timed_out or driver.ready is None or driver.ready()
            if driver_can and (self._budget <= 0 or not able):
                return driver
            if able:
                break
            if not self._let_time_pass():
                self._stuck = True
                return driver
        self._budget -= 1
        self.choices += 1
        return self._chosen(able)

    def _chosen(self, able: list[Task]) -> Task:
        """Choose evenly, or the task of the highest rank: that one stays in front until chance sends it to the back."""
        if self._evenly:
            return self._chance.choice(able)
        task = max(able, key=lambda one: one.rank)
        if self._chance.random() < DEMOTED:
            task.rank = -self.choices
        return task

    def _others(self) -> list[Task]:
        return [
            task
            for task in self._tasks[1:]
            if not task.finished and (task.timed_out or task.ready is None or task.ready())
        ]

    def _let_time_pass(self) -> bool:
        """Go to the next deadline; return whether there is one."""
        waiting = [task for task in self._tasks if not task.finished and task.deadline is not None]
        if not waiting:
            return False
        first = min(waiting, key=lambda task: task.deadline or 0.0)
        self._passed_s += max(0.0, (first.deadline or 0.0) - time.monotonic())
        first.timed_out = True
        return True

    def _end(self) -> None:
        """Wake every thread, one after the other; each ends as it goes on."""
        self.over = True
        for task in self._tasks[1:]:
            if not task.finished:
                task.gate.release()
        for thread in self.threads:
            thread.wait_for_end()

    # ------------------------------------------------------------------ what replaces `threading`

    def _maker(self, real: Any, make: Callable[..., Any]) -> Callable[..., Any]:
        def made(*arguments: Any, **options: Any) -> Any:
            ours = threading.get_ident() in self._of_thread and not self.over
            inside = sys._getframe(1).f_globals.get("__name__") in ("threading", __name__)
            return make(*arguments, **options) if ours and not inside else real(*arguments, **options)

        return made

    def _sleep(self, seconds: float) -> None:
        if threading.get_ident() in self._of_thread and not self.over:
            self.block(lambda: False, seconds)
        else:
            _sleep(seconds)

    def _thread(self, *arguments: Any, **options: Any) -> ControlledThread:
        return ControlledThread(self, *arguments, **options)

    def _lock(self) -> ControlledLock:
        return ControlledLock(self)

    def _rlock(self) -> ControlledLock:
        return ControlledLock(self, again=True)

    def _condition(self, lock: ControlledLock | None = None) -> ControlledCondition:
        return ControlledCondition(self, lock or ControlledLock(self, again=True))

    def _event(self) -> ControlledEvent:
        return ControlledEvent(self)

    def add(self, thread: ControlledThread, task: Task) -> None:
        self.threads.append(thread)
        task.rank = self._chance.random()
        self._tasks.append(task)

    def began(self, task: Task) -> None:
        self._of_thread[threading.get_ident()] = task

    def ended(self, task: Task) -> None:
        """Let somebody else go on: this thread is over."""
        task.finished = True
        if not self.over:
            self._choose().gate.release()


class ControlledThread(threading.Thread):
    """A thread that goes on when the scheduler says so."""

    def __init__(self, scheduler: Scheduler, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options | {"daemon": True})
        self._scheduler = scheduler
        self._task = Task(self.name)

    def start(self) -> None:
        self._scheduler.add(self, self._task)
        super().start()

    def run(self) -> None:
        self._scheduler.began(self._task)
        self._task.gate.acquire()
        try:
            if not self._scheduler.over:
                super().run()
        except Ended:
            pass
        except BaseException as error:
            self._scheduler.errors.append(error)
        finally:
            self._scheduler.ended(self._task)

    def join(self, timeout: float | None = None) -> None:
        self._scheduler.block(lambda: self._task.finished, timeout)

    def wait_for_end(self) -> None:
        super().join(REAL_S)

    def is_alive(self) -> bool:
        return not self._task.finished


class ControlledLock:
    """`threading.Lock`, or `RLock` with `again`."""

    def __init__(self, scheduler: Scheduler, again: bool = False) -> None:
        self._scheduler, self._again = scheduler, again
        self._owner: int | None = None
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        me = threading.get_ident()
        if self._again and self._owner == me:
            self._depth += 1
            return True
        self._scheduler.step()
        if self._owner is not None and not self._scheduler.over:
            limit = None if timeout < 0 else timeout
            got = blocking and self._scheduler.block(lambda: self._owner is None, limit)
            if not got:
                return False
        self._owner, self._depth = me, 1
        return True

    def release(self) -> None:
        self._depth -= 1
        if self._depth <= 0:
            self._owner = None

    def locked(self) -> bool:
        return self._owner is not None

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()


class ControlledCondition:
    """`threading.Condition`."""

    def __init__(self, scheduler: Scheduler, lock: ControlledLock) -> None:
        self._scheduler, self._lock = scheduler, lock
        self._waiting: list[list[bool]] = []

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        told = [False]
        self._waiting.append(told)
        lock, depth = self._lock, self._lock._depth
        lock._owner, lock._depth = None, 0
        try:
            self._scheduler.block(lambda: told[0], timeout)
        finally:
            if told in self._waiting:
                self._waiting.remove(told)
            if not self._scheduler.over:
                lock.acquire()
                lock._depth = depth
        return told[0]

    def wait_for(self, done: Callable[[], Any], timeout: float | None = None) -> Any:
        ends_at = None if timeout is None else time.monotonic() + timeout
        while not (found := done()):
            left = None if ends_at is None else ends_at - time.monotonic()
            if left is not None and left <= 0:
                return found
            self.wait(left)
        return found

    def notify(self, number: int = 1) -> None:
        for told in self._waiting[:number]:
            told[0] = True
            self._waiting.remove(told)

    def notify_all(self) -> None:
        self.notify(len(self._waiting))


class ControlledEvent:
    """`threading.Event`."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._on = False

    def is_set(self) -> bool:
        self._scheduler.step()
        return self._on

    def set(self) -> None:
        self._scheduler.step()
        self._on = True

    def clear(self) -> None:
        self._on = False

    def wait(self, timeout: float | None = None) -> bool:
        if not self._on:
            self._scheduler.block(lambda: self._on, timeout)
        return self._on
