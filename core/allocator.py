"""Tell the C library's allocator to give large blocks back to the system as soon as they are freed."""

from __future__ import annotations

import ctypes
from typing import Final

LARGE_BYTES: Final = 1 << 20
_M_MMAP_THRESHOLD: Final = -3  # of glibc's mallopt


def return_large_blocks() -> bool:
    """Have blocks of a mebibyte and more mapped by themselves. Return False where the C library has no such setting.

    Once one is freed, glibc raises the limit to that block's size, up to 32 MiB. From then on pictures and books lie in
    the arenas of the threads that made them, and a small block behind a freed one keeps its memory in the process.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # macOS, musl
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES))
