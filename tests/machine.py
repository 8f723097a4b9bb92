"""A machine with the bot and Litestream, which copies its database into a folder that outlives it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.harness import ROOT, BotHarness

LITESTREAM = Path(sys.executable).parent / "litestream"
CONFIGURATION = ROOT / "deploy" / "litestream.yml"


class Machine:
    """A folder of data, the bot that uses it, and Litestream with the configuration that `deploy/` has."""

    def __init__(self, harness: BotHarness, replica: Path) -> None:
        self.harness = harness
        self.database = harness.folder / "bot.db"
        self.replica = replica
        self.configuration = CONFIGURATION
        self._litestream: list[subprocess.Popen[bytes]] = []
        harness.folder.mkdir()

    def replicate(self) -> None:
        """Start Litestream."""
        with (self.harness.folder / "litestream.txt").open("ab") as log:
            command: list[str | Path] = [LITESTREAM, "replicate", "-config", self.configuration]
            self._litestream.append(subprocess.Popen(command, env=self._environment(), stdout=log, stderr=log))

    def stop_replicating(self) -> None:
        """Stop Litestream, which copies what is left first."""
        self._litestream[-1].terminate()
        self._litestream[-1].wait(10)

    def copies(self) -> int:
        """Return how many times something was copied."""
        return max((int(file.stem[-16:], 16) for file in self.replica.glob("ltx/0/*.ltx")), default=0)

    def copied_at(self) -> float:
        """Return the time of the last copy."""
        return max(file.stat().st_mtime for file in self.replica.glob("ltx/0/*.ltx"))

    def restore(self) -> None:
        """Write the database from the replica."""
        command: list[str | Path] = [
            LITESTREAM,
            "restore",
            "-config",
            self.configuration,
            "-integrity-check",
            "full",
            self.database,
        ]
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr

    def lose(self) -> None:
        """Kill both processes at the same moment and delete all that the machine had."""
        running = [process for process in (*self._litestream, *self.harness.processes) if process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGKILL)
        for process in running:
            process.wait()
        shutil.rmtree(self.harness.folder)

    def close(self) -> None:
        self.harness.close()
        for process in self._litestream:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()

    def _environment(self) -> dict[str, str]:
        return os.environ | {"DATABASE_PATH": str(self.database), "LITESTREAM_REPLICA": self.replica.as_uri()}
