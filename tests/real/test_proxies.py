"""The configurations of `deploy/` and of the documentation in nginx and Caddy, with a certificate of the test's own."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import requests

from sandbox.telegram import TelegramServer
from tests.harness import ROOT, BotHarness, until
from tests.real.processes import free_port, listens, running
from tests.real.software import SOFTWARE
from tests.test_nginx import nginx
from tests.test_webhooks import SECRET, words
from tests.webapp_fixtures import site
from tests.webapp_site import Site, init_data
from web.pictures import MOST_BYTES

__all__ = ["site"]

NAME = "bot.example.org"


@contextmanager
def certified(folder: Path) -> Iterator[tuple[requests.Session, Path, Path]]:
    """Make a certificate; yield a session that trusts it, its file and its key's."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    make = [
        SOFTWARE["openssl"].path,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        f"/CN={NAME}",
    ]
    names = ["-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1"]
    subprocess.run([*make, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(certificate)
        yield session, certificate, key


def caddyfile(text: str, port: int, certificate: Path, key: Path) -> str:
    """Return a site's configuration that listens on loopback only, with this certificate, and asks nobody for one."""
    head = "{\n\tadmin off\n\tauto_https off\n\tskip_install_trust\n}\n"
    text = re.sub(
        r"(?m)^(\S+) \{", f"https://127.0.0.1:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate} {key}", text, count=1
    )
    return head + text


def of_the_documentation() -> str:
    """Return the configuration that `docs/deployment.md` gives for Caddy without Docker, on lines of its own."""
    [line] = re.findall(r"`(bot\.example\.org \{ .* \})`", (ROOT / "docs" / "deployment.md").read_text("utf-8"))
    return str(line).replace("{ ", "{\n\t").replace(" }", "\n}\n")


def of_docker() -> str:
    return (ROOT / "deploy" / "Caddyfile").read_text("utf-8").replace("{$WEBAPP_DOMAIN}", NAME)


@contextmanager
def caddy(folder: Path, bot_port: int, text: str) -> Iterator[tuple[requests.Session, str]]:
    """Run Caddy before the bot; yield a session that trusts its certificate, and its address."""
    port, file = free_port(), folder / "Caddyfile"
    with certified(folder) as (session, certificate, key):
        text = re.sub(r"(bot|127\.0\.0\.1):8080", f"127.0.0.1:{bot_port}", text)
        file.write_text(caddyfile(text, port, certificate, key))
        command = [SOFTWARE["caddy"].path, "run", "--config", file, "--adapter", "caddyfile"]
        home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        with running(command, folder / "log", lambda: listens(port), environment=home):
            yield session, f"https://127.0.0.1:{port}"


Proxy = Callable[[Path, int], AbstractContextManager[tuple[requests.Session, str]]]
every_proxy = pytest.mark.parametrize(
    "proxy",
    [
        pytest.param(nginx, marks=pytest.mark.real("nginx", "openssl"), id="deploy/nginx.conf"),
        pytest.param(
            lambda folder, port: caddy(folder, port, of_docker()),
            marks=pytest.mark.real("caddy", "openssl"),
            id="deploy/Caddyfile",
        ),
        pytest.param(
            lambda folder, port: caddy(folder, port, of_the_documentation()),
            marks=pytest.mark.real("caddy", "openssl"),
            id="Caddy by the documentation",
        ),
    ],
)


@every_proxy
def test_the_page_its_api_and_pictures_are_reached(proxy: Proxy, site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "proxy"
    folder.mkdir()
    with proxy(folder, site.server.port) as (session, base):
        page = session.get(f"{base}/", timeout=10)
        assert page.status_code == 200 and "<main" in page.text
        assert "content-security-policy" in page.headers
        module = session.get(f"{base}/page/app.js", timeout=10)
        assert module.headers["Content-Type"].startswith("text/javascript")
        signed = {"Authorization": f"tma {init_data()}"}
        started = session.get(f"{base}/api/start", headers=signed, timeout=10).json()
        assert started["language"] == "ru"
        assert session.get(f"{base}/api/start", timeout=10).status_code == 401
        large = session.post(f"{base}/api/characters", data=b"x" * MOST_BYTES, headers=signed, timeout=30)
        assert "error" in large.json(), "the bot itself refuses what is too large, in a sentence"


@every_proxy
def test_telegram_brings_updates_and_somebody_without_the_secret_brings_none(
    proxy: Proxy, make_harness: Callable[..., BotHarness], telegram: TelegramServer, tmp_path: Path
) -> None:
    port, folder = free_port(), tmp_path / "proxy"
    folder.mkdir()
    with proxy(folder, port) as (session, base):
        telegram.webhook_ca = str(session.verify)
        harness = make_harness(WEBHOOK_URL=f"{base}/telegram", WEBHOOK_SECRET=SECRET, WEBAPP_PORT=port)
        harness.start()
        harness.new_person()
        assert session.post(f"{base}/telegram", json=words(2), timeout=10).status_code == 403
    until(harness.settled)
    assert not harness.db.count("inbox", update_id=502)
