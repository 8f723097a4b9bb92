"""The database beside Litestream: its tables in a new file, the checkpoints that are left to it, a WAL that grows."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from core.errors import ForeignDatabase, StorageError
from database import Database, back_up, restore
from storage import schema
from storage.connection import Connection
from storage.replicated_log import LITESTREAM_TABLES, ReplicatedLog


def litestream_comes(path: Path) -> None:
    """Do to a database what Litestream does first."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma journal_mode=wal")
        for name in LITESTREAM_TABLES:
            connection.execute(f"create table {name} (id integer)")


@contextmanager
def held_by_a_reader(path: Path) -> Iterator[None]:
    """Hold the database as Litestream does: open, and in a read transaction."""
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from sqlite_master").fetchone()
        yield


def automatic_checkpoint(db: Database) -> int:
    """Return after how many pages SQLite checkpoints by itself; 0 is never."""
    return int(db._connection.value("pragma wal_autocheckpoint"))


def wal_of(db: Database) -> int:
    return Path(f"{db.path}-wal").stat().st_size


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


def test_a_new_file_in_which_litestream_was_first_becomes_the_bots(path: Path) -> None:
    litestream_comes(path)
    with closing(Database(path)) as db:
        assert db.steps_taken > 0 and automatic_checkpoint(db) == 0
    with closing(Database(path)) as again:
        assert again.steps_taken == 0 and automatic_checkpoint(again) == 0


def test_a_file_with_any_other_table_is_still_refused(path: Path) -> None:
    litestream_comes(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("create table _litestream_notes (id integer)")
    with pytest.raises(ForeignDatabase, match="belongs to another program"):
        Database(path)


def test_checkpoints_are_left_to_litestream_from_the_next_minute_on(path: Path) -> None:
    with closing(Database(path)) as db:
        db.wal.tend()
        assert automatic_checkpoint(db) > 0, "without Litestream nothing changes"
        litestream_comes(path)
        db.wal.tend()
        assert automatic_checkpoint(db) == 0


def test_a_heartbeat_checkpoints_nothing(path: Path) -> None:
    litestream_comes(path)
    with closing(Database(path)) as db:
        for number in range(12):
            db.settings.put(f"note-{number}", "x" * 400_000)
        size = path.stat().st_size
        db.ping_write()
        assert wal_of(db) > 1_000 * 4_096 and path.stat().st_size == size


def test_a_migration_checkpoints_nothing(path: Path) -> None:
    litestream_comes(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as before:
        before.executescript(schema.STEPS[0])
        before.execute(f"pragma application_id = {schema.APPLICATION_ID}")
        before.execute("pragma user_version = 1")
        before.execute("pragma wal_checkpoint(truncate)")
        before.execute("pragma wal_autocheckpoint = 0")
        before.execute("insert into setting (key, value) values ('note', ?)", ("x" * 5_000_000,))
        size = path.stat().st_size
        with closing(Database(path)) as db:
            assert db.steps_taken == len(schema.STEPS) - 1
            assert wal_of(db) > 5_000_000 and path.stat().st_size == size


def test_a_wal_that_nobody_shortens_is_truncated_and_one_that_is_read_stays(path: Path) -> None:
    litestream_comes(path)
    with closing(Database(path)) as db:
        db.settings.put("note", "x" * 4000)
        db.wal.tend()
        assert wal_of(db) > 0, "it isn't long yet"
        log = ReplicatedLog(db._connection, path, longest=1000)
        log.tend()
        assert wal_of(db) == 0
        with held_by_a_reader(path):
            db.settings.put("note", "y" * 4000)
            log.tend()
            assert wal_of(db) > 1000
        log.tend()
        assert wal_of(db) == 0 and db.settings.get("note") == "y" * 4000


def test_a_failed_sync_beside_litestream_stops_no_other_thread_and_ends_the_process(path: Path) -> None:
    def sync(_: int) -> None:
        raise OSError(5, "Input/output error")

    def write_durably() -> None:
        with connection.transaction(durable=True):
            connection.run("insert into word values ('one')")

    ended: list[int] = []
    connection = Connection(path, sync, ended.append)
    connection.most_refused = 1_000
    connection.leave_checkpoints()
    connection.run("create table word (text)")
    with held_by_a_reader(path):
        waiting = threading.Thread(target=write_durably)
        waiting.start()
        while connection.value("select count(*) from word") == 0:
            pass
        connection.run("insert into word values ('two')")
        assert waiting.is_alive() and not ended
        connection.most_refused = 1
        waiting.join(20)
    assert ended == [1]
    write_durably()
    assert ended == [1] and Path(f"{path}-wal").stat().st_size == 0, "without the reader the log is copied"
    connection.close()


def test_deleting_words_waits_for_no_reader_beside_litestream(path: Path) -> None:
    """The read lock lasts: waiting for it would stop every writer for two seconds."""
    litestream_comes(path)
    with closing(Database(path)) as db, held_by_a_reader(path):
        db._connection.value("pragma busy_timeout = 600000")  # the test would not end
        while db.forgetting.erase_words():
            pass
        assert wal_of(db) > 0


def test_a_restore_refuses_while_another_program_has_the_database_open(path: Path, tmp_path: Path) -> None:
    with closing(Database(path)) as db:
        db.settings.put("note", "old")
        back_up(path, tmp_path / "copy.db")
        db.settings.put("note", "new")
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('begin');"
        "c.execute('select count(*) from setting').fetchone(); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"open\n"
        with pytest.raises(StorageError, match="open in another program \\(Litestream\\?\\): stop that one first"):
            restore(path, tmp_path / "copy.db")
        assert not list(tmp_path.glob("*.replaced-*")) and not list(tmp_path.glob("*.restored"))
        with closing(Database(path)) as db:
            assert db.settings.get("note") == "new"
        other.communicate()
    restore(path, tmp_path / "copy.db")
    with closing(Database(path)) as db:
        assert db.settings.get("note") == "old"
