"""What takes long to make and is the same for every test: made once in a process.

The bot's texts, and a database without a row: its migrations wait for the disk, step by step.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from conversation.localization import Locales
from database import Database


@cache
def shipped_locales() -> Locales:
    """Read `locales/`, which takes longer than to start a bot."""
    return Locales.load(Path(__file__).resolve().parent.parent / "locales")


def new_database(path: Path) -> Database:
    """Open a new database at `path`."""
    put_new_database(path)
    return Database(path)


def put_new_database(path: Path) -> None:
    """Put a new database at `path`, as the bot's first start makes it."""
    path.touch(0o600, exist_ok=False)
    path.write_bytes(_new_database())


@cache
def _new_database() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bot.db"
        Database(path).close()
        return path.read_bytes()
