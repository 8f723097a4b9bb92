"""The part of docs/verified.md that says which mutants were killed."""

from __future__ import annotations

import platform
import tomllib
from collections.abc import Iterable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tests.mutants import results
from tests.mutants.modules import PARTS
from tests.mutants.results import Row

HEADING: Final = "\n## Mutants\n"
_INTRODUCTION: Final = """
`make mutants` changes one place of a module, runs the module's tests, and counts the mutants that no test fails on. \
cosmic-ray {version} makes them, with operators of this project beside its own: for SQL, texts, steps, and statements \
or entries left out (`tests/mutants/operators.py`). A change that only an annotation would notice is none; a mutant \
is also killed if its tests don't end, or if it breaks before one fails: its module can't be imported, or the process \
dies.

Last run: {day}, Python {python}: {sum}.

"""
_WHY: Final = "\nThe survivors change nothing that can be observed, or nothing that is promised:\n\n"
_EQUIVALENT: Final = Path(__file__).with_name("equivalent.toml")
_Known = dict[tuple[str, str, str], str]


def page(folder: Path) -> str:
    """Return the part in Markdown, from its heading on."""
    known = _known()
    parts = {
        part.title: [row for module in part.modules for row in results.read(folder, module)] for part in PARTS.values()
    }
    lines = [
        (title, ", ".join(f"`{module}`" for module in part.modules), *_sums(parts[title], known))
        for title, part in ((part.title, part) for part in PARTS.values())
    ]
    rows = [row for part in parts.values() for row in part]
    head = ("part", "modules", "mutants", "killed", "by no end", "broken", "survived", "of these judged", "killed, %")
    introduction = _INTRODUCTION.format(
        version=version("cosmic-ray"),
        day=date.today().isoformat(),
        python=platform.python_version(),
        sum=f"{_killed(rows)} of {len(rows)} mutants killed, {_percent(rows)} %",
    )
    survivors = (
        (f"`{row.module}:{row.line}`", _change(row), known.get(_key(row), "not judged yet"))
        for row in rows
        if row.survived
    )
    why = _table(("where", "change", "why it stays"), survivors)
    return f"{HEADING}{introduction}{_table(head, lines)}{_WHY}{why}"


def write(target: Path, folder: Path) -> None:
    """Put the part in the place of the one that the page has, or at its end."""
    text = target.read_text("utf-8")
    before, _, after = text.partition(HEADING)
    _, heading, rest = after.partition("\n## ")
    target.write_text(f"{before.rstrip()}\n{page(folder)}{heading}{rest}", "utf-8")


def _known() -> _Known:
    """Return why each mutant that was judged stays, by module, line before and line after."""
    table = tomllib.loads(_EQUIVALENT.read_text("utf-8"))
    return {_judged(entry["module"], entry["before"], entry["after"]): entry["why"] for entry in table["mutant"]}


def _key(row: Row) -> tuple[str, str, str]:
    return _judged(row.module, row.before, row.after)


def _judged(module: str, before: str, after: str) -> tuple[str, str, str]:
    return module, " ".join(before.split()), " ".join(after.split())


def _killed(rows: Sequence[Row]) -> int:
    return sum(not row.survived for row in rows)


def _percent(rows: Sequence[Row]) -> str:
    return f"{100 * _killed(rows) / max(1, len(rows)):.1f}"


def _sums(rows: Sequence[Row], known: _Known) -> tuple[str, ...]:
    killed = _killed(rows)
    judged = sum(row.survived and _key(row) in known for row in rows)
    without_end, broken = sum(row.never_ended for row in rows), sum(row.broke for row in rows)
    counts = (len(rows), killed, without_end, broken, len(rows) - killed, judged)
    return *map(str, counts), _percent(rows)


def _change(row: Row) -> str:
    """Return what was replaced by what, without what both lines have in common at their ends."""
    before, after = row.before, row.after
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    left = before.rfind(" ", 0, max(0, start - 12)) + 1
    right = min(before.find(" ", len(before) - end + 12) % (len(before) + 1), len(before))
    cut = len(before) - right
    return f"{_shown(before[left:right])} → {_shown(after[left : len(after) - cut])}"


def _shown(code: str) -> str:
    code = code.replace("`", "'").replace("|", "\\|").strip()
    return f"`{code}`" if code else "nothing"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
