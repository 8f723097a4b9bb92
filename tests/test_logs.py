"""The log: what a line looks like, what never gets into it, and what happens when it can't be written."""

from __future__ import annotations

import errno
import io
import json
import logging
import stat
import sys
import threading
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import logs
from core.redaction import MASK, Redactor, escape

TOKEN = "123456789:AAEabcdefghijklmnopqrstuvwxyz0123456"
logger = logging.getLogger("parts")


class FullDisk(io.RawIOBase):
    name = "a full disk"

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "log.txt"


@pytest.fixture(autouse=True)
def _hooks() -> Iterator[None]:
    before = sys.excepthook, threading.excepthook
    yield
    sys.excepthook, threading.excepthook = before


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def handler_of_file() -> RotatingFileHandler:
    return next(handler for handler in logging.getLogger().handlers if isinstance(handler, RotatingFileHandler))


def after_time(line: str) -> str:
    return line.partition("Z ")[2]


def test_the_file_is_made_at_once_with_its_folder(path: Path) -> None:
    with logs.set_up(path):
        assert path.exists()


def test_an_event_is_one_line_with_its_values(path: Path) -> None:
    with logs.set_up(path):
        logs.event(logger, logging.INFO, "turn_ended", user=5, turn=7, ms=812.0, model="gpt lite", session=None)
        logs.event(logger, logging.DEBUG, "not_shown")
    (line,) = lines(path)
    assert after_time(line) == 'INFO parts: event=turn_ended user=5 turn=7 ms=812 model="gpt lite"'
    assert line[:4].isdigit()
    assert line[10] == "T"


def test_json_lines_hold_the_values_as_keys(path: Path) -> None:
    with logs.set_up(path, log_format="json"):
        logs.event(logger, logging.WARNING, "turn_failed", user=5, ok=False, level="mine", where="дом\n2")
        logger.info("plain %s", "words")
    first, second = (json.loads(line) for line in lines(path))
    assert first.pop("time").endswith("Z")
    values = {"user": 5, "ok": False, "where": "дом\\n2"}
    assert first == {"level": "WARNING", "logger": "parts", "event": "turn_failed", **values}
    assert second["message"] == "plain words"


@pytest.mark.parametrize(
    "secret",
    [
        TOKEN,
        TOKEN.partition(":")[2],
        TOKEN.replace(":", "%3A"),
        "the-key-of-the-configuration",
        "/bot42:short/getMe",
        "Api-Key AQVNabcdefghijklmnop",
        "Bearer something.opaque-123",
        "t1.9euelZqabcdefghij.signature_part",
        "y0_AgAAAABabcdefghijklmnop",
        "sk-proj-abcdefghijklmnop",
        "eyJhbGciOi.eyJpc3MiOi.c2lnbmF0dXJl",
        "https://me:password@host/v1",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
    ],
)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_gets_into_a_line_its_arguments_or_its_traceback(
    secret: str, log_format: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with logs.set_up(path, "INFO", [TOKEN, "the-key-of-the-configuration"], log_format):
        logger.info("by value %s and as part of %r", secret, {"url": f"x {secret}"})
        logs.event(logger, logging.INFO, "call_failed", body=secret)
        logging.getLogger("urllib3.connectionpool").warning("of a library %s", secret)
        try:
            raise ConnectionError(f"no way to {secret}")
        except ConnectionError:
            logger.exception("failed")
            logs.event(logger, logging.ERROR, "turn_failed", exc_info=True)
    written = path.read_text("utf-8") + capsys.readouterr().err
    core = max(secret.replace("/", " ").replace("@", " ").replace("\n", " ").split(), key=len)
    assert written.count(MASK) >= 4
    assert core not in written


def test_ordinary_words_are_left_alone() -> None:
    text = "bot answered at 12:30, task-something-long-enough t1 y0 Bearer of bad news https://host:80/v1 user=5"
    assert Redactor([TOKEN, "x", ""])(text) == text


def test_a_message_cannot_forge_a_line_or_move_the_cursor(path: Path) -> None:
    forged = "hello\n2026-01-01T00:00:00.000Z INFO bot: admin=1\r\x1b[2J\u2028\u202eend"
    with logs.set_up(path):
        logger.info("said %s", forged)
        try:
            raise ValueError(forged)
        except ValueError:
            logger.exception("bad")
    first, second, *trace = lines(path)
    assert "\\n2026" in first
    assert "\\r\\x1b[2J\\u2028\\u202eend" in first
    assert after_time(second) == "ERROR parts: bad"
    assert trace[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in trace)


@given(st.text())
def test_an_escaped_text_is_always_one_printable_line(text: str) -> None:
    escaped = escape(text)
    assert len(escaped.splitlines()) <= 1
    escaped.encode("utf-8")
    assert escape(escaped) == escaped


def test_half_a_character_is_escaped_since_no_file_takes_it() -> None:
    assert escape("a\ud800b") == "a\\ud800b"


def test_arguments_that_do_not_fit_still_give_a_line(path: Path) -> None:
    with logs.set_up(path):
        handler_of_file().handle(logging.LogRecord("parts", logging.INFO, "", 1, "one %d", ("not a number",), None))
    assert after_time(lines(path)[0]) == "INFO parts: one %d (its arguments can't be shown: TypeError)"


def test_a_librarys_own_values_of_a_record_do_not_matter(path: Path) -> None:
    with logs.set_up(path):
        logging.getLogger("somebody").warning("Words", extra={"line": 5, "masked_by": "me"})
    assert [after_time(line) for line in lines(path)] == ["WARNING somebody: Words"]


def test_the_libraries_write_to_the_same_file_and_print_nothing_of_their_own(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = logging.StreamHandler(sys.stderr)
    telebot = logging.getLogger("TeleBot")
    before = telebot.handlers, telebot.level, telebot.propagate
    telebot.handlers = [own]
    try:
        with logs.set_up(path, "DEBUG"):
            for name in ("TeleBot", "urllib3.connectionpool", "werkzeug"):
                logging.getLogger(name).debug("https://api.telegram.org/bot%s/getMe", TOKEN)
                logging.getLogger(name).error("%s failed", name)
        assert telebot.handlers == [own]
    finally:
        telebot.handlers = before[0]
        telebot.setLevel(before[1])
        telebot.propagate = before[2]
    assert len(lines(path)) == 3
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_stderr_shows_warnings_only_unless_asked_for_more(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with logs.set_up(path):
        logger.info("quiet")
        logger.warning("loud")
    assert after_time(capsys.readouterr().err) == "WARNING parts: loud\n"
    with logs.set_up(path, console_level="INFO"):
        logger.info("asked for")
    assert "asked for" in capsys.readouterr().err


def test_a_file_that_cannot_be_opened_leaves_the_log_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with logs.set_up(tmp_path):  # a folder
        logger.info("still said")
    sentence, line = capsys.readouterr().err.splitlines()
    assert sentence == f"The log file {tmp_path} can't be written (Is a directory); the log goes to stderr."
    assert after_time(line) == "INFO parts: still said"


def test_a_full_disk_is_one_sentence_and_no_traceback(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with logs.set_up(path):
        file = handler_of_file()
        opened = file.setStream(io.TextIOWrapper(FullDisk(), "utf-8", write_through=True))
        assert opened is not None
        opened.close()
        logger.info("token %s", TOKEN)
        logger.info("again")
    assert capsys.readouterr().err == "The log can't be written: OSError.\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_disk_without_space_doesnt_stop_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.set_up(Path("/dev/full")):
        for _ in range(3):
            logs.event(logger, logging.INFO, "turn_ended", user=5)
    assert capsys.readouterr().err == "The log can't be written: OSError.\n"


def test_only_the_owner_reads_the_log(path: Path) -> None:
    with logs.set_up(path):
        for _ in range(6):
            logger.info("%s", "x" * 1_000_000)
    files = [path, path.with_name("log.txt.1")]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]


def test_closing_puts_the_logging_back(path: Path) -> None:
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    made = logs.set_up(path, "DEBUG")
    assert root.level == logging.DEBUG
    made.close()
    made.close()
    assert (root.level, root.handlers) == before


def test_the_file_rotates(path: Path) -> None:
    with logs.set_up(path):
        for _ in range(6):
            logger.info("%s", "x" * 1_000_000)
    assert path.with_name("log.txt.1").exists()
    assert path.stat().st_size < logs.FILE_BYTES


def test_an_exception_nobody_caught_goes_to_the_log_masked(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ConnectionError(f"https://api.telegram.org/bot{TOKEN}/getMe")

    with logs.set_up(path):
        logs.log_uncaught()
        thread = threading.Thread(target=fail, name="worker-1")
        thread.start()
        thread.join()
        try:
            fail()
        except ConnectionError as error:
            sys.excepthook(ConnectionError, error, error.__traceback__)
    written = path.read_text("utf-8")
    assert "CRITICAL uncaught: event=uncaught_exception thread=worker-1\n" in written
    assert written.count("https://api.telegram.org/bot***/getMe") == 2
    assert TOKEN not in written + capsys.readouterr().err
