"""A bot as a process, measured from outside through `/proc` (Linux only)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def environment(
    folder: Path, *, token: str, telegram_url: str, model_url: str, slots: int, limits: bool
) -> dict[str, str]:
    """Return the bot's environment; of this process's own only PATH is in it."""
    values = {
        "PATH": os.environ.get("PATH", ""),
        "TELEGRAM_TOKEN": token,
        "TELEGRAM_API_URL": telegram_url,
        "YANDEX_FOLDER_ID": "b1gbench",
        "YANDEX_API_KEY": "bench-key",
        "YANDEX_LLM_URL": model_url,
        "MODEL_SLOTS": str(slots),
        "MAX_USERS": "1000000",
        "MAX_PROJECT_TOKENS": str(10**12),
        "MAX_TOKENS_PER_SESSION": str(10**9),
        "DATABASE_PATH": str(folder / "bot.db"),
        "LOG_FILE": str(folder / "log.txt"),
    }
    if not limits:
        values |= dict.fromkeys(("TELEGRAM_MESSAGES_PER_S", "TELEGRAM_CHAT_INTERVAL_S"), "0")
        values["TELEGRAM_GROUP_PER_MIN"] = "0"
    return values


def end_by_sigterm() -> None:
    """Have SIGTERM end this process by `SystemExit`, so that it ends its bot, too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


class Bot:
    """The running process of a bot: of this one, or of another program."""

    def __init__(self, environ: dict[str, str], log: Path, program: str = "bot.py") -> None:
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, program], cwd=ROOT, env=environ, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def pid(self) -> int:
        """The process id, for /proc and profilers."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """True until the process has ended."""
        return self._process.poll() is None

    def cpu_s(self) -> float:
        """Return the seconds of processor time so far, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def peak_mib(self) -> float:
        """Return the peak of its resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def stop(self) -> int:
        """End the process and return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
