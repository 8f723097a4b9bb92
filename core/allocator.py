"""Settings by which the C library's allocator holds little memory beside what is in use."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

TUNABLES: Final = "GLIBC_TUNABLES"
RESTARTED: Final = "COAUTHOR_RESTARTED"  # that it was done: something may take TUNABLES away
SETTINGS: Final = "glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0:glibc.malloc.mmap_threshold=1048576"


def restart_with_malloc_settings(environ: Mapping[str, str]) -> None:
    """Start this process's program anew with settings that glibc reads at no other time.

    Return if `environ` has settings of the allocator already, if this was done before, or if the C library isn't glibc.

    By default each thread has an arena, up to eight a core, and keeps freed blocks of up to 1,032 bytes for itself,
    seven of each size: what is free there is no use to other threads. The interpreter's lock lets one thread allocate
    at a time, so that they don't wait for a shared arena.

    Once a large block is freed, glibc maps only larger ones by themselves, up to 32 MiB. From then on pictures and
    books lie in the arena, and a small block behind a freed one keeps its memory in the process. A fixed limit of a
    mebibyte prevents that.
    """
    given = environ.get(TUNABLES, "")
    if "glibc.malloc." in given or RESTARTED in environ or not _is_glibc():
        return
    settings = f"{given}:{SETTINGS}" if given else SETTINGS
    with suppress(OSError):
        restarted = {**environ, TUNABLES: settings, RESTARTED: "1"}
        os.execve(sys.executable, sys.orig_argv, restarted)  # nosec B606  # this program, as it was called


def _is_glibc() -> bool:
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (AttributeError, ValueError, OSError):  # Windows, macOS, musl
        return False
