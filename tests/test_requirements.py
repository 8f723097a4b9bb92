"""docs/requirements.md stays true: each row names a test that exists, and names in the code that exist.

Also two promises about files that run nowhere here.
"""

from __future__ import annotations

import ast
import re
from functools import cache

from config import Config
from tests.harness import ROOT

PAGE = (ROOT / "docs" / "requirements.md").read_text("utf-8")
HEADS = ("| where |", "| defect |", "| wish |")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not any(head in line for head in HEADS)]


@cache
def names_in(name: str) -> frozenset[str]:
    """Return the tests of a file."""
    tree = ast.parse((ROOT / "tests" / name).read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_each_promise_names_tests_that_exist() -> None:
    assert len(ROWS) > 100
    for row in ROWS:
        named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", row)
        assert named, f"no proof: {row}"
        assert "`test_" not in re.sub(r"`test_\w+\.py::test_\w+`", "", row), f"half a name: {row}"
        for file, test in named:
            assert test in names_in(file), f"{file} has no {test}"


def test_each_threat_names_tests_that_exist() -> None:
    table = (ROOT / "docs" / "security.md").read_text("utf-8").partition("| threat |")[2].partition("\n## ")[0]
    rows = [row.rpartition(" | ")[::2] for row in table.splitlines() if row.startswith("| ")]
    assert len(rows) > 40
    for threat, proof in rows:
        for file in re.findall(r"`(test_\w+\.py)", proof):
            assert (ROOT / "tests" / file).exists(), f"no {file}: {threat}"
        for file, test in re.findall(r"`(test_\w+\.py)::(test_\w+)", proof):
            assert any(name.startswith(test) for name in names_in(file)), f"{file} has no {test}"
        for test in re.findall(r"`(test_\w+)…?`", proof):
            assert any(name.startswith(test) for name in names_in("test_security.py")), (
                f"test_security.py has no {test}"
            )
    assert len([threat for threat, proof in rows if "`test_" not in proof]) == 1  # a role in one's own chat


def test_each_setting_and_file_that_a_promise_names_exists() -> None:
    settings = {name.upper() for name in Config.__dataclass_fields__}
    # Of the source documents, or a secret's file.
    elsewhere = {"TELEGRAM_API_KEY", "ADMIN_CHAT_ID", "TELEGRAM_TOKEN_FILE", "OPENAI_API_KEY_FILE"}
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", PAGE))
    assert len(named) > 10 and named <= settings | elsewhere
    files = set(re.findall(r"`([\w/.*-]+\.(?:py|txt|toml|example|service|yaml))`", PAGE)) - {"main.py", "log.txt"}
    for file in files:
        assert list(ROOT.glob(file)), file


def test_secrets_reach_the_container_as_files() -> None:
    compose = "".join((ROOT / "deploy" / name).read_text("utf-8") for name in ("compose.yaml", "compose.key.yaml"))
    for secret in ("TELEGRAM_TOKEN", "YANDEX_API_KEY"):
        assert f"{secret}_FILE: /run/secrets/{secret.lower()}" in compose and f'{secret}: ""' in compose
        assert f"file: ./secrets/{secret.lower()}" in compose
    image = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    assert not re.search(r"(?m)^(ENV|ARG) .*(TOKEN|KEY|SECRET)", image)
    assert "*" in (ROOT / ".dockerignore").read_text("utf-8").splitlines(), "only what is named gets into the image"


def test_supervisors_restart_what_fell_and_leave_what_was_stopped() -> None:
    unit = (ROOT / "deploy" / "coauthor.service").read_text("utf-8")
    assert "\nRestart=on-failure\n" in unit and "\nWatchdogSec=" in unit
    assert "\nRestartPreventExitStatus=2\n" in unit, "an invalid configuration stays stopped"
    assert "restart: on-failure" in (ROOT / "deploy" / "compose.yaml").read_text("utf-8")
