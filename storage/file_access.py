"""Files of the database on the disk: who may use them, the lock of the one bot, and what waits for the disk."""

from __future__ import annotations

import errno
import fcntl
import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from core.errors import StorageError

PRIVATE: Final = 0o600  # stories of everybody: no other user reads them, whatever the umask
BESIDE: Final = ("-wal", "-shm", ".lock")
LOCAL_DISK: Final = "give DATABASE_PATH a file on a local disk"
_OPEN_BYTE: Final = 128  # of `-shm`: every program that has the database open holds a shared lock on it
_IN_USE: Final = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES)


def beside(path: Path) -> tuple[Path, ...]:
    """Return the files that SQLite and the lock keep beside the database at `path`."""
    return tuple(path.with_name(path.name + suffix) for suffix in BESIDE)


def make_private(path: Path) -> None:
    """Create an empty file that only its owner reads, or close an existing one to users outside its group.

    SQLite gives the files that it makes beside a database the mode of the database.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    try:
        status = os.fstat(handle)
        if status.st_uid == os.geteuid() and status.st_mode & stat.S_IRWXO:
            os.fchmod(handle, stat.S_IMODE(status.st_mode) & ~stat.S_IRWXO)
    finally:
        os.close(handle)


def lock(path: Path) -> IO[str]:
    """Lock `path`.lock until the returned file is closed; the kernel releases it if the process dies.

    Raises `StorageError` if another process has it, or if the file system can't lock.
    """
    lock_path = path.with_name(f"{path.name}.lock")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_access(path)
        make_private(lock_path)
        with suppress(PermissionError):  # root without this right, as in a container: then it is its own lock
            give_to_owner_of_folder(lock_path)
        lock_file = lock_path.open("w")
    except OSError as error:
        raise StorageError(f"{path}: {error}") from error
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock_file.close()
        if error.errno in _IN_USE:
            raise StorageError(f"{path} is in use by another running bot") from error
        raise StorageError(f"{path}: this file system can't lock files ({error.strerror}): {LOCAL_DISK}") from error
    return lock_file


def is_open_elsewhere(path: Path) -> bool:
    """Return whether another process, such as Litestream, has the database at `path` open. Raises `OSError`."""
    shared = path.with_name(f"{path.name}-shm")
    if not shared.exists():
        return False
    with shared.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _OPEN_BYTE)
        except OSError as error:
            if error.errno in _IN_USE:
                return True
            raise
    return False


def check_access(path: Path) -> None:
    """Raise `StorageError` if this process can't write the database at `path`; it says whose the file is."""
    try:
        for file in (path.parent, path, *beside(path)):
            needed = os.R_OK | os.W_OK | (os.X_OK if file.is_dir() else 0)
            if file.exists() and not os.access(file, needed):
                raise StorageError(f"{file} can't be written: {_reason(file)}")
    except OSError as error:
        raise StorageError(f"{path}: {error}") from error


def give_to_owner_of_folder(path: Path) -> None:
    """Give a file to the user to whom its folder belongs; does so for root only, who may act for the bot's user."""
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.chown(path, folder.st_uid, folder.st_gid)


def user_name(uid: int) -> str:
    """Return `10001`, or `10001 (coauthor)` if the machine knows a name."""
    try:
        return f"{uid} ({pwd.getpwuid(uid).pw_name})"
    except KeyError:
        return str(uid)


def sync_to_disk(path: Path) -> None:
    """Wait until the disk has a file or folder. Raises `OSError`."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(file: Path) -> str:
    if os.statvfs(file).f_flag & os.ST_RDONLY:
        return "its file system is read-only"
    status, me = file.stat(), os.geteuid()
    mode = f"{stat.S_IMODE(status.st_mode):04o}"
    if status.st_uid == me:
        wanted = "0700" if stat.S_ISDIR(status.st_mode) else "0600"
        return f"its mode is {mode}: chmod {wanted} {file}"
    whose = f"it belongs to user {user_name(status.st_uid)}, mode {mode}"
    return f"{whose}; this is user {user_name(me)}: chown {me} {file}"
