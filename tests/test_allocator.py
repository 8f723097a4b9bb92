"""Large blocks leave the process when they are freed, whichever thread had them."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from tests.harness import ROOT

THREADS, BLOCK_MIB = 12, 16
# Each thread frees three large blocks and keeps a small one that lies behind them.
USE = f"""
import threading
kept = []
def work():
    for _ in range(3):
        large = bytearray(b"x") * ({BLOCK_MIB} << 20)
        kept.append(bytearray(700))
        del large
threads = [threading.Thread(target=work) for _ in range({THREADS})]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(int(open("/proc/self/status").read().partition("VmRSS:")[2].split()[0]) // 1024)
"""
SETTING = "from core.allocator import return_large_blocks\nassert return_large_blocks()\n"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="glibc only"
)


def resident_mib(program: str) -> int:
    """Return what a process of this program has in memory at its end."""
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return int(run.stdout)


def test_large_blocks_that_threads_freed_do_not_stay() -> None:
    assert resident_mib(USE) > 10 + 2 * BLOCK_MIB, "the C library has changed: the setting is needed no longer"
    assert resident_mib(SETTING + USE) < 10 + BLOCK_MIB
