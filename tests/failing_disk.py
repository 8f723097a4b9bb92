"""Have calls to the disk fail in this process: the n-th write, sync or open, once or from then on until it is freed.

By libfiu (Debian's `fiu-utils`), whose libraries stand before the C library's functions once they are preloaded.
"""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Callable
from pathlib import Path

from tests.counters import Counters

PRELOADED = tuple(Path("/usr/lib/fiu") / name for name in ("fiu_run_preload.so", "fiu_posix_preload.so"))
KIND_OF = {
    "posix/io/rw/pwrite": "disk-write",  # SQLite writes by `pwrite` only
    "posix/io/sync/fsync": "disk-sync",
    "posix/io/sync/fdatasync": "disk-sync",
    "posix/io/oc/open": "disk-open",
}
ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "EDQUOT": errno.EDQUOT}
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.POINTER(ctypes.c_int),
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.POINTER(ctypes.c_uint),
)
_kept: list[object] = []  # libfiu calls what it was given as long as the process runs


def environment() -> dict[str, str]:
    """Return what a process is started with for its calls to fail."""
    return {"LD_PRELOAD": ":".join(map(str, PRELOADED))}


def is_there() -> bool:
    return all(path.exists() for path in PRELOADED)


def fail_disk_calls(counters: Counters) -> None:
    """Count this process's calls to the disk, and fail those that are to fail."""
    fiu = ctypes.CDLL("libfiu.so.0")
    for name, kind in KIND_OF.items():
        callback = _CALLBACK(_failing(counters, kind))
        _kept.append(callback)
        assert fiu.fiu_enable_external(name.encode(), 1, None, 0, callback) == 0


def _failing(counters: Counters, kind: str) -> Callable[..., int]:
    def fails(_name: bytes, _number: object, info: ctypes._Pointer[ctypes.c_void_p], _flags: object) -> int:
        if counters.is_deadly(kind):
            counters.fail()
        elif not counters.fails:
            return 0
        info[0] = ctypes.c_void_p(counters.error)
        return 1

    return fails
