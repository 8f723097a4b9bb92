"""Log events: `docs/log-events.md` lists each event of the code with its levels, and no other."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["root_packages"]
LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
PLAIN = {"debug", "info", "warning", "error", "exception", "critical", "log"}  # methods of a logger


@cache
def calls() -> list[tuple[Path, ast.Call]]:
    """Every call in the bot's code, with its file."""
    files = [*ROOT.glob("*.py"), *(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))]
    trees = ((file, ast.parse(file.read_text("utf-8"))) for file in files)
    return [(file, node) for file, tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]


def logged() -> Iterator[tuple[str, set[str]]]:
    """Return the name and the levels of each `event(logger, level, name, …)`."""
    for _, call in calls():
        if ast.unparse(call.func) in {"event", "logs.event"}:
            name = ast.literal_eval(call.args[2])
            yield name, {node.attr for node in ast.walk(call.args[1]) if isinstance(node, ast.Attribute)} & LEVELS


def test_the_page_lists_every_event_with_its_levels() -> None:
    in_code: dict[str, set[str]] = defaultdict(set)
    for name, levels in logged():
        in_code[name] |= levels
    rows = re.findall(r"^\| `(\w+)` \| ([a-z, ]+) \|", (ROOT / "docs/log-events.md").read_text("utf-8"), re.MULTILINE)
    assert len(rows) == len({name for name, _ in rows})
    assert {name: set(levels.upper().split(", ")) for name, levels in rows} == in_code


def test_an_event_has_one_word() -> None:
    assert [name for name, _ in logged() if not re.fullmatch(r"[a-z]+(_[a-z]+)+", name)] == []


def test_the_bot_logs_nothing_but_events() -> None:
    plain = [
        f"{file.relative_to(ROOT)}:{call.lineno}"
        for file, call in calls()
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in PLAIN
        and ast.unparse(call.func.value) in {"log", "logger", "logging"}
        and file.name != "logs.py"
    ]
    assert plain == []
