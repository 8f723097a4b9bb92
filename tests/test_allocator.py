"""What threads have freed leaves the process, or is used by other threads."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from core.allocator import SETTINGS, TUNABLES
from tests.harness import ROOT

# Each thread does its work when the one before has done it, and stays.
IN_TURN = """
import threading
kept, done, turn = [], threading.Event(), threading.Semaphore(0)
def stays():
    work()
    turn.release()
    done.wait()
for _ in range(THREADS):
    threading.Thread(target=stays, daemon=True).start()
    turn.acquire()
print(int(open("/proc/self/status").read().partition("VmRSS:")[2].split()[0]) // 1024)
"""
# Large blocks are freed, and a small one that lies behind each is kept.
LARGE = """
THREADS = 12
def work():
    for _ in range(3):
        large = bytearray(b"x") * (16 << 20)
        kept.append(bytearray(700))
        del large
"""
# Small blocks are freed, and the last one is kept.
SMALL = """
THREADS = 12
def work():
    small = [bytearray(1000) for _ in range(16 << 10)]
    kept.append(small[-1])
"""
# A few blocks of many sizes are freed.
FEW = """
THREADS = 250
def work():
    few = [bytearray(size) for size in range(520, 1000, 16) for _ in range(7)]
"""
SETTING = (
    "import os\nfrom core.allocator import restart_with_malloc_settings\nrestart_with_malloc_settings(os.environ)\n"
)

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="glibc only"
)


def resident_mib(work: str, setting: str = "", **environ: str) -> int:
    """Return what a process has in memory whose threads have done this work in turn."""
    program = setting + work + IN_TURN
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    return int(run.stdout)


@pytest.mark.parametrize("work", [LARGE, SMALL, FEW], ids=["large", "small", "few"])
def test_what_threads_freed_does_not_stay_beside_what_others_use(work: str) -> None:
    assert resident_mib(work, SETTING) < resident_mib(work) - 10, "the C library has changed: needed no longer?"


def test_settings_of_the_administrators_own_stay() -> None:
    own = {TUNABLES: "glibc.malloc.arena_max=8"}
    assert resident_mib(SMALL, SETTING, **own) > resident_mib(SMALL, SETTING) + 10


def test_a_program_whose_settings_are_taken_away_starts_all_the_same() -> None:
    taken_away = f"import os\nos.environ.pop({TUNABLES!r}, None)\n"
    command = [sys.executable, "-c", f"{taken_away}{SETTING}print('started')"]
    run = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, timeout=10)
    assert run.stdout == "started\n"


def test_the_bot_starts_itself_with_the_settings(tmp_path: Path) -> None:
    shows = f"print(os.environ[{TUNABLES!r}])"
    started = f"import os, sys\nif 'bot.py' in sys.orig_argv and {TUNABLES!r} in os.environ:\n    {shows}\n"
    (tmp_path / "sitecustomize.py").write_text(started)
    command, environ = [sys.executable, "bot.py", "--help"], {"PYTHONPATH": str(tmp_path)}
    run = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    assert run.stdout.startswith(f"{SETTINGS}\n")
