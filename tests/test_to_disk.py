"""Transactions that the disk has: what a sync that fails or hangs holds up, and who is told."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

from storage.connection import Connection


def test_a_durable_transaction_ends_when_the_disk_has_the_log_and_holds_up_nobody_meanwhile(tmp_path: Path) -> None:
    seen: list[object] = []

    def sync(log_file: int) -> None:
        others = threading.Thread(target=lambda: seen.append(connection.value("select count(*) from word")))
        others.start()
        others.join(5)
        seen.append(os.path.samestat(os.fstat(log_file), (tmp_path / "bot.db-wal").stat()))

    connection = Connection(tmp_path / "bot.db", sync)
    connection.run("create table word (text)")
    with connection.transaction():
        connection.run("insert into word values ('one')")
    assert seen == []
    with connection.transaction(durable=True):
        with connection.transaction(durable=True):
            connection.run("insert into word values ('two')")
        assert seen == []
    assert seen == [2, True]
    connection.close()


def test_a_disk_that_fails_to_sync_the_log_gets_it_into_the_file(tmp_path: Path) -> None:
    def sync(log_file: int) -> None:
        raise OSError(5, "Input/output error")

    connection = Connection(tmp_path / "bot.db", sync)
    connection.run("create table word (text)")
    with connection.transaction(durable=True):
        connection.run("insert into word values ('one')")
    assert (tmp_path / "bot.db-wal").stat().st_size == 0
    assert connection.value("select text from word") == "one"
    connection.close()


def test_whoever_waits_for_the_disk_is_told_at_each_try_that_fails(tmp_path: Path) -> None:
    def sync(log_file: int) -> None:
        raise OSError(28, "No space left on device")

    def tell() -> None:
        told.append(reader.in_transaction)
        if len(told) == 2:
            reader.execute("commit")

    told: list[bool] = []
    connection = Connection(tmp_path / "bot.db", sync)
    connection.run("create table word (text)")
    reader = sqlite3.connect(tmp_path / "bot.db", isolation_level=None)
    reader.execute("begin")
    reader.execute("select * from word").fetchall()  # keeps the log
    connection.run("insert into word values ('one')")
    connection.to_disk(tell)
    assert told == [True, True]
    assert (tmp_path / "bot.db-wal").stat().st_size == 0
    reader.close()
    connection.close()
