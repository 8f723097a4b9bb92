"""Tell the C library's allocator to hold little memory beside what is in use."""

from __future__ import annotations

import ctypes
from typing import Final

LARGE_BYTES: Final = 1 << 20
# Of glibc's mallopt.
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8


def hold_little() -> bool:
    """Have all threads share one arena, and blocks of a mebibyte and more mapped by themselves.

    Call it before the first thread. Return False where the C library has no such settings.

    By default glibc gives each thread an arena of its own, up to eight a core, and what is free in one is no use to
    another thread. The interpreter's lock lets one thread allocate at a time, so that they don't wait for a shared one.

    Once a large block is freed, glibc maps only larger ones by themselves, up to 32 MiB. From then on pictures and
    books lie in the arena, and a small block behind a freed one keeps its memory in the process.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # macOS, musl
        return False
    return bool(mallopt(_M_ARENA_MAX, 1)) and bool(mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES))
