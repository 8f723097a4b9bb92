"""Importing the bot does nothing: no file, socket, thread, handler or setting changes by it.

What no linter checks. Layers, third-party packages and style are held by import-linter and ruff (`make check`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOT_THE_BOT = {"tests", "bench", "assets", "docs"}
# Third-party packages may do at import what they like; they are imported first.
PACKAGES = (
    *("requests", "urllib3", "certifi", "telebot", "flask", "werkzeug", "waitress", "dotenv", "jwt", "cryptography"),
    *("prometheus_client", "amplitude", "PIL", "telegramify_markdown"),
)

WATCHED_IMPORT = """
import json, logging, os, signal, sys, threading

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


def modules_of(root: Path) -> list[str]:
    """Return the dotted names of the bot's and the sandbox's modules; hidden folders and data are no part of them."""
    top = [path for path in root.iterdir() if not path.name.startswith(".") and path.name not in {"data", *NOT_THE_BOT}]
    files = [path for path in top if path.suffix == ".py"]
    files += [path for folder in top if folder.is_dir() for path in folder.rglob("*.py")]
    return sorted(".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__") for path in files)


def effects_of_importing(root: Path, folder: Path) -> list[str]:
    """Return what importing every module of `root` does besides defining names; in a process run in `folder`."""
    program = WATCHED_IMPORT.format(packages=PACKAGES, modules=modules_of(root))
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, timeout=50
    )
    assert ended.returncode == 0, ended.stderr
    found: list[str] = json.loads(ended.stdout)
    return found + [f"made {path.name}" for path in folder.iterdir()]


def test_importing_the_bot_does_nothing(tmp_path: Path) -> None:
    assert {"bot", "app.application", "telegram.dispatcher", "sandbox.demo"} <= set(modules_of(ROOT))
    assert effects_of_importing(ROOT, tmp_path) == []


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
    assert any(found.startswith(fault) for found in effects_of_importing(root, folder))
