"""The page that says what was verified against real software, with versions and results."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tests.real.software import SOFTWARE

_HEAD = """# Verified with real software

`make test-real` runs the bot with programs that are not its own, and writes this page. Telegram and Yandex are not \
among them: the stand-ins of `sandbox/` answer for both. A test whose programs can't be installed is skipped.

Last run: {day}, {system}, Python {python}: {sums}.
"""


@dataclass(frozen=True)
class Row:
    """One test: the programs that it used, its name, its outcome, and why it was skipped."""

    names: tuple[str, ...]
    test: str
    outcome: str
    why: str = ""

    @property
    def statement(self) -> str:
        """Return the test's name as words, without its parameters."""
        return self.test.partition("[")[0].removeprefix("test_").replace("_", " ")

    @property
    def parameters(self) -> str:
        return self.test.partition("[")[2].removesuffix("]")

    @property
    def result(self) -> str:
        return self.outcome if not self.why else f"{self.outcome}: {self.why.removeprefix('Skipped: ')}"


def page(rows: Sequence[Row]) -> str:
    """Return the page in Markdown."""
    used = dict.fromkeys(name for row in rows for name in row.names)
    counts = {word: sum(row.outcome == word for row in rows) for word in ("passed", "failed", "skipped")}
    head = _HEAD.format(
        day=date.today().isoformat(),
        system=_system(),
        python=platform.python_version(),
        sums=", ".join(f"{count} {word}" for word, count in counts.items()),
    )
    versions = _table(
        ("software", "version"),
        ((SOFTWARE[name].title, SOFTWARE[name].version or "not installed") for name in used),
    )
    results = _table(("with", "what", "result"), _results(rows))
    return f"{head}\n{versions}\n{results}"


def write(target: Path, rows: Sequence[Row]) -> None:
    """Write the page, and keep what stands below the first heading of a part: other commands write that."""
    _, heading, rest = target.read_text("utf-8").partition("\n## ") if target.exists() else ("", "", "")
    target.write_text(page(rows) + heading + rest, "utf-8")


def _results(rows: Iterable[Row]) -> Iterator[tuple[str, str, str]]:
    """Yield a line for each test and result; its parameters stand in one line."""
    lines: dict[tuple[tuple[str, ...], str, str], list[str]] = {}
    for row in rows:
        lines.setdefault((row.names, row.statement, row.result), []).append(row.parameters)
    for (names, statement, result), parameters in lines.items():
        listed = ", ".join(filter(None, parameters))
        titles = ", ".join(SOFTWARE[name].title for name in names)
        yield titles, f"{statement} ({listed})" if listed else statement, result


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
