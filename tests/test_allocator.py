"""What threads have freed leaves the process, or is used by other threads."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from tests.harness import ROOT

THREADS, BLOCK_MIB = 12, 16
# Each thread does its work when the one before has done it, and stays.
THREADS_IN_TURN = f"""
import threading
kept, done = [], threading.Event()
def stays():
    work()
    turn.release()
    done.wait()
turn = threading.Semaphore(0)
for _ in range({THREADS}):
    threading.Thread(target=stays, daemon=True).start()
    turn.acquire()
print(int(open("/proc/self/status").read().partition("VmRSS:")[2].split()[0]) // 1024)
"""
# Three large blocks are freed, and a small one that lies behind them is kept.
LARGE = f"""
def work():
    for _ in range(3):
        large = bytearray(b"x") * ({BLOCK_MIB} << 20)
        kept.append(bytearray(700))
        del large
"""
# Small blocks are freed, and the last one is kept.
SMALL = f"""
def work():
    small = [bytearray(1000) for _ in range({BLOCK_MIB} << 10)]
    kept.append(small[-1])
"""
SETTING = "from core.allocator import hold_little\nassert hold_little()\n"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="glibc only"
)


def resident_mib(work: str, setting: str = "") -> int:
    """Return what a process has in memory whose threads have done this work in turn."""
    program = setting + work + THREADS_IN_TURN
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.parametrize(("work", "most_mib"), [(LARGE, 10 + BLOCK_MIB), (SMALL, 10 + 2 * BLOCK_MIB)])
def test_what_threads_freed_does_not_stay_beside_what_others_use(work: str, most_mib: int) -> None:
    assert resident_mib(work) > 10 + 2 * BLOCK_MIB, "the C library has changed: the setting is needed no longer"
    assert resident_mib(work, SETTING) < most_mib
