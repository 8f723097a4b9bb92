"""What goes wrong during a run: every two minutes the same faults, in an order and at times that a seed gives.

So two windows of two minutes have the same faults, and their latencies can be compared. The two that are compared have
them at the same times: a fault that falls into a longer one delays nobody by itself. Requests to the models fail at
random besides. The clock isn't changed, and getUpdates never conflicts: that is another bot, which ends this one.
"""

from __future__ import annotations

import random
import resource
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.soak.stand_ins import WatchedTelegram
from sandbox.model_faults import Behaviour, Received

CYCLE_S: Final = 120.0
NETWORK_DOWN_S: Final = 3.0
TELEGRAM_HANGS_S: Final = 4.0
LOCKED_S: Final = 1.0
DISK_FULL_S: Final = 1.0
MODELS_DOWN_S: Final = 3.0
BUSY = Behaviour(status=429, retry_after="1")
# One request in this many of a kind meets the fault.
MODEL_FAULTS: Final[tuple[tuple[int, str, Behaviour], ...]] = (
    (300, "model 429", BUSY),
    (600, "model 500", Behaviour(status=500)),
    (600, "model stream cut", Behaviour(cut_after=3)),
    (600, "model connection reset", Behaviour(drop=True)),
    (600, "model error in the stream", Behaviour(error_after=2, code=13)),
    (600, "model nonsense", Behaviour(garbage_after=2)),
    (600, "model refusal", Behaviour(end="filter")),
    (600, "model slow", Behaviour(first_chunk_s=5.0, chunk_s=0.1, chunks=10)),
)


@dataclass(frozen=True, slots=True)
class Order:
    """A fault, the second of the run at which it begins, and for how long it holds up whoever writes then."""

    at_s: float
    name: str
    lasts_s: float = 0.0


class ModelFaults:
    """The rule by which the models answer: at `pace`, but for some requests of each kind."""

    def __init__(self, pace: Callable[[random.Random], Behaviour], picture: str, seed: int) -> None:
        self._chance, self._pace, self._picture = random.Random(seed), pace, picture
        self._lock = threading.Lock()
        self.down_until = 0.0
        self.on = False
        self.met: Counter[str] = Counter()

    def __call__(self, received: Received) -> Behaviour | None:
        """Return how this request is answered."""
        with self._lock:
            if received.kind not in ("completion", "image", "stt", "tts"):
                return None
            if self.on and time.monotonic() < self.down_until:
                self.met["models busy"] += 1
                return BUSY
            if self.on:
                for number, name, behaviour in MODEL_FAULTS:
                    can_be = received.kind == "completion" or behaviour.status > 200
                    if self._chance.randrange(number) == 0 and can_be:
                        self.met[name] += 1
                        return behaviour
            if received.kind == "completion":
                return self._pace(self._chance)
            return Behaviour(first_chunk_s=0.5, text=self._picture if received.kind == "image" else None)


class Faults:
    """The faults of a run. `begin` starts them, in a thread of its own."""

    def __init__(self, telegram: WatchedTelegram, models: ModelFaults, database: Path, pid: Callable[[], int]) -> None:
        self._telegram, self._models, self._database, self._pid = telegram, models, database, pid
        self.met: Counter[str] = Counter()
        self._lasting = {
            "network down for 3 s": NETWORK_DOWN_S,
            "models busy for 3 s": MODELS_DOWN_S,
            "database locked for 1 s": LOCKED_S,
            "disk full for 1 s": DISK_FULL_S,
        }
        calls = telegram.faults
        self._acts: dict[str, Callable[[], None]] = {
            "Telegram 429, retry after 2 s": lambda: calls.refuse("sendMessage", 429, retry_after=2),
            "Telegram 500": lambda: calls.refuse("*", 500, times=3),
            "Telegram 502 of a proxy": lambda: calls.bad_gateway("*", times=5),
            "Telegram resets before a call": lambda: calls.drop("*", times=5),
            "Telegram resets after a call": lambda: calls.drop("sendMessage", after=True, times=2),
            "Telegram hangs for 4 s": lambda: calls.hang("*", TELEGRAM_HANGS_S, times=4),
            "Telegram's answer is no JSON": lambda: calls.not_json("sendMessage", times=2),
            "getUpdates 502": lambda: calls.bad_gateway("getUpdates", times=2),
            "getUpdates reset": lambda: calls.drop("getUpdates", times=2),
            "network down for 3 s": self._network_down,
            "models busy for 3 s": self._models_down,
            "database locked for 1 s": self._lock_database,
            "disk full for 1 s": self._fill_disk,
        }

    @property
    def models_met(self) -> Counter[str]:
        """How many requests to the models met which fault."""
        return self._models.met

    @property
    def names(self) -> list[str]:
        """The faults of a cycle."""
        return list(self._acts)

    def orders(self, seed: int, seconds: float) -> list[Order]:
        """Return when which fault begins: each once in every `CYCLE_S`, none in the last seconds of a cycle.

        The last cycle has the order and the times of the second one, with which it is compared.
        """
        orders = []
        cycles = int(seconds // CYCLE_S)
        for cycle in range(cycles):
            chance = random.Random(f"{seed} {1 if cycle == cycles - 1 else cycle}")
            names = chance.sample(self.names, len(self.names))
            step_s = CYCLE_S / (len(names) + 1)
            for place, name in enumerate(names):
                at_s = cycle * CYCLE_S + place * step_s + chance.uniform(0, step_s / 2)
                orders.append(Order(at_s, name, self._lasting.get(name, 0.0)))
        return orders

    def begin(self, orders: list[Order], begun_at: float, ending: threading.Event) -> None:
        """Start the thread in which the faults come at their times, until `ending`."""
        self._models.on = True

        def work() -> None:
            for order in orders:
                if ending.wait(max(0.0, begun_at + order.at_s - time.monotonic())):
                    return
                self.met[order.name] += 1
                self._acts[order.name]()

        threading.Thread(target=work, name="faults", daemon=True).start()

    def end(self) -> None:
        """Have nothing go wrong any more."""
        self._telegram.faults.clear()
        self._models.on = False

    def _network_down(self) -> None:
        self._telegram.down_until = self._models.down_until = time.monotonic() + NETWORK_DOWN_S

    def _models_down(self) -> None:
        self._models.down_until = time.monotonic() + MODELS_DOWN_S

    def _lock_database(self) -> None:
        """Write into the bot's database for a while, as a backup tool may."""
        connection = sqlite3.connect(self._database, timeout=5, isolation_level=None)
        try:
            connection.execute("begin immediate")
            time.sleep(LOCKED_S)
            connection.execute("rollback")
        finally:
            connection.close()

    def _fill_disk(self) -> None:
        """Let no file of the bot's process be written for a while: each write fails."""
        usual = resource.prlimit(self._pid(), resource.RLIMIT_FSIZE)
        resource.prlimit(self._pid(), resource.RLIMIT_FSIZE, (0, usual[1]))
        time.sleep(DISK_FULL_S)
        resource.prlimit(self._pid(), resource.RLIMIT_FSIZE, usual)
