"""`python -m bench.commands`: how fast /help is answered while every slot of the model is taken.

The turns of eight users wait for the model while twelve others send /help. Telegram is the sandbox's, which checks
every call; the bot is a process.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from sandbox.model_faults import Behaviour
from sandbox.models import ModelServers
from sandbox.telegram import TelegramServer
from tests.harness import BotHarness, until

SLOTS = 8
ASKERS = 12
ROUNDS = 25


def main() -> None:
    """Print how many milliseconds /help takes (p50, p95, p99)."""
    with TelegramServer() as telegram, ModelServers() as models, tempfile.TemporaryDirectory() as folder:
        harness = BotHarness(Path(folder), telegram, models, MODEL_SLOTS=SLOTS)
        harness.process()
        writers = [harness.at_summary(number) for number in range(1, SLOTS + 1)]
        askers = [harness.new_person(100 + number) for number in range(ASKERS)]
        models.faults.default = Behaviour(hang=True)
        for writer in writers:
            writer.press("✨ Начать историю")
        until(lambda: len(models.of("completion")) == SLOTS)
        taken_ms = []
        for _ in range(ROUNDS):
            for asker in askers:
                began = time.monotonic()
                asker.send("/help")
                asker.wait("Мы пишем историю вдвоём")
                taken_ms.append((time.monotonic() - began) * 1000)
        harness.close()
    cuts = statistics.quantiles(taken_ms, n=100)
    p50, p95, p99 = (cuts[place - 1] for place in (50, 95, 99))
    print(f"{len(taken_ms)} commands, {SLOTS} slots taken: p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms")


if __name__ == "__main__":
    main()
