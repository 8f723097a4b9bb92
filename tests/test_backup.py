"""A copy of the database is made while the bot runs, and a bot that is given the copy has everything that is in it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import ForeignDatabase, StorageError
from database import Database, back_up
from tests.bot_database import BotDatabase
from tests.harness import ROOT, BotHarness


def backup(harness: BotHarness, target: Path) -> tuple[int, str]:
    """Return what `python bot.py --backup` ends with: its exit code and its lines."""
    return command(harness, "--backup", target)


def command(harness: BotHarness, option: str, file: Path, *before: str) -> tuple[int, str]:
    """Return what a command of bot.py ends with; `before` stands before it on the command line."""
    done = subprocess.run(
        [*before, sys.executable, "bot.py", option, str(file)],
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


# ---------------------------------------------------------------------- who may read them


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_database_and_every_copy_of_it_are_their_owners_alone_whatever_the_umask(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness()
    before = os.umask(0)
    try:
        harness.start()
        harness.new_person()
        code, _ = backup(harness, harness.folder / "copy.db")
    finally:
        os.umask(before)
    assert code == 0
    files = [path for path in harness.folder.glob("*.db*") if path.is_file()]
    assert {path.name: oct(mode(path)) for path in files} == {path.name: "0o600" for path in files}
    assert {"bot.db", "bot.db-wal", "copy.db"} <= {path.name for path in files}


def test_a_database_that_every_user_could_read_is_closed_to_them_at_the_next_start(tmp_path: Path) -> None:
    Database(tmp_path / "bot.db").close()
    (tmp_path / "bot.db").chmod(0o644)
    Database(tmp_path / "bot.db").close()
    assert mode(tmp_path / "bot.db") == 0o640, "a group may have been let in on purpose"


@pytest.mark.parametrize(
    ("mode", "warning"),
    [
        (0o700, ""),
        (0o750, ""),
        (0o755, "any user can list it"),
        (0o777, "any user can replace its files"),
        (0o1777, "list"),
    ],
)
def test_a_folder_that_others_read_is_named(harness: BotHarness, tmp_path: Path, mode: int, warning: str) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    folder.chmod(mode)
    code, lines = backup(harness, folder / "copy.db")
    assert code == 0
    assert lines.count("\n") == (2 if warning else 1)
    assert warning in lines and (not warning or f"warn  backup: {folder}: " in lines)


# ---------------------------------------------------------------------- restoring


def restore(harness: BotHarness, source: Path) -> tuple[int, str]:
    """Return what `python bot.py --restore` ends with: its exit code and its lines."""
    return command(harness, "--restore", source)


def test_a_copy_is_put_back_and_the_database_before_it_stays(harness: BotHarness, tmp_path: Path) -> None:
    person = harness.writer(words="Жил-был смотритель.")
    copy, database = tmp_path / "copy.db", harness.folder / "bot.db"
    assert backup(harness, copy)[0] == 0
    harness.says("Этого в копии нет.")
    person.press("▶️ Дальше")
    person.wait("Этого в копии нет.")

    code, line = restore(harness, copy)
    assert code == 1 and "in use by another running bot" in line and line.startswith("FAIL  restore: ")
    harness.stop()
    code, line = restore(harness, copy)
    assert (code, line.startswith(f"ok    restore: {database} is sound, 1 users; the one before it is ")) == (0, True)
    kept = Path(line.strip().rpartition(" ")[2])
    assert kept.parent == harness.folder and "replaced-20" in kept.name
    assert "Этого в копии нет." in str(BotDatabase(kept).values("prompt", "text"))
    assert "Этого в копии нет." not in str(harness.db.values("prompt", "text"))
    assert mode(database) == 0o600
    assert not list(harness.folder.glob("bot.db.restored*"))

    harness.start()
    harness.says("А дальше вот что.")
    person.press("▶️ Дальше")
    person.wait("А дальше вот что.")


def test_what_a_killed_bot_left_in_its_wal_stays_with_the_old_database(
    make_harness: Callable[..., BotHarness], tmp_path: Path
) -> None:
    harness = make_harness()
    process = harness.process()
    harness.new_person()
    assert backup(harness, tmp_path / "copy.db")[0] == 0
    harness.new_person(2)
    harness.kill(process)
    assert (harness.folder / "bot.db-wal").stat().st_size
    code, line = restore(harness, tmp_path / "copy.db")
    assert code == 0
    assert BotDatabase(Path(line.strip().rpartition(" ")[2])).count("user") == 2
    assert harness.db.count("user") == 1


def test_a_copy_goes_where_no_database_is_yet(make_harness: Callable[..., BotHarness], tmp_path: Path) -> None:
    harness = make_harness()
    Database(tmp_path / "copy.db").close()
    code, line = restore(harness, tmp_path / "copy.db")
    assert (code, line) == (0, f"ok    restore: {harness.folder / 'bot.db'} is sound, 0 users\n")


@pytest.mark.parametrize("name", ["missing.db", "text.db", "other.db", "newer.db", "bot.db", "link.db"])
def test_what_is_no_copy_is_refused_and_the_database_stays(
    make_harness: Callable[..., BotHarness], tmp_path: Path, name: str
) -> None:
    harness = make_harness()
    for file in ("bot.db", "newer.db"):
        Database(harness.folder / file).close()
    (harness.folder / "text.db").write_text("no database " * 1000)
    (harness.folder / "link.db").symlink_to(harness.folder / "bot.db")
    with closing(sqlite3.connect(harness.folder / "other.db")) as other:
        other.execute("create table other (id)")
    with closing(sqlite3.connect(harness.folder / "newer.db")) as newer:
        newer.execute("pragma user_version = 999")
    before = (harness.folder / "bot.db").read_bytes()
    code, line = restore(harness, harness.folder / name)
    assert code == 1 and line.startswith("FAIL  restore: ") and line.count("\n") == 1
    assert (harness.folder / "bot.db").read_bytes() == before
    assert not list(harness.folder.glob("*replaced*")) and not list(harness.folder.glob("*restored*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_root_restores_for_the_owner_of_the_folder(make_harness: Callable[..., BotHarness], tmp_path: Path) -> None:
    harness = make_harness(DATABASE_PATH=tmp_path / "state" / "bot.db")
    (tmp_path / "state").mkdir(mode=0o750)
    os.chown(tmp_path / "state", 10001, 10002)
    Database(tmp_path / "copy.db").close()
    assert restore(harness, tmp_path / "copy.db")[0] == 0
    owners = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in (tmp_path / "state").iterdir()}
    assert owners == {"bot.db": (10001, 10002), "bot.db.lock": (10001, 10002)}


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root may become another user")
@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="another user needs a Python that they can read")
@pytest.mark.parametrize("name", ["bot.db", "bot.db.lock"])
def test_a_file_that_another_user_owns_is_named_at_the_start(tmp_path: Path, name: str) -> None:
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # pytest's own folders are root's
    try:
        Database(folder / "bot.db").close()
        for path in (folder, *folder.iterdir()):
            os.chown(path, 10001, 10001)
        os.chown(folder / name, 0, 0)
        (folder / name).chmod(0o600)
        folder.chmod(0o755)
        program = "import sys; from pathlib import Path; from storage.file_access import lock; lock(Path(sys.argv[1]))"
        done = subprocess.run(
            [
                "setpriv",
                "--reuid=10001",
                "--regid=10001",
                "--clear-groups",
                "/usr/bin/python3",
                "-c",
                program,
                folder / "bot.db",
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
        )
    finally:
        shutil.rmtree(folder)
    said = done.stderr.strip().splitlines()[-1]
    wanted = (
        f"{folder / name} can't be written: it belongs to user 0 (root), mode 0600; this is user 10001: chown 10001"
    )
    assert wanted in said


# ---------------------------------------------------------------------- a full disk, a disk that can't lock


def test_a_disk_that_fills_under_a_backup_leaves_nothing_and_says_so(harness: BotHarness, tmp_path: Path) -> None:
    harness.new_person()
    target = tmp_path / "copy.db"
    target.write_text("an older copy")
    code, line = command(harness, "--backup", target, "prlimit", "--fsize=20000")
    assert code == 1 and line.startswith(f"FAIL  backup: {target}: ") and line.count("\n") == 1
    assert target.read_text() == "an older copy"
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]


def test_a_disk_that_fills_under_a_restore_leaves_the_database(
    make_harness: Callable[..., BotHarness], tmp_path: Path
) -> None:
    harness = make_harness()
    for name in ("bot.db", "copy.db"):
        Database(harness.folder / name).close()
    before = (harness.folder / "bot.db").read_bytes()
    code, _ = command(harness, "--restore", harness.folder / "copy.db", "prlimit", "--fsize=20000")
    assert code == 1
    assert (harness.folder / "bot.db").read_bytes() == before
    assert not list(harness.folder.glob("bot.db.re*"))
