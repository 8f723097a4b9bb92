"""The file: its one path of migrations, its transactions, its tree, and what it refuses."""

from __future__ import annotations

import errno
import fcntl
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from conversation.steps import Step
from conversation.story_draft import Draft
from core.errors import ForeignDatabase, StorageError
from core.schemas import DeferredAttachment, Outgoing
from database import Database, inspect
from storage import schema
from storage.connection import Connection
from storage.migration import migrate
from tests.harness import ROOT


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "bot.db")
    yield database
    database.close()


def add_user(db: Database, user_id: int = 1, balance: int = 10_000) -> int:
    db.users.register(user_id, "anna", "Анна", None, language="ru", balance=balance, now=1)
    return user_id


def add_story(db: Database, user_id: int = 1) -> int:
    return db.stories.create(user_id, user_id, genre="Сказка", hero="Кот", setting="Лес", extra="", title="", now=1)


def test_a_new_file_is_sound_and_a_second_opening_takes_no_step(tmp_path: Path) -> None:
    first = Database(tmp_path / "bot.db")
    assert first.steps_taken == len(schema.STEPS) and first._connection.value("pragma integrity_check") == "ok"
    first.close()
    second = Database(tmp_path / "bot.db")
    assert second.steps_taken == 0
    second.close()


def test_a_second_bot_is_kept_out(db: Database) -> None:
    with pytest.raises(StorageError, match="in use"):
        Database(db.path)


def test_a_foreign_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    foreign = sqlite3.connect(path)
    foreign.execute("create table recipes (name text)")
    foreign.commit()
    foreign.close()
    before = path.read_bytes()
    with pytest.raises(ForeignDatabase):
        Database(path)
    assert path.read_bytes()[100:] == before[100:]


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    Database(path).close()
    raw = sqlite3.connect(path)
    raw.execute("pragma user_version = 99")
    raw.close()
    with pytest.raises(ForeignDatabase, match="newer"):
        Database(path)
    with pytest.raises(ForeignDatabase, match="newer"):
        inspect(path)


STEP_TOO_FAR = "create table later (id integer primary key) strict;"


def migrate_with(path: Path, *limit: str) -> str:
    """Return what an attempt to take one more step says; `limit` are options of prlimit."""
    program = (
        "import sys; from pathlib import Path; from core.errors import StorageError\n"
        "from storage import migration, schema; from storage.connection import Connection\n"
        "path = Path(sys.argv[1]); connection = Connection(path)\n"
        "try: print(migration.migrate(connection, path, (*schema.STEPS, sys.argv[2])))\n"
        "except StorageError as error: print(error)\n"
        "connection.close()"
    )
    done = subprocess.run(
        ["prlimit", *limit, sys.executable, "-c", program, path, STEP_TOO_FAR],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert not done.stderr
    return done.stdout.strip()


def test_a_disk_that_fills_under_a_migration_leaves_the_file_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    Database(path).close()
    said = migrate_with(path, "--fsize=40000")
    assert "bot.db.before-" in said and "Nothing has changed. Free as much space" in said
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bot.db", "bot.db.lock"]
    Database(path).close()  # the version of the step that failed would be refused

    assert migrate_with(path) == "1"
    (copy,) = tmp_path.glob("bot.db.before-*")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with pytest.raises(ForeignDatabase, match="newer"):
        Database(path)


def test_a_step_that_fails_leaves_the_steps_before_it(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    connection = Connection(path)
    with pytest.raises(StorageError, match=r"step 2 of the migration failed .* left nothing behind"):
        migrate(
            connection, path, ("create table one (id) strict;".replace("(id)", "(id integer)"), "create table two (;")
        )
    assert connection.value("pragma user_version") == 1
    connection.close()


def test_a_file_system_that_cannot_lock_is_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unable)
    with pytest.raises(
        StorageError, match=r"this file system can't lock files .*: give DATABASE_PATH a file on a local"
    ):
        Database(tmp_path / "bot.db")


def test_a_file_system_without_shared_memory_is_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StorageError, match="can't lock files or share memory, which SQLite's WAL needs"):
        Connection(Path(":memory:"))  # SQLite grants no WAL here, as on a file system without shared memory


def test_a_damaged_file_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError):
        Database(path)


def test_a_failed_transaction_leaves_nothing_behind(db: Database) -> None:
    def fail() -> None:
        with db.transaction():
            add_user(db)
            with db.transaction():  # joins the outer one
                db.drafts[1] = Draft(genre="Сказка")
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert db.users.get(1) is None and 1 not in db.drafts


def test_transactions_of_many_threads_follow_one_another(db: Database) -> None:
    add_user(db)

    def add() -> None:
        for _ in range(20):
            with db.transaction():
                known = int(db.settings.get("n") or 0)
                db.settings.put("n", str(known + 1))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert db.settings.get("n") == "160"


def test_drafts_are_a_dictionary_that_survives(db: Database) -> None:
    add_user(db)
    db.drafts[1] = Draft("Сказка", "Кот", "", "злой", Step.SETTING, 2, True)
    assert db.drafts[1] == Draft("Сказка", "Кот", "", "злой", Step.SETTING, 2, True)
    assert list(db.drafts) == [1] and len(db.drafts) == 1
    del db.drafts[1]
    assert db.drafts.get(1) is None
    with pytest.raises(KeyError):
        del db.drafts[1]


def test_a_step_moves_only_from_where_the_mover_saw_it(db: Database) -> None:
    add_user(db)
    assert db.users.move(1, Step.MENU, Step.GENRE)
    assert not db.users.move(1, Step.MENU, Step.STORY)
    user = db.users.get(1)
    assert user is not None and user.step is Step.GENRE


def test_the_shown_path_leaves_out_what_hangs_beside_it(db: Database) -> None:
    add_user(db)
    session = add_story(db)
    add = db.tree.add
    first = add(session, None, 1, "assistant", "первая", now=1)
    rejected = add(session, first, 1, "assistant", "отвергнутая", now=1)
    words = add(session, first, 1, "user", "слова", now=1)
    head = add(session, words, 1, "assistant", "третья", now=1)
    assert [prompt.text for prompt in db.tree.path(head).prompts] == ["первая", "слова", "третья"]
    assert db.tree.parts(head) == 2 and rejected


def test_the_path_begins_after_its_nearest_memory_and_the_original_stays_whole(db: Database) -> None:
    add_user(db)
    session = add_story(db)
    ids: list[int] = []
    for number in range(6):
        parent = ids[-1] if ids else None
        ids.append(db.tree.add(session, parent, 1, "assistant", str(number), now=1))
    db.tree.remember(ids[1], "память до 1")
    db.tree.remember(ids[3], "память до 3")
    path = db.tree.path(ids[5])
    assert path.memory == "память до 3" and [prompt.text for prompt in path.prompts] == ["4", "5"]
    assert db.tree.path(ids[2]).memory == "память до 1"
    assert db.tree.path(ids[3]).prompts == ()
    assert [prompt.text for prompt in db.tree.whole(ids[5])] == list("012345")


def test_an_update_enters_once_and_is_forgotten_two_days_after_its_end(db: Database) -> None:
    rows = db.inbox.add([(7, 1, "{}"), (7, 1, "{}"), (8, 1, "{}")], 100)
    assert [row.chat_id for row in rows] == [1, 1]
    assert db.inbox.add([(7, 1, "{}")], 100) == []
    db.inbox.finish(rows[0].id, 100)
    assert [row.id for row in db.inbox.unfinished()] == [rows[1].id]
    assert db.inbox.purge(100 + 48 * 3600) == 0
    assert db.inbox.purge(101 + 48 * 3600) == 1


def test_messages_leave_the_outbox_in_order_and_files_stay_bytes(db: Database) -> None:
    [row] = db.inbox.add([(1, 5, "{}")], 1)
    db.outbox.add(row.id, [Outgoing(5, "sendMessage", {"text": "раз"})])
    db.outbox.add(row.id, [Outgoing(5, "sendDocument", {}, {"document": ("log.txt", b"\x00\xff")}, None)])
    first, second = db.outbox.pending()
    assert first.params == {"text": "раз"} and second.files == {"document": ("log.txt", b"\x00\xff")}
    db.outbox.sent(first.id, 5, 77, None)
    assert [left.id for left in db.outbox.pending()] == [second.id]


def test_a_chat_has_one_open_turn_at_most(db: Database) -> None:
    add_user(db)
    session = add_story(db)
    rows = db.inbox.add([(1, 5, "{}"), (2, 5, "{}")], 1)

    def begin(inbox_id: int) -> int:
        return db.turns.add(
            inbox_id=inbox_id,
            chat_id=5,
            user_id=1,
            session_id=session,
            kind="part",
            prompt_id=None,
            hint="",
            soft=False,
            now=1,
        )

    first = begin(rows[0].id)
    with pytest.raises(sqlite3.IntegrityError):
        begin(rows[1].id)
    assert db.turns.start(first) and not db.turns.start(first)
    assert db.turns.end(first, "answered", 2) and not db.turns.end(first, "stopped", 3)
    assert begin(rows[1].id)


def test_the_look_of_a_check_writes_nothing(db: Database, tmp_path: Path) -> None:
    add_user(db)
    assert "is sound, 1 users" in inspect(db.path)
    assert "will be created" in inspect(tmp_path / "none.db") and not (tmp_path / "none.db").exists()


def test_a_locked_file_is_a_storage_error_and_works_again_afterwards(db: Database) -> None:
    add_user(db)
    db._connection._raw.execute("pragma busy_timeout = 50")
    other = sqlite3.connect(db.path, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(StorageError, match="locked"), db.transaction():
        db.settings.put("a", "1")
    other.execute("rollback")
    with db.transaction():
        db.settings.put("a", "1")
    other.close()
    assert db.settings.get("a") == "1"


def test_a_full_disk_is_a_storage_error_and_nothing_is_half_written(db: Database) -> None:
    add_user(db)
    pages = db._connection.value("pragma page_count")
    db._connection.value(f"pragma max_page_count = {pages}")
    with pytest.raises(StorageError, match="full"), db.transaction():
        db.settings.put("small", "1")
        db.settings.put("large", "x" * 1_000_000)
    assert db.settings.get("small") is None
    db._connection.value(f"pragma max_page_count = {pages + 10_000}")
    with db.transaction():
        db.settings.put("large", "x" * 1_000_000)
    assert db._connection.value("pragma integrity_check") == "ok"


def test_a_value_of_the_wrong_kind_is_a_bug_and_no_problem_of_the_disk(db: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError), db.transaction():
        db.users.register("one", "anna", "Анна", None, language="ru", balance=1, now=1)  # type: ignore[arg-type]
    assert db.users.count() == 0


def test_a_book_is_kept_as_what_it_is_of_and_made_when_it_is_sent(db: Database) -> None:
    db.outbox.add(None, [Outgoing(5, "sendDocument", {}, deferred=DeferredAttachment("book", 7, "epub"))])
    [row] = db.outbox.pending()
    assert row.deferred == DeferredAttachment("book", 7, "epub") and row.files is None


def test_the_end_of_a_turn_ends_its_update_too(db: Database) -> None:
    user = add_user(db)
    [row] = db.inbox.add([(1, user, "{}")], 1)
    turn = db.turns.add(
        inbox_id=row.id,
        chat_id=user,
        user_id=user,
        session_id=add_story(db),
        kind="part",
        prompt_id=None,
        hint="",
        now=1,
    )
    db.inbox.become_turn(row.id)
    assert db.turns.start(turn) is not None and db.turns.end(turn, "failed", 7)
    assert not db.inbox.is_new(row.id) and db.inbox.purge(7 + 48 * 3600) == 0 and db.inbox.purge(8 + 48 * 3600) == 1
