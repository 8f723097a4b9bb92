"""Which model the demo writes with: the built-in storyteller, a server on this machine, or one behind a key.

The choice is kept in the demo's folder, readable by its owner only. A key is never logged and never sent to the page.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import requests

ROOT = Path(__file__).resolve().parent.parent
FILE = "demo-model.json"
PROBE_S = 0.4
CHECK_S = 90.0
MAX_PROBE_BYTES = 1_000_000
LOCAL_SERVERS = (("Ollama", 11434), ("LM Studio", 1234), ("llama.cpp", 8080), ("vLLM", 8000))
"""Names and usual ports of servers that speak the OpenAI API."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A model of the demo. `address` ends in `/v1` where the server wants it; `folder` is Yandex Cloud's."""

    kind: Literal["storyteller", "openai", "yandex"] = "storyteller"
    address: str = ""
    model: str = ""
    folder: str = ""
    key: str = field(default="", repr=False)

    @classmethod
    def read(cls, values: Mapping[str, object]) -> Choice:
        """Return the choice that JSON describes; raise ValueError in words if it isn't one."""
        kind = values.get("kind")
        if kind not in ("storyteller", "openai", "yandex"):
            raise ValueError("no such kind of model")
        texts = {name.name: str(values.get(name.name) or "").strip() for name in fields(cls) if name.name != "kind"}
        choice = cls(kind, **texts)
        if any(not text.isprintable() or len(text) > 2000 for text in texts.values()):
            raise ValueError("unreadable value")
        if kind == "openai" and urlsplit(choice.address).scheme not in ("http", "https"):
            raise ValueError("no address")
        if kind == "yandex" and not (choice.folder and choice.key):
            raise ValueError("no folder or key")
        return choice

    @property
    def settings(self) -> dict[str, str]:
        """The bot's environment for this model; empty for the storyteller."""
        if self.kind == "openai":
            return {
                "MODEL_PROVIDER": "openai",
                "OPENAI_BASE_URL": self.address,
                "OPENAI_MODEL": self.model,
                "OPENAI_API_KEY": self.key,
            }
        if self.kind == "yandex":
            return {
                "MODEL_PROVIDER": "yandex",
                "YANDEX_FOLDER_ID": self.folder,
                "YANDEX_API_KEY": self.key,
                **({"YANDEX_MODEL": self.model} if self.model else {}),
            }
        return {}

    @property
    def shown(self) -> dict[str, object]:
        """The choice for the page: everything but the key."""
        return {**asdict(self), "key": "", "hasKey": bool(self.key)}


def load(folder: Path) -> Choice | None:
    """Return the choice kept in the demo's folder; None if there is none that can be read."""
    try:
        return Choice.read(json.loads((folder / FILE).read_text("utf-8")))
    except (OSError, ValueError, AttributeError):
        return None


def save(folder: Path, choice: Choice) -> None:
    """Keep the choice in the demo's folder, for its owner only."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{FILE}.part"
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(choice), file, ensure_ascii=False)
    part.replace(folder / FILE)


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server that answers on this machine, with the models it lists."""

    name: str
    address: str
    models: tuple[str, ...]


def find_local_servers(servers: tuple[tuple[str, int], ...] = LOCAL_SERVERS) -> list[LocalServer]:
    """Ask the usual ports of this machine at once; return the servers that list at least one model."""
    with ThreadPoolExecutor(max(1, len(servers))) as pool:
        return [server for server in pool.map(_probe, servers) if server is not None]


def _probe(server: tuple[str, int]) -> LocalServer | None:
    name, port = server
    address = f"http://127.0.0.1:{port}/v1"
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy doesn't lead to this machine
            answer = session.get(f"{address}/models", timeout=PROBE_S, stream=True, allow_redirects=False)
            listed = json.loads(answer.raw.read(MAX_PROBE_BYTES, decode_content=True))
        models = tuple(str(model["id"]) for model in listed["data"])
    except (requests.RequestException, ValueError, KeyError, TypeError, OSError):
        return None
    return LocalServer(name, address, models) if models else None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What `bot.py --check` says of a model. `reason` is a key of the page's texts, empty if the model answers."""

    reason: str = ""
    details: str = ""


_REASONS = (
    (r"\b401\b|\b403\b|[Uu]nauthorized|PERMISSION_DENIED|UNAUTHENTICATED", "key"),
    (r"\b404\b|NOT_FOUND|no model", "missing"),
    (r"\b429\b", "busy"),
    (r"refused|resolve|unreachable|timed out|nobody answered|reach|connect", "away"),
)


def check(environment: Mapping[str, str], timeout_s: float = CHECK_S) -> CheckResult:
    """Run `bot.py --check` with the environment and return what it says of the model."""
    command = [sys.executable, "bot.py", "--check"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=dict(environment), capture_output=True, timeout=timeout_s, encoding="utf-8"
        )
    except subprocess.TimeoutExpired:
        return CheckResult("away", f"no answer within {timeout_s:g} s")
    lines = done.stdout.splitlines()
    failed = [line.partition(": ")[2] for line in lines if re.match(r"FAIL +models?:", line)]
    if not failed and any(re.match(r"ok +model:", line) for line in lines):
        return CheckResult()
    details = failed[0] if failed else (done.stderr.strip().splitlines() or ["no answer"])[-1]
    reason = next((reason for pattern, reason in _REASONS if re.search(pattern, details)), "other")
    return CheckResult(reason, details)
