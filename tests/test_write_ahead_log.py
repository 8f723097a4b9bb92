"""The database's log becomes small again after whatever made it long: a slow reader, a copy, a large transaction."""

from __future__ import annotations

from pathlib import Path

from database import Database
from storage.connection import reading

LARGE = "х" * 250_000  # 500 kB of UTF-8


def size_mib(path: Path) -> float:
    return path.with_name(f"{path.name}-wal").stat().st_size / 2**20


def test_a_log_that_a_reader_made_long_is_cut_once_the_reader_has_gone(tmp_path: Path) -> None:
    db = Database(tmp_path / "bot.db")
    with reading(db.path) as reader:
        reader.execute("select count(*) from user").fetchone()
        for number in range(20):
            db.settings.put("key", f"{number} {LARGE}")
        assert size_mib(db.path) > 8
    for number in range(3):  # one finds the log copied, the next begins it anew
        db.settings.put("key", f"{number} {LARGE}")
    assert size_mib(db.path) < 4.5
    assert db.settings.get("key") == f"2 {LARGE}"
    db.close()
