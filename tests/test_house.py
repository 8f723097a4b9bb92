"""The house: which room imports which, where other people's packages and the environment are used, and what every
module owes its reader. A file that no table here knows is a fault: a new room gets its floor first."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A room is a top-level module or package; it imports from lower floors only.
FLOORS = {
    "version": 1,
    "errors": 1, "messages": 1, "story": 1, "presets": 1, "prose": 1, "splitting": 1, "env_values": 1, "masking": 1,
    "personas": 1, "meter": 1, "updates": 1, "draft": 1,
    "config": 2, "texts": 2, "logs": 2, "keepalive": 2, "connections": 2, "botapi": 2, "database": 2, "storage": 2,
    "catalogue": 2, "richtext": 2, "supervisor": 2,
    "gpt": 3, "wires": 3, "delivery": 3, "sending": 3, "polling": 3, "chat_lines": 3, "webhook": 3,
    "keyboards": 3, "offer": 3,
    "yandex_gpt": 4, "yandex_iam": 4, "intake": 4, "learned": 4,
    "services": 5, "fault_reports": 5,
    "turns": 6, "storytelling": 6, "talking": 6,
    "handlers": 7, "webapp": 7, "bot_profile": 7, "self_check": 7, "vendors": 7, "monitoring": 7,
    "bot": 8,
    "sandbox": 9,
}  # fmt: skip
# What a room may import from its own floor: the helpers that it outgrew its file by.
HELPERS = {
    ("draft", "story"), ("meter", "messages"), ("connections", "keepalive"), ("botapi", "connections"),
    ("database", "storage"), ("delivery", "sending"), ("gpt", "wires"), ("polling", "wires"), ("webhook", "polling"),
    ("yandex_gpt", "yandex_iam"), ("turns", "storytelling"), ("talking", "storytelling"),
}  # fmt: skip
# Rooms that only one other knows.
PRIVATE = {"storage": "database", "keepalive": "connections"}
# Tools for building the house, no part of it: they may import anything, and no room imports them.
WORKSHOP = {"tests", "bench", "assets"}
# Other people's packages, and the rooms that may use them.
HTTP = {
    "connections",
    "keepalive",
    "botapi",
    "gpt",
    "wires",
    "yandex_gpt",
    "yandex_iam",
    "services",
    "delivery",
    "sending",
}
PACKAGES = {
    "requests": HTTP | {"sandbox"}, "urllib3": HTTP, "certifi": {"connections"},
    "telebot": {"bot", "bot_profile", "intake", "updates", "delivery", "botapi", "handlers"},
    "httptools": {"keepalive"}, "sqlite3": {"database", "storage"},
    "flask": {"webapp", "sandbox"}, "werkzeug": {"webapp", "sandbox"}, "waitress": {"webapp", "sandbox"},
    "dotenv": {"config"},
    "jwt": {"yandex_gpt", "yandex_iam", "sandbox"}, "cryptography": {"yandex_gpt", "yandex_iam", "sandbox"},
    "prometheus_client": {"monitoring"},
    "amplitude": {"services"}, "PIL": {"services", "webapp"}, "telegramify_markdown": {"richtext"},
}  # fmt: skip
VENDORS = {"yandex_gpt", "yandex_iam", "services.openai_gpt"}
NAMES_VENDORS = {"bot", "vendors"}  # the second wires them for the first
ASKS = {"storytelling", "talking"}  # it needs `build_prompt`, which is the same for every vendor
READS_ENVIRONMENT = {"bot", "connections", "sandbox"}
PRINTS = {"bot.py", "sandbox/__main__.py"}
MOST_LINES = 400
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Import:
    """One name that a module imports: `module` is dotted and absolute, `name` empty for `import module`."""

    module: str
    name: str

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


def python_files(root: Path) -> list[Path]:
    """Every Python file of the house, relative to `root`; hidden folders and data are not part of it."""
    top = [path for path in root.iterdir() if not path.name.startswith(".") and path.name != "data"]
    files = [path for path in top if path.suffix == ".py"]
    files += [path for folder in top if folder.is_dir() for path in folder.rglob("*.py")]
    return sorted(path.relative_to(root) for path in files)


def room_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def imports(path: Path, tree: ast.Module) -> Iterator[Import]:
    """What the module imports, wherever in it, also inside functions and for types only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = list(path.parts[: len(path.parts) - node.level]) if node.level else []
            module = ".".join([*package, *([node.module] if node.module else [])])
            yield from (Import(module, alias.name) for alias in node.names)


def faults_of_imports(root: Path) -> Iterator[str]:
    for path in python_files(root):
        room = room_of(path)
        if room in WORKSHOP:
            continue
        if room not in FLOORS:
            yield f"{path}: no floor is known for the room {room}: add it to FLOORS in {Path(__file__).name}"
            continue
        for item in imports(path, ast.parse((root / path).read_text("utf-8"))):
            yield from (f"{path}: {fault}" for fault in faults_of_import(room, item))


def faults_of_import(room: str, item: Import) -> Iterator[str]:
    if item.top in WORKSHOP:
        yield f"imports {item.top}, which is a tool and no room"
    elif item.top in FLOORS:
        lower = FLOORS[item.top] < FLOORS[room] or item.top == room or (room, item.top) in HELPERS
        if not lower:
            yield f"imports {item.top}, which is not on a lower floor"
        if item.top in PRIVATE and room not in {item.top, PRIVATE[item.top]}:
            yield f"imports {item.top}, which is there for {PRIVATE[item.top]} only"
        dotted = f"{item.module}.{item.name}".rstrip(".")
        vendor = any(dotted == name or dotted.startswith(f"{name}.") for name in VENDORS)
        allowed = room in NAMES_VENDORS or (room in ASKS and dotted == "yandex_gpt.build_prompt")
        if vendor and FLOORS[room] > FLOORS["services"] and not allowed:
            yield f"names a vendor: {dotted}; only bot.py and vendors.py do"
    elif item.top in PACKAGES:
        if room not in PACKAGES[item.top]:
            yield f"imports {item.top}, which is used in {', '.join(sorted(PACKAGES[item.top]))} only"
    elif item.top not in sys.stdlib_module_names:
        yield f"imports {item.top}: add it to FLOORS or, with its rooms, to PACKAGES in {Path(__file__).name}"


def undocumented(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Public functions, methods and classes below `node` without a docstring; those inside functions or private
    classes may have none."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, DEFINITIONS) and child.name.startswith("_"):
            continue
        if isinstance(child, DEFINITIONS) and not ast.get_docstring(child):
            yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from undocumented(child)


def faults_of_modules(root: Path) -> Iterator[str]:
    for path in python_files(root):
        text = (root / path).read_text("utf-8")
        tree = ast.parse(text)
        if tree.body and not ast.get_docstring(tree):
            yield f"{path}: has no docstring"
        if room_of(path) != "tests":
            yield from (f"{path}:{node.lineno}: {node.name} has no docstring" for node in undocumented(tree))
        if room_of(path) in WORKSHOP:
            continue
        lines = len(text.splitlines())
        if lines > MOST_LINES:
            yield f"{path}: has {lines} lines, {MOST_LINES} is the most"
        if path.name in {f"{name}.py" for name in sys.stdlib_module_names}:
            yield f"{path}: has the name of a module of the standard library"
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id == "print" and path.as_posix() not in PRINTS:
                yield f"{path}:{node.lineno}: prints"
            reads = isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
            reads = reads and isinstance(node.value, ast.Name) and node.value.id == "os"  # type: ignore[attr-defined]
            if reads and room_of(path) not in READS_ENVIRONMENT:
                yield f"{path}: reads the environment, which bot.py hands on as a Config"


def test_rooms_import_from_lower_floors_and_packages_stay_in_their_rooms() -> None:
    assert list(faults_of_imports(ROOT)) == []


def test_every_module_is_explained_short_and_silent() -> None:
    assert list(faults_of_modules(ROOT)) == []


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        ("errors.py", "import config", "not on a lower floor"),
        ("webapp/page.py", "def f():\n    from handlers import menu", "not on a lower floor"),
        ("gpt.py", "from delivery import Delivery", "not on a lower floor"),
        ("turns.py", "from storage.users import Users", "there for database only"),
        ("turns.py", "from yandex_gpt import YandexGPT", "names a vendor"),
        ("handlers/story.py", "from services import openai_gpt", "names a vendor"),
        ("turns.py", "import requests", "is used in"),
        ("story.py", "import sqlite3", "is used in"),
        ("bot.py", "import numpy", "to PACKAGES"),
        ("bot.py", "from tests.helpers import clock", "a tool and no room"),
        ("utils.py", "", "add it to FLOORS"),
    ],
)
def test_an_import_across_the_house_is_found(path: str, text: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text(text)
    (found,) = faults_of_imports(tmp_path)
    assert found.startswith(f"{path}: ")
    assert fault in found


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("database.py", "from storage.users import Users\nimport sqlite3"),
        ("storage/users.py", "from . import schema\nfrom .connection import Row\nfrom errors import StorageError"),
        ("storytelling/prompting.py", "from yandex_gpt import build_prompt\nfrom services.speech import Speech"),
        ("bot.py", "from yandex_gpt import YandexGPT\nfrom services import openai_gpt"),
        ("sandbox/__main__.py", "import bot\nfrom flask import Flask"),
        ("tests/anything.py", "import numpy, bot"),
    ],
)
def test_an_import_downstairs_is_fine(path: str, text: str, tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text(text)
    assert list(faults_of_imports(tmp_path)) == []


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        ("gpt.py", "A = 1", "no docstring"),
        ("tests/test_gpt.py", "A = 1", "no docstring"),
        ("gpt.py", '"""Text."""\ndef answer():\n    def inner(): ...', "gpt.py:2: answer has no docstring"),
        ("gpt.py", '"""Text."""\nclass Wire:\n    "T"\n    def send(self): ...', "gpt.py:4: send has no docstring"),
        ("bench/load.py", '"""Text."""\nclass Load: ...', "bench/load.py:2: Load has no docstring"),
        ("gpt.py", '"""Text."""\n' + "\n" * MOST_LINES, "is the most"),
        ("gpt.py", '"""Text."""\nprint(1)', "prints"),
        ("gpt.py", '"""Text."""\nimport os\nos.environ["A"]', "reads the environment"),
        ("services/queue.py", '"""Text."""', "standard library"),
    ],
)
def test_a_module_that_breaks_a_rule_is_found(path: str, text: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text(text)
    (found,) = faults_of_modules(tmp_path)
    assert fault in found


WATCHED_IMPORT = """
import json, logging, os, signal, sys, threading

# Other people's packages may do at import what they like; they go first.
for package in {packages!r}:
    try:
        __import__(package)
    except ImportError:
        pass

done = []
FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.fork", "os.mkdir", "os.rename", "os.remove", "sqlite3.connect")

def watch(event, args):
    if event.startswith(FORBIDDEN) and event != "socket.gethostname":
        done.append(event)
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        done.append("open %s" % args[0])
    if event == "open" and isinstance(args[0], str) and not args[0].endswith((".py", ".pyc", ".so")):
        done.append("open %s" % args[0])

def state():
    handlers = list(logging.getLogger().handlers)
    return threading.active_count(), handlers, dict(os.environ), signal.getsignal(signal.SIGTERM)

before = state()
modules = {modules!r}
sys.addaudithook(watch)
for module in modules:
    __import__(module)
found = list(done)
if state() != before:
    found.append("threads, handlers, environment or signals changed")
json.dump(found, sys.stdout)
"""


def watched_import(root: Path, folder: Path) -> list[str]:
    """What importing every room of `root` does besides defining names, in a process of its own."""
    files = [path for path in python_files(root) if room_of(path) not in WORKSHOP]
    modules = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in files]
    program = WATCHED_IMPORT.format(packages=sorted(PACKAGES), modules=modules)
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, timeout=50
    )
    assert ended.returncode == 0, ended.stderr
    found: list[str] = json.loads(ended.stdout)
    return found + [f"made {path.name}" for path in folder.iterdir()]


def test_importing_the_rooms_does_nothing(tmp_path: Path) -> None:
    assert watched_import(ROOT, tmp_path) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("import socket\nsocket.socket().close()", "socket.__new__"),
        ("open('made', 'w').close()", "made made"),
        ("open('/etc/hostname').close()", "open /etc/hostname"),
        ("import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()", "threads"),
        ("import logging\nlogging.basicConfig()", "threads, handlers"),
    ],
)
def test_an_import_that_does_something_is_found(text: str, fault: str, tmp_path: Path) -> None:
    root, folder = tmp_path / "root", tmp_path / "folder"
    root.mkdir()
    folder.mkdir()
    (root / "gpt.py").write_text(text)
    assert any(found.startswith(fault) for found in watched_import(root, folder))
