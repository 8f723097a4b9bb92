"""What the pages name is there: files, tests, targets of make, modules to run, options of the command line."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.test_docs import PAGES, ROOT, SPAN, prose_of, text_of

FILE = re.compile(
    r"(?:[\w.*-]+/)*(?:[\w.*-]+/|[\w.*-]*\w\.(?:py|toml|md|yml|yaml|js|html|css|conf|in|txt|service|sh|json|svg))"
)
FOLDERS = (".", "*", ".github/workflows", "locales/ru", "turns/kinds")  # pages leave these away
ELSEWHERE = {"data/", "log.txt", "site/"} | {"telegram-web-app.js", "api/", "main.py", "data.json"}  # made, or others'
GONE = {"docs/configuration.md", "core/keepalive.py"}  # named as what was before
PROGRAMS = {"bot.py": "bot.py", "-m sandbox": "sandbox/__main__.py", "-m bench": "bench/__main__.py"}


def shown(page: Path, text: str) -> str:
    """Return the text; of the changelog only what isn't released."""
    return text.partition("\n## [1.")[0] if page.name == "CHANGELOG.md" else text


def spans(page: Path) -> list[str]:
    return SPAN.findall(shown(page, prose_of(page)))


def is_there(name: str) -> bool:
    return any(next(ROOT.glob(f"{folder}/{name.rstrip('/')}"), None) is not None for folder in FOLDERS)


@cache
def known_tests() -> set[str]:
    """Return the names of all tests and of their modules."""
    files = list((ROOT / "tests").glob("*.py"))
    names = re.findall(r"^ *def (test_\w+)", "\n".join(map(text_of, files)), re.MULTILINE)
    return {file.stem for file in files} | set(names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    words = {word.strip("(),;:") for span in spans(page) for word in span.split()}
    named = {re.sub(r"<\w+>", "*", word) for word in words}
    missing = {name for name in named if FILE.fullmatch(name) and not is_there(name)}
    assert missing - ELSEWHERE - GONE == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tests_that_a_page_names_are_there(page: Path) -> None:
    missing = []
    for name, goes_on in re.findall(r"\b(test_\w+)(…?)", "\n".join(spans(page))):
        if name not in known_tests() and not (goes_on and any(test.startswith(name) for test in known_tests())):
            missing.append(name)
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_a_page_names_are_there(page: Path) -> None:
    text = shown(page, text_of(page))
    code = "\n".join(SPAN.findall(text) + re.findall(r"^```(?s:.*?)^```|^ {4}.+$", text, re.MULTILINE))
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)\b", code)) <= targets
    modules = set(re.findall(r"python3? -m ([\w.]+)", code)) - {"venv", "pip", "pytest"}
    paths = {module: module.replace(".", "/") for module in modules}
    assert [name for name, path in paths.items() if not is_there(f"{path}.py") and not is_there(f"{path}/")] == []
    for program, file in PROGRAMS.items():
        options = re.findall(rf"{re.escape(program)}((?: --[a-z-]+(?: [\w./]+)?)+)", code)
        named = set(re.findall(r"--[a-z-]+", " ".join(options)))
        assert [option for option in named if f'"{option}"' not in text_of(ROOT / file)] == []
