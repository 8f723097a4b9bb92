"""Log every event as one line, in a rotating file and on stderr, with secrets masked.

    2026-11-21T06:33:09.123Z INFO turns: event=turn_ended user=5 turn=7 ms=812

`bot.py` calls `set_up` once, at start. A module has `log = logging.getLogger(__name__)` and logs with `event`. All
events stand in `docs/log-events.md`. Texts of users and models are never logged at INFO. Line breaks and control
characters are escaped, so that no message can forge a line; a traceback keeps its lines, each indented.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Final

from core.redaction import Redactor, escape

FILE_BYTES: Final = 5_000_000
FILE_COPIES: Final = 3

# Libraries whose loggers print to the console, and show addresses and bodies at INFO or DEBUG.
FOREIGN: Final = ("TeleBot", "urllib3", "requests", "werkzeug", "waitress", "amplitude")

_PLAIN_VALUE: Final = re.compile(r"[^\s\"=]+")

Value = str | int | float | bool


def event(
    logger: logging.Logger, level: int, name: str, /, *, exc_info: BaseException | bool | None = None, **values: object
) -> None:
    """Log `event=name` with a `key=value` for each value that is not None, and the traceback of `exc_info`."""
    if logger.isEnabledFor(level):
        shown = _Event({"event": name} | {key: _plain(value) for key, value in values.items() if value is not None})
        if exc_info:
            logger.log(level, shown, exc_info=exc_info)
        else:  # without looking for the caller, whose line no format shows
            logger.handle(logger.makeRecord(logger.name, level, "", 0, shown, (), None))


def set_up(
    log_file: Path,
    level: str = "INFO",
    secrets: Iterable[str] = (),
    log_format: str = "text",
    *,
    console_level: str = "WARNING",
) -> Logs:
    """Send every logger's lines from `level` on to `log_file`, and from `console_level` on to stderr.

    If the file can't be opened, say so on stderr and send everything there. Never raise.
    `log_format` is "text" or "json".
    """
    logs = Logs(Redactor(secrets), _JsonFormatter() if log_format == "json" else _TextFormatter())
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
        logs.add(file, level)
    logs.add(_Console(sys.stderr), console_level)
    logging.getLogger().setLevel(level)
    for name in FOREIGN:
        foreign = logging.getLogger(name)
        foreign.handlers, foreign.propagate = [], True
        foreign.setLevel(max(logging.getLogger().level, logging.WARNING))
    return logs


def log_uncaught() -> None:
    """Log exceptions that nobody catches, in any thread, instead of printing them unmasked. For `main()` only."""
    logger = logging.getLogger("uncaught")

    def of_main(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, traceback)
        else:
            event(logger, logging.CRITICAL, "uncaught_exception", exc_info=error)

    def of_thread(failed: threading.ExceptHookArgs) -> None:
        if failed.exc_value is not None and not issubclass(failed.exc_type, SystemExit):
            name = failed.thread.name if failed.thread else "unknown"
            event(logger, logging.CRITICAL, "uncaught_exception", thread=name, exc_info=failed.exc_value)

    sys.excepthook = of_main
    threading.excepthook = of_thread


def print_line(sentence: str) -> None:
    """Print a sentence on stderr, for what can't go through the log; do nothing if stderr is gone."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(sentence + "\n")


class Logs:
    """The handlers of one `set_up`. `close`, or leaving `with`, restores the logging as it was before."""

    def __init__(self, redact: Redactor, formatter: logging.Formatter) -> None:
        self._filter = _RedactingFilter(redact)
        self._formatter = formatter
        self._handlers: list[logging.Handler] = []
        self._root_level = logging.getLogger().level
        self._foreign = {name: _state(logging.getLogger(name)) for name in FOREIGN}

    def add(self, handler: logging.Handler, level: str) -> None:
        """Send every logger's records from `level` on to `handler`, masked."""
        handler.setLevel(level)
        handler.setFormatter(self._formatter)
        handler.addFilter(self._filter)
        self._handlers.append(handler)
        logging.getLogger().addHandler(handler)

    def close(self) -> None:
        """Close the handlers, and restore the settings of the root and the foreign loggers."""
        root = logging.getLogger()
        for handler in self._handlers:
            root.removeHandler(handler)
            with suppress(OSError):  # a full disk
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


class _Event:
    """A record's message that keeps its values apart; its text is `key=value key=value`, on one line."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self.values = values

    def __str__(self) -> str:
        return escape(" ".join(f"{key}={_text(value)}" for key, value in self.values.items()))

    def map_texts(self, change: Callable[[str], str]) -> _Event:
        return _Event({key: change(value) if isinstance(value, str) else value for key, value in self.values.items()})


class _RedactingFilter(logging.Filter):
    """Replaces message, arguments, traceback and stack of a record by their masked and escaped texts, once."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def filter(self, record: logging.LogRecord) -> bool:
        if vars(record).get("_coauthor_masked_by") is self:  # for the handler before
            return True
        vars(record)["_coauthor_masked_by"] = self
        if isinstance(record.msg, _Event):
            record.msg = record.msg.map_texts(self._redact)
        else:
            record.msg, record.args = escape(self._redact(_message(record))), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_text = self._lines(record.exc_text)
        record.stack_info = self._lines(record.stack_info)
        return True

    def _lines(self, text: str | None) -> str | None:
        return "\n".join(map(escape, self._redact(text).split("\n"))) if text else text


class _TextFormatter(logging.Formatter):
    """A line of text, with the traceback indented below it. File and console share it: it formats a record once."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        made_by, line = vars(record).get("_coauthor_line", (None, ""))
        if made_by is not self:
            line = self._line(record)
            vars(record)["_coauthor_line"] = self, line
        return str(line)

    def _line(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", "\n    ")


class _JsonFormatter(_TextFormatter):
    """One JSON object a line. The values of an event are its keys, unless they clash with `time`, `level`, `logger`."""

    def _line(self, record: logging.LogRecord) -> str:
        line: dict[str, Value] = {"time": self.formatTime(record), "level": record.levelname, "logger": record.name}
        if isinstance(record.msg, _Event):
            line = {**line, **record.msg.map_texts(escape).values, **line}
        else:
            line["message"] = record.getMessage()
        trace = "\n".join(filter(None, (record.exc_text, record.stack_info)))
        if trace:
            line["trace"] = trace
        return json.dumps(line, ensure_ascii=False)


class _Quiet:
    """Prints one sentence if a handler can't write (a full disk). Python's own way is a traceback for each line."""

    complained = False

    def handleError(self, record: logging.LogRecord) -> None:
        if not self.complained:
            self.complained = True
            print_line(f"The log can't be written: {type(sys.exc_info()[1]).__name__}.")


class _File(_Quiet, RotatingFileHandler):
    """A rotating file that only its owner may read."""

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).touch(mode=0o600)
        return super()._open()

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        """Begin a new file after the line that fills one: the next line's length isn't known before it is formatted."""
        if self.stream is None:  # a rollover failed
            self.stream = self._open()
        return self.stream.tell() >= self.maxBytes


class _Console(_Quiet, logging.StreamHandler):  # type: ignore[type-arg]
    pass


def _state(logger: logging.Logger) -> tuple[int, bool, list[logging.Handler]]:
    return logger.level, logger.propagate, logger.handlers


def _plain(value: object) -> Value:
    return value if isinstance(value, bool | int | float) else str(value)


def _text(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text if _PLAIN_VALUE.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # arguments that don't fit, or whose own `str` fails: log what there is
        return f"{record.msg} (its arguments can't be shown: {type(error).__name__})"
