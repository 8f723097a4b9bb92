"""Play the conversation with the bot killed at chosen moments, and look at what is left of it.

A point is written `KIND:STEP:NUMBER`, as `commit-before:12:3`: right before the third commit of step 12. Step 0 is the
bot's first start.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.demo import free_port
from sandbox.models import ModelServers
from tests import failing_disk
from tests.counted_servers import CountedTelegram, counted
from tests.counters import KINDS, Counters
from tests.harness import BotHarness, until
from tests.played_conversation import SETTINGS, STEPS, WAIT_S, Talk


@dataclass(frozen=True, slots=True)
class Point:
    """A moment at which the bot is killed."""

    kind: str
    step: int
    number: int

    @classmethod
    def named(cls, name: str) -> Point:
        kind, step, number = name.split(":")
        assert kind in KINDS, f"no such kind of moment: {kind}"
        return cls(kind, int(step), int(number))

    def __str__(self) -> str:
        return f"{self.kind}:{self.step}:{self.number}"


@dataclass
class Ending:
    """What a played conversation left."""

    points: list[Point]  # every moment that it reached
    kills: int
    missed: list[Point]  # chosen, and not reached
    shown: list[list[str]]  # on the screen of each chat
    rows: dict[str, list[dict[str, Any]]] = field(repr=False)  # of the tables, as far as they are the same in every run

    def check(self, whole: Ending) -> None:
        """Fail unless this is the ending of the run without a kill; each kill may have shown one message twice."""
        twice = 0
        for shown, wanted in zip(self.shown, whole.shown, strict=True):
            left = iter(shown)
            lost = [text for text in wanted if text not in left]
            assert not lost, f"not shown, or not in order: {lost}"
            twice += len(shown) - len(wanted)
        assert twice <= self.kills, f"{twice} messages are shown twice after {self.kills} kills"
        for table, rows in whole.rows.items():
            assert self.rows[table] == rows, f"another end in the table {table}"


# What tells when or by which number something came about, and what a lost call costs the project, differs by run.
KEPT_TABLES = ("user", "session", "story", "prompt", "suggestion", "draft", "payment", "chat_role", "picture", "turn")
QUIET_S = 0.1
FULL_S = 1.5  # of a disk, before it is freed
VOLATILE = ("id", "inbox_id", "notice_message_id", "reply_to", "message_id", "charge_id", "jpeg", "update_id")


@dataclass(frozen=True, slots=True)
class Disk:
    """How calls to the disk fail at points on the disk: with `error`, that one, or `lasts` for a while."""

    error: str
    lasts: bool = False


def play(folder: Path, points: Iterable[Point] = (), steps: int = len(STEPS), *, disk: Disk | None = None) -> Ending:
    """Play the first `steps` of the conversation in a new folder, with a kill at each of the points, one in a step.

    With `disk` its points on the disk are counted and can be chosen too.
    """
    chosen = {point.step: point for point in points}
    folder.mkdir(parents=True, exist_ok=True)
    counters = Counters(folder / "counters")
    telegram = CountedTelegram()
    telegram.counters = counters
    with telegram, ModelServers() as models:
        port = free_port()
        page = {"WEBAPP_URL": f"http://127.0.0.1:{port}", "WEBAPP_PORT": port}
        harness = BotHarness(folder, telegram, models, **SETTINGS | page)
        talk = Talk(harness, port)
        if disk is not None:
            harness.settings |= failing_disk.environment()
            counters.set_error(failing_disk.ERRORS[disk.error], lasts=disk.lasts)
        models.faults.rule = counted(talk.rule, counters)
        reached: list[Point] = []
        missed: list[Point] = []

        def begin(step: int) -> None:
            point = chosen.get(step)
            counters.begin_step(*((point.kind, point.number) if point else ()))

        def end(step: int, kills: int) -> None:
            until(lambda: _is_settled(harness), WAIT_S)
            if step == 0 or (counters.kills > kills and disk is None):
                _wait_started(harness)
            if step in chosen and counters.kills == kills:
                missed.append(chosen[step])
            for kind, number in counters.reached().items():
                reached.extend(Point(kind, step, each) for each in range(1, number + 1))

        try:
            begin(0)
            process = harness.process("-m", "tests.counted_bot", str(folder / "counters"))
            end(0, 0)
            for number, step in enumerate(STEPS[:steps], 1):
                kills = counters.kills
                begin(number)
                with _freed(counters, telegram, harness):
                    step.play(talk)
                end(number, kills)
            begin(-1)
            process.terminate()
            assert process.wait(25) == 0
            harness.check_books()
            assert harness.db.count("inbox", state="aside") == 0
            assert harness.db.count("turn", state="failed") == 0
            assert telegram.violations == []
            return Ending(reached, counters.kills, missed, talk.shown(), _rows(harness))
        finally:
            harness.close()


@contextmanager
def _freed(counters: Counters, telegram: CountedTelegram, harness: BotHarness) -> Iterator[None]:
    """Free the disk a while after its calls have begun to fail; nothing is acknowledged then that isn't stored."""
    over = threading.Event()
    missing: set[int] = set()

    def free() -> None:
        while not counters.fails:
            if over.wait(0.02):
                return
        over.wait(FULL_S)
        missing.update(telegram.acknowledged - set(harness.db.values("inbox", "update_id")))
        counters.free()

    watching = threading.Thread(target=free)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()
    assert not missing, f"acknowledged, and not stored: {missing}"


def _is_settled(harness: BotHarness) -> bool:
    try:
        return harness.settled()
    except sqlite3.OperationalError:  # the first start has made no tables yet
        return False


def _wait_started(harness: BotHarness) -> None:
    """Wait until the bot polls and has done what it does at a start beside that: its profile, links of invoices."""
    until(lambda: harness.telegram.api.polls, WAIT_S)
    until(lambda: sum(key.startswith("invoice_link:") for key in harness.db.values("setting", "key")) == 6, WAIT_S)
    calls = -1
    while calls != len(harness.telegram.calls):
        calls = len(harness.telegram.calls)
        time.sleep(QUIET_S)


def _rows(harness: BotHarness) -> dict[str, list[dict[str, Any]]]:
    """Return what the tables have that is the same in every run."""
    return {
        table: [
            {name: value for name, value in row.items() if name not in VOLATILE and not name.endswith("_at")}
            for row in harness.db.rows(table)
        ]
        for table in KEPT_TABLES
    }
