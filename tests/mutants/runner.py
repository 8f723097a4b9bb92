"""Run tests on mutants, each in a fork of a process that has imported what the tests need beside the bot itself.

Reads a JSON object a line from standard input and writes one to standard output. It has no part of cosmic-ray, which
lives in an environment of its own.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.mutants.modules import ROOT
from tests.mutants.results import DIED, IMPORT, NO_END

MEMORY_BYTES: Final = 3 << 30
LEAST_S: Final = 0.5  # of the processor: a process that waits uses less, one that others keep from it uses more
PYTEST: Final = (
    *("-x", "-q", "--assert=plain", "--noconftest", "--tb=no", "--no-header", "-o", "addopts="),
    *("-p", "no:cacheprovider", "-p", "pytest_timeout", "-p", "_hypothesis_pytestplugin"),
)


class _Mutated(MetaPathFinder, Loader):
    """Gives a module the mutant's code; nothing is written to the disk."""

    def __init__(self, module: str, code: str) -> None:
        self._name = _name(module)
        self._path = str(ROOT / module)
        self._code = code

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return this loader for the mutated module."""
        if name != self._name:
            return None
        return importlib.util.spec_from_file_location(name, self._path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        """Run the mutant's code."""
        exec(compile(self._code, self._path, "exec"), module.__dict__)


class _FirstFailure:
    """Runs tests that `fail_often` first and generated ones last; remembers the first failure and how many ran."""

    def __init__(self, fail_often: Sequence[str]) -> None:
        self._order = {test: place for place, test in enumerate(fail_often)}
        self.test = ""
        self.ran = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        last = len(self._order)
        items.sort(key=lambda item: (self._order.get(item.nodeid, last), _is_generated(item)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.ran += report.when == "call"
        if report.failed and not self.test:
            self.test = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.test:
            self.test = f"{report.nodeid} {IMPORT}"


def _is_generated(item: pytest.Item) -> bool:
    test = getattr(item, "obj", None)
    return hasattr(test, "hypothesis") or hasattr(getattr(item, "cls", None), "settings")


def _test(module: str, code: str, tests: Sequence[str], fail_often: Sequence[str], cpu_s: int, answer: int) -> None:
    """Run the tests on a mutant and write what came of it to the file descriptor `answer`. Never returns."""
    os.setsid()
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    sys.meta_path.insert(0, _Mutated(module, code))
    first = _FirstFailure(fail_often)
    status = pytest.main([*PYTEST, *tests], plugins=[first])
    packages = [name for name in sys.modules if not _is_ours(name)] + _apart_from(module)
    found = {"status": int(status), "test": first.test, "ran": first.ran, "packages": packages}
    os.write(answer, json.dumps(found).encode())
    os._exit(0)


def _is_ours(name: str, *, known: bool = False) -> bool:
    """Whether a loaded module is the project's own, or (unless that is to be `known`) has no file."""
    file = getattr(sys.modules[name], "__file__", None)
    if file is None:
        return not known
    return Path(file).is_relative_to(ROOT) and not {".venv", "site-packages"} & set(Path(file).parts)


def _apart_from(module: str) -> list[str]:
    """Return the loaded modules of the project that don't import this one, whichever way."""
    ours = {name: Path(str(sys.modules[name].__file__)) for name in sys.modules if _is_ours(name, known=True)}
    imports = {name: _imported(path) for name, path in ours.items()}
    reach = {_name(module)}
    while more := {name for name, imported in imports.items() if name not in reach and imported & reach}:
        reach |= more
    return [name for name in ours if name not in reach and not name.startswith("tests.test_")]


def _imported(path: Path) -> set[str]:
    """Return the names of the modules that a file imports, with those of their attributes."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def _name(module: str) -> str:
    return module.removesuffix(".py").replace("/", ".")


def _run(asked: dict[str, object]) -> dict[str, object]:
    """Run the tests in a fork; kill it if it does nothing for `timeout_s`. Its use of the processor has a limit."""
    answer, to_write = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if not child:
        try:
            _test(**asked["run"], answer=to_write)  # type: ignore[arg-type]
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(to_write)
    text = _answer_of(child, answer, float(str(asked["timeout_s"])))
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.close(answer)
    _, status, used = os.wait4(child, 0)
    too_long = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU
    ended: dict[str, object] = {"status": -1, "test": NO_END if too_long else DIED, "ran": 0, "packages": []}
    found: dict[str, object] = json.loads(text) if text else ended
    return found | {"wall_s": time.monotonic() - began, "cpu_s": used.ru_utime + used.ru_stime}


def _answer_of(child: int, answer: int, timeout_s: float) -> bytes:
    """Return what the fork writes; that there is no end of it if it has used hardly any processor for `timeout_s`."""
    text, used_s = b"", _used_s(child)
    while True:
        if not select.select([answer], [], [], timeout_s)[0]:
            if _used_s(child) - used_s < LEAST_S:
                return json.dumps({"status": -1, "test": NO_END, "ran": 0, "packages": []}).encode()
            used_s = _used_s(child)
            continue
        piece = os.read(answer, 1 << 20)
        if not piece:
            return text
        text += piece


def _used_s(process: int) -> float:
    """Return how many seconds of the processor a process has used; 0 where the system doesn't tell."""
    with suppress(OSError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def main() -> None:
    """Answer until the input ends."""
    settings.register_profile(
        "mutants",
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutants")
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.dont_write_bytecode = False  # what is mutated has a loader of its own, which writes nothing
    for line in sys.stdin:
        asked = json.loads(line)
        found = _run(asked)
        if asked.get("warm"):
            for name in found["packages"]:  # type: ignore[attr-defined]
                with suppress(Exception):
                    importlib.import_module(name)
        sys.stdout.write(f"{json.dumps(found | {'packages': None})}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
