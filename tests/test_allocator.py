"""What threads have freed leaves the process, or is used by other threads."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from core.allocator import TUNABLES
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


@pytest.mark.parametrize(("work", "most_mib"), [(LARGE, 26), (SMALL, 42), (FEW, 25)], ids=["large", "small", "few"])
def test_what_threads_freed_does_not_stay_beside_what_others_use(work: str, most_mib: int) -> None:
    assert resident_mib(work) > most_mib + 10, "the C library has changed: the settings are needed no longer"
    assert resident_mib(work, SETTING) < most_mib


def test_settings_of_the_administrators_own_stay() -> None:
    own = {TUNABLES: "glibc.malloc.arena_max=8"}
    assert resident_mib(SMALL, SETTING, **own) > 52
