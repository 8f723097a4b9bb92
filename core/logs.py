"""The log: one line an event, in a rotating file and on stderr, with secrets masked and no line forged.

    2026-11-21T06:33:09.123Z INFO turns: turn answered user=5 turn=7 ms=812

`set_up` is called once, at start; any module then has `logger = logging.getLogger(__name__)` and says what happened
with `event`. Texts of users and models are never logged at INFO: `brief` gives their length. What a message brings
in (line breaks, control characters) is escaped; a traceback keeps its lines, each indented.

What is masked stands in `core/redaction.py`.
"""

from __future__ import annotations

import json
import logging
import os
import re
import stat
import sys
import threading
import time
from collections.abc import Iterable
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from core.redaction import Redactor, escape

__all__ = ["Logs", "Redactor", "brief", "event", "log_uncaught", "print_line", "set_up"]

FILE_BYTES = 5_000_000
FILE_COPIES = 3

# Their own loggers would print to the console beside ours, and at INFO or DEBUG they show addresses and bodies.
FOREIGN = ("TeleBot", "urllib3", "requests", "werkzeug", "waitress", "amplitude")

_PLAIN_VALUE = re.compile(r"[^\s\"=]+")


def event(logger: logging.Logger, level: int, name: str, /, **values: object) -> None:
    """Logs what happened as one line: the name, then `key=value` for each value that is not None.

    `exc_info` adds the traceback, as it does in `logging`.
    """
    if logger.isEnabledFor(level):
        exc_info: object = values.pop("exc_info", None)
        shown = {key: value for key, value in values.items() if value is not None}
        line = " ".join([name, *(f"{key}={_value(value)}" for key, value in shown.items())])
        extra = {"event_name": name, "event_values": shown}
        logger.log(level, "%s", line, exc_info=exc_info, extra=extra, stacklevel=2)  # type: ignore[arg-type]


def brief(text: str) -> str:
    """A text as the log may hold it: its length only."""
    return f"text({len(text)})"


class Logs:
    """The handlers of one `set_up`; `close` (or leaving `with`) puts the logging back as it was."""

    def __init__(self, redact: Redactor) -> None:
        self.redact = redact
        self.to_file = False  # whether the log file could be opened
        self._handlers: list[logging.Handler] = []
        self._root_level = logging.getLogger().level
        self._foreign = {name: _state(logging.getLogger(name)) for name in FOREIGN}

    def add(self, handler: logging.Handler) -> None:
        """Every logger's records go to `handler` too, until `close`."""
        self._handlers.append(handler)
        logging.getLogger().addHandler(handler)

    def close(self) -> None:
        """Closes its handlers and gives the root and foreign loggers their former settings back."""
        root = logging.getLogger()
        for handler in self._handlers:
            root.removeHandler(handler)
            handler.close()
        if self._handlers:
            root.setLevel(self._root_level)
            for name, (level, propagate, handlers) in self._foreign.items():
                foreign = logging.getLogger(name)
                foreign.setLevel(level)
                foreign.propagate, foreign.handlers = propagate, handlers
        self._handlers = []

    def __enter__(self) -> Logs:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def set_up(
    log_file: Path,
    level: str = "INFO",
    secrets: Iterable[str] = (),
    log_format: str = "text",
    *,
    console_level: str = "WARNING",
) -> Logs:
    """Sends every logger's lines from `level` on to `log_file`, and from `console_level` on to stderr.

    Where the file can't be opened it says so on stderr, sends everything there, and `to_file` is false; it never
    raises. `log_format` is "text" or "json".
    """
    logs = Logs(Redactor(secrets))
    formatter = _JsonFormatter(logs.redact) if log_format == "json" else _TextFormatter(logs.redact)
    console = _Console(sys.stderr)
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        file = _File(
            log_file, maxBytes=FILE_BYTES, backupCount=FILE_COPIES, encoding="utf-8", errors="backslashreplace"
        )
    except OSError as error:
        reason = error.strerror or type(error).__name__
        print_line(f"The log file {log_file} can't be written ({reason}); the log goes to stderr.")
        console_level = level
    else:
        file.setFormatter(formatter)
        logs.add(file)
        logs.to_file = True
    console.setFormatter(formatter)
    console.setLevel(console_level)
    logs.add(console)
    logging.getLogger().setLevel(level)
    for name in FOREIGN:
        foreign = logging.getLogger(name)
        foreign.handlers, foreign.propagate = [], True
        foreign.setLevel(max(logging.getLogger().level, logging.WARNING))
    return logs


def log_uncaught() -> None:
    """From now on an exception that nobody caught, in any thread, goes to the log: Python's own way to stderr
    would show the secrets in its text. For `main()` only.
    """
    logger = logging.getLogger("uncaught")

    def of_main(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, traceback)
        else:
            logger.critical("uncaught exception", exc_info=(kind, error, traceback))

    def of_thread(failed: threading.ExceptHookArgs) -> None:
        if failed.exc_value is not None and not issubclass(failed.exc_type, SystemExit):
            name = failed.thread.name if failed.thread else "unknown"
            trace = (failed.exc_type, failed.exc_value, failed.exc_traceback)
            logger.critical("uncaught exception in thread %s", name, exc_info=trace)

    sys.excepthook = of_main
    threading.excepthook = of_thread


def print_line(sentence: str) -> None:
    """A sentence on stderr, for what can't go through the log itself; says nothing if stderr is gone."""
    try:
        sys.stderr.write(sentence + "\n")
    except (OSError, ValueError, AttributeError):
        return


class _TextFormatter(logging.Formatter):
    """A line of text, its traceback indented below it."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self.redact = redact

    def format(self, record: logging.LogRecord) -> str:
        # Kept on the record: the file's handler formats it twice, to look at its length first, and stderr once more.
        known = vars(record).get("formatted")
        if known is None:
            known = record.formatted = self._formatted(record)
        return str(known)

    def _formatted(self, record: logging.LogRecord) -> str:
        line = f"{self._time(record)} {record.levelname} {record.name}: {self._message(record)}"
        return "\n    ".join([line, *self._trace(record)])

    def _time(self, record: logging.LogRecord) -> str:
        second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        return f"{second}.{int(record.msecs):03d}Z"

    def _message(self, record: logging.LogRecord) -> str:
        try:
            message = record.getMessage()
        except Exception as error:  # arguments that don't fit, or whose own `str` fails: log what there is
            message = f"{record.msg} (its arguments can't be shown: {type(error).__name__})"
        return escape(self.redact(message))

    def _trace(self, record: logging.LogRecord) -> list[str]:
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        stack = self.formatStack(record.stack_info) if record.stack_info else ""
        return [escape(line) for line in self.redact(f"{trace}\n{stack}").split("\n") if line]


class _JsonFormatter(_TextFormatter):
    """The same as one JSON object a line; an event's values are keys of it, where they don't clash with ours."""

    def _formatted(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": self._time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": self._message(record),
        }
        if hasattr(record, "event_name"):
            line["message"] = escape(self.redact(str(record.event_name)))
            for key, value in getattr(record, "event_values", {}).items():
                plain = isinstance(value, bool | int | float)
                line.setdefault(key, value if plain else escape(self.redact(str(value))))
        trace = self._trace(record)
        if trace:
            line["trace"] = "\n".join(trace)
        return json.dumps(line, ensure_ascii=False)


class _Quiet:
    """What a handler does when it can't write (a full disk): one sentence on stderr a handler, no traceback,
    since Python's own would show the message and its arguments unmasked.
    """

    complained = False

    def handleError(self, record: logging.LogRecord) -> None:
        if not self.complained:
            self.complained = True
            error = sys.exc_info()[1]
            print_line(f"The log can't be written: {type(error).__name__}.")


class _File(_Quiet, RotatingFileHandler):
    """Counts what it writes, where Python's own asks the system four times a line. Only a regular file rotates."""

    _bytes: int | None = None  # in the file; None: it isn't a regular one

    def _open(self) -> TextIOWrapper:
        stream = super()._open()
        status = os.fstat(stream.fileno())
        self._bytes = status.st_size if stat.S_ISREG(status.st_mode) else None
        return stream

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        if self.stream is None:  # a rotation that failed has closed it
            self.stream = self._open()
        return self._bytes is not None and self._bytes + self._length(record) >= self.maxBytes

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        if self._bytes is not None:
            self._bytes += self._length(record)

    def _length(self, record: logging.LogRecord) -> int:
        return len(self.format(record).encode("utf-8", "backslashreplace")) + 1


class _Console(_Quiet, logging.StreamHandler):  # type: ignore[type-arg]
    pass


def _state(logger: logging.Logger) -> tuple[int, bool, list[logging.Handler]]:
    return logger.level, logger.propagate, logger.handlers


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text if _PLAIN_VALUE.fullmatch(text) else json.dumps(text, ensure_ascii=False)
