"""A copy of the database is made while the bot runs, and a bot that is given the copy has everything that is in it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import ForeignDatabase, StorageError
from database import Database, back_up
from tests.harness import ROOT, BotHarness


def backup(harness: BotHarness, target: Path) -> tuple[int, str]:
    """Return what `python bot.py --backup` ends with: its exit code and its lines."""
    done = subprocess.run(
        [sys.executable, "bot.py", "--backup", str(target)],
        cwd=ROOT,
        env=os.environ | harness.environment(),
        capture_output=True,
        text=True,
        timeout=30,
    )
    return done.returncode, done.stdout


def test_a_backup_under_way_of_writing_restores_the_stories(harness: BotHarness, tmp_path: Path) -> None:
    person = harness.writer(words="Жил-был смотритель.")
    assert harness.app is not None
    database, target = harness.app.config.database_path, tmp_path / "copy.db"
    writing, done = harness.app.db, threading.Event()

    def write_on() -> None:
        number = 0
        while not done.is_set():
            number += 1
            with writing.transaction():
                writing.settings.put("one", str(number))
                writing.settings.put("two", str(number))

    thread = threading.Thread(target=write_on)
    thread.start()
    try:
        code, line = backup(harness, target)
    finally:
        done.set()
        thread.join()
    assert (code, line) == (0, f"ok    backup: {target} is sound, 1 users\n")
    with closing(sqlite3.connect(target)) as copy:
        one, two = (
            copy.execute("select value from setting where key = ?", (key,)).fetchone() for key in ("one", "two")
        )
        assert one == two  # one moment, not two
    assert sorted(path.name for path in tmp_path.glob("copy.db*")) == ["copy.db"]

    harness.says("Этого в копии нет.")
    person.press("▶️ Дальше")
    person.wait("Этого в копии нет.")
    harness.stop()
    shutil.copyfile(target, database)
    for suffix in ("-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)
    harness.start()
    person.send("/whole_story")
    person.wait("Жил-был смотритель.")
    person.wait("Продолжение за вами")
    whole = [message.text for message in person.bot_messages][-3:]
    assert not any("Этого в копии нет." in text for text in whole)
    harness.says("А дальше вот что.")
    person.press("▶️ Дальше")
    person.wait("А дальше вот что.")


def test_a_backup_takes_the_place_of_an_older_one_and_needs_no_bot(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    harness.start()
    harness.new_person()
    harness.stop()
    target = harness.folder / "copy.db"
    target.write_text("an older copy")
    assert backup(harness, target)[0] == 0
    Database(target).close()


@pytest.mark.parametrize("name", ["bot.db", "bot.db-wal", "bot.db.lock", "link.db"])
def test_the_database_itself_is_never_overwritten(harness: BotHarness, name: str) -> None:
    harness.new_person()
    (harness.folder / "link.db").symlink_to(harness.folder / "bot.db")
    code, line = backup(harness, harness.folder / name)
    assert code == 1
    assert line.startswith("FAIL  backup: ") and "give the copy another name" in line
    assert harness.db.count("user") == 1


def test_a_copy_that_fails_leaves_the_older_one(harness: BotHarness, tmp_path: Path) -> None:
    harness.new_person()
    code, line = backup(harness, tmp_path / "nowhere" / "copy.db")
    assert code == 1 and line.count("\n") == 1 and "nowhere" in line
    (tmp_path / "taken").mkdir()
    assert backup(harness, tmp_path / "taken")[0] == 1
    assert not list(tmp_path.glob("*.part"))


def test_only_a_database_of_this_bot_is_copied(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no database"):
        back_up(tmp_path / "missing.db", tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("create table other (id)")
    with pytest.raises(ForeignDatabase):
        back_up(tmp_path / "other.db", tmp_path / "copy.db")
    assert not (tmp_path / "missing.db").exists() and not (tmp_path / "copy.db").exists()
