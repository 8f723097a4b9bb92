"""Read each second what the bot's process holds: memory, threads, open files, the log of its database."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The bot at one second of the run; `load` is that of the machine.

    `waited_s`: for how long its threads were ready and had no processor, all together.
    """

    at_s: float
    rss_mib: float
    threads: int
    files: int
    wal_mib: float
    database_mib: float
    cpu_s: float
    waited_s: float
    load: float


def read(pid: int, database: Path, at_s: float) -> Sample:
    """Return a sample of a process. Raises `OSError` if it has ended."""
    process = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line)
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    wal = database.with_name(database.name + "-wal")
    return Sample(
        at_s=at_s,
        rss_mib=int(status["VmRSS"].split()[0]) / 1024,
        threads=int(status["Threads"]),
        files=sum(1 for _ in (process / "fd").iterdir()),
        wal_mib=_mib(wal),
        database_mib=_mib(database),
        cpu_s=(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
        waited_s=sum(map(_waited_s, (process / "task").iterdir())),
        load=os.getloadavg()[0],
    )


def _waited_s(task: Path) -> float:
    try:
        return int((task / "schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):  # the thread has just ended, or the kernel doesn't count
        return 0.0


def _mib(path: Path) -> float:
    return path.stat().st_size / 2**20 if path.exists() else 0.0


@dataclass
class Sampler:
    """Samples a process until `ending`; `died` once it is gone."""

    pid: int
    database: Path
    begun_at: float
    samples: list[Sample] = field(default_factory=list)
    died: bool = False

    def begin(self, ending: threading.Event) -> None:
        """Start the thread that reads."""

        def work() -> None:
            while not ending.wait(EVERY_S):
                try:
                    self.samples.append(read(self.pid, self.database, time.monotonic() - self.begun_at))
                except (OSError, KeyError):  # a process that has ended has no memory
                    self.died = True
                    return

        threading.Thread(target=work, name="sampler", daemon=True).start()
