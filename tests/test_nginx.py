"""`deploy/nginx.conf` in a real nginx: the page, its API and the webhook through HTTPS."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from sandbox.demo import free_port
from sandbox.telegram import TelegramServer
from tests.harness import ROOT, BotHarness, until
from tests.test_webhooks import SECRET, words
from tests.webapp_fixtures import site
from tests.webapp_site import Site, init_data
from web.pictures import MOST_BYTES

__all__ = ["site"]

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = pytest.mark.skipif(
    not NGINX or not shutil.which("openssl"), reason="nginx isn't installed: apt-get install nginx-light openssl"
)


@contextmanager
def nginx(folder: Path, bot_port: int) -> Iterator[tuple[requests.Session, str]]:
    """Run nginx with the project's site; yield a session that trusts its certificate, and its address."""
    port, key, certificate = free_port(), folder / "key.pem", folder / "cert.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bot.example.org"]
    names = ["-addext", "subjectAltName=DNS:bot.example.org,IP:127.0.0.1"]
    subprocess.run([*make, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;").replace("listen [::]:443 ssl;", "")
    text = re.sub(r"ssl_certificate \S+;", f"ssl_certificate {certificate};", text)
    text = re.sub(r"ssl_certificate_key \S+;", f"ssl_certificate_key {key};", text)
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{bot_port}")
    (folder / "coauthor.conf").write_text(text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"{'user root;' if os.geteuid() == 0 else ''} daemon off; pid {folder / 'pid'}; error_log {folder / 'errors'};"
        f"events {{}} http {{ access_log off; {temporary} include {folder / 'coauthor.conf'}; }}"
    )
    command = [NGINX or "", "-p", str(folder), "-e", str(folder / "errors"), "-c", str(folder / "nginx.conf")]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=30)
    assert tested.returncode == 0 and "warn" not in tested.stderr, tested.stderr
    process = subprocess.Popen(command)
    session = requests.Session()
    session.trust_env = False
    session.verify = str(certificate)
    try:
        until(lambda: _listens(port))
        yield session, f"https://127.0.0.1:{port}"
    finally:
        session.close()
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def test_the_page_and_its_api_are_reached_through_nginx(site: Site, tmp_path: Path) -> None:
    with nginx(tmp_path, site.server.port) as (session, base):
        page = session.get(f"{base}/", timeout=10)
        assert page.status_code == 200 and "<main" in page.text
        style = session.get(f"{base}/page/style.css", timeout=10)
        assert style.headers["Content-Encoding"] == "gzip"
        signed = {"Authorization": f"tma {init_data()}"}
        assert session.get(f"{base}/api/start", headers=signed, timeout=10).json()["language"] == "ru"
        large = session.post(f"{base}/api/characters", data=b"x" * MOST_BYTES, headers=signed, timeout=30)
        assert "error" in large.json(), "the bot itself refuses what is too large, in a sentence"


def test_telegram_brings_updates_through_nginx(
    make_harness: Callable[..., BotHarness], telegram: TelegramServer, tmp_path: Path
) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}/telegram"
    harness = make_harness(WEBHOOK_URL=address, WEBHOOK_SECRET=SECRET, WEBAPP_PORT=port)
    harness.start()
    (tmp_path / "proxy").mkdir()
    with nginx(tmp_path / "proxy", port) as (session, base):
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        telegram.user(1)
        assert session.post(f"{base}/telegram", json=words(1), headers=headers, timeout=10).status_code == 200
        assert session.post(f"{base}/telegram", json=words(2), timeout=10).status_code == 403
    until(lambda: harness.db.count("inbox", update_id=501))
    assert not harness.db.count("inbox", update_id=502)
