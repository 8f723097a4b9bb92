"""A whole bot behind proxies: Telegram by one, models by another, and addresses of proxies that can't be used."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from config import Config
from core.errors import ConfigError
from core.network import Network
from core.redaction import Redactor
from sandbox.model_faults import Behaviour
from tests.harness import BotHarness, until
from tests.proxy_server import CREDENTIALS, ProxyServer, TlsFront
from tests.test_connections import certificate
from tests.test_process import run

__all__ = ["certificate"]

Make = Callable[..., BotHarness]
SECRETS = ("TELEGRAM_PROXY", "MODEL_PROXY")
GENERAL = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every name in `example` lead to this machine: addresses of this machine are never asked for by a proxy."""
    real = socket.getaddrinfo

    def found(host: Any, *arguments: Any, **options: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith(".example") else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def named(url: str, name: str) -> str:
    """Return this machine's address with a name instead."""
    return f"http://{name}:{urlsplit(url).port}{urlsplit(url).path}"


def writes_a_story(harness: BotHarness) -> None:
    harness.start()
    harness.writer(1, "Через посредника.")
    until(harness.settled)
    harness.stop()


def far(harness: BotHarness) -> dict[str, str]:
    """Return settings by which neither Telegram nor the model stands on this machine."""
    telegram, models = harness.telegram, harness.models
    return {
        "TELEGRAM_API_URL": named(telegram.url, "telegram.example"),
        "YANDEX_LLM_URL": named(models.llm_url, "model.example"),
    }


@pytest.mark.parametrize("scheme", ["socks5h", "socks5", "http"])
def test_telegram_goes_by_its_proxy_and_the_model_directly(scheme: str, make_harness: Make) -> None:
    harness = make_harness()
    with ProxyServer(credentials=CREDENTIALS) as proxy:
        harness.settings |= {**far(harness), "TELEGRAM_PROXY": proxy.url(scheme)}
        writes_a_story(harness)
    host = "127.0.0.1" if scheme == "socks5" else "telegram.example"  # socks5: the name is looked up here
    assert set(proxy.targets) == {f"{host}:{urlsplit(harness.telegram.url).port}"}
    assert len(harness.prompts()) == 1 and proxy.refused == 0


@pytest.mark.parametrize("scheme", ["socks5h", "http"])
def test_models_go_by_their_proxy_and_telegram_directly(scheme: str, make_harness: Make) -> None:
    harness = make_harness(YANDEX_API_KEY="", YANDEX_OAUTH_TOKEN="y0_" + "a" * 30)
    harness.models.faults.default = Behaviour(text="Через посредника.")
    with ProxyServer(credentials=CREDENTIALS) as proxy:
        iam = {"YANDEX_IAM_URL": named(harness.models.iam_url, "iam.example")}
        harness.settings |= {**far(harness), **iam, "MODEL_PROXY": proxy.url(scheme)}
        writes_a_story(harness)
    port = urlsplit(harness.models.url).port
    assert {f"model.example:{port}", f"iam.example:{port}"} == set(proxy.targets)
    assert proxy.refused == 0


@pytest.mark.parametrize("own_tls", [False, True], ids=["http", "https"])
def test_telegram_s_tls_goes_through_the_tunnel_of_an_http_proxy(
    own_tls: bool, make_harness: Make, certificate: Path, tls: ssl.SSLContext
) -> None:
    harness = make_harness(REQUESTS_CA_BUNDLE=certificate)
    with (
        TlsFront(tls, urlsplit(harness.telegram.url).port or 0) as front,
        ProxyServer(credentials=CREDENTIALS, own_tls=tls if own_tls else None) as proxy,
    ):
        harness.settings |= {
            "TELEGRAM_API_URL": f"https://telegram.example:{front.port}",
            "TELEGRAM_PROXY": proxy.url("https" if own_tls else "http"),
        }
        writes_a_story(harness)
    assert set(proxy.targets) == {f"telegram.example:{front.port}"}


def test_the_general_proxy_is_for_both_and_direct_is_none(make_harness: Make) -> None:
    harness = make_harness()
    with ProxyServer() as proxy:
        harness.settings |= {**far(harness), "ALL_PROXY": proxy.url("socks5h"), "MODEL_PROXY": "direct"}
        writes_a_story(harness)
        assert {target.split(":")[0] for target in proxy.targets} == {"telegram.example"}
        harness.settings |= {"MODEL_PROXY": "", "NO_PROXY": "telegram.example"}
        del proxy.targets[:]
        harness.start()
        harness.says("Дальше.")
        harness.telegram.user(1).press("▶️ Дальше")
        harness.telegram.user(1).wait("Дальше.")
        assert {target.split(":")[0] for target in proxy.targets} == {"model.example"}


def test_a_check_says_by_which_proxies_and_shows_no_password(make_harness: Make, tmp_path: Path) -> None:
    harness = make_harness()
    telegram = named(harness.telegram.url, "telegram.example")
    with ProxyServer(credentials=CREDENTIALS) as proxy:
        settings = harness.environment() | {"TELEGRAM_API_URL": telegram, "TELEGRAM_PROXY": proxy.url("socks5h")}
        done = run("--check", **settings)
        assert proxy.targets == [f"telegram.example:{urlsplit(harness.telegram.url).port}"]
        shown = f"ok    network: Telegram by socks5h://127.0.0.1:{proxy.port}, models directly"
        assert done.returncode == 0 and shown in done.stdout.splitlines()
        wrong = run("--check", **settings | {"TELEGRAM_PROXY": proxy.url("socks5h").replace("pa%20ss", "wrong%21word")})
    assert wrong.returncode == 1 and "FAIL  token: " in wrong.stdout and proxy.refused >= 1
    for text in (done.stdout, done.stderr, wrong.stdout, wrong.stderr, (tmp_path / "log.txt").read_text("utf-8")):
        assert not any(secret in text for secret in ("pa%20ss", "pa ss", "wrong%21word", "wrong!word"))


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("127.0.0.1:1080", "write it as scheme://host:port"),
        ("socks5h://127.0.0.1", "its port is missing"),
        ("socks://me:hidden@host:1080", "write socks5h:// for SOCKS"),
        ("socks4://host:1080", "it begins with none of"),
        ("http://me:hid#den@host:1080", "write it as scheme://host:port"),
        ("http://host:port", "write it as scheme://host:port"),
        ("http://host:3128/path", "write it as scheme://host:port"),
        ("https://t.me/proxy?server=a.example&port=443&secret=ee", "MTProto"),
        ("tg://proxy?server=a.example&port=443&secret=ee", "MTProto"),
    ],
)
def test_a_proxy_s_address_that_cannot_be_used_is_a_fault_of_the_configuration(
    name: str, value: str, sentence: str, make_harness: Make
) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_env(make_harness().environment() | {name: value})
    (fault,) = caught.value.faults
    assert fault.startswith(f"{name}: ") and sentence in fault
    assert not any(part in fault for part in ("hid", "secret=", "a.example"))


@pytest.mark.parametrize("name", [*GENERAL, *map(str.lower, GENERAL)])
def test_a_general_proxy_that_cannot_be_used_is_a_fault_of_the_configuration(name: str) -> None:
    for value in ("socks://me:hidden@host:1080", "ftp://host:1", "http://host:port"):
        with pytest.raises(ConfigError) as caught:
            Network.from_env({name: value})
        assert caught.value.faults[0].startswith(f"{name}: ") and "hidden" not in caught.value.faults[0]
    for value in ("proxy:3128", "http://proxy", "socks4a://proxy:1080", "https://me:pw@proxy/"):
        assert Network.from_env({name: value}).proxy_for("http" + "s" * ("https" in name.lower()) + "://a.example")


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_proxy_that_is_away_is_named_without_its_login(scheme: str, make_harness: Make) -> None:
    settings = make_harness().environment() | {
        "TELEGRAM_API_URL": "http://telegram.example:1",
        "TELEGRAM_PROXY": f"{scheme}://me:hidden@127.0.0.1:1",
    }
    done = run("--check", **settings)
    line = next(line for line in done.stdout.splitlines() if "token:" in line)
    assert line.startswith("FAIL") and line.endswith(f"Connection refused, by the proxy {scheme}://127.0.0.1:1")


def test_a_faulty_general_proxy_ends_the_start_with_a_sentence(make_harness: Make) -> None:
    faulty = {"HTTPS_PROXY": "socks9://me:hidden@host:1", "MODEL_PROXY": "me:hidden@host:1", "MODEL_SLOTS": "many"}
    done = run(**make_harness().environment() | faulty)
    assert done.returncode == 2
    for name in faulty:
        assert f"  {name}: " in done.stderr
    assert "hidden" not in done.stderr + done.stdout and "Traceback" not in done.stderr


def test_passwords_of_proxies_are_masked_wherever_they_are_logged(make_harness: Make) -> None:
    environment = make_harness().environment() | {
        "TELEGRAM_PROXY": "socks5h://me:tele%20word@host:1080",
        "HTTPS_PROXY": "http://me:general%20word@host:3128",
    }
    masked = Redactor((*Config.from_env(environment).secrets, *Network.from_env(environment).secrets))
    for password in ("tele%20word", "tele word", "general%20word", "general word"):
        assert password not in masked(f"refused {password}")
    shown = repr(Config.from_env(environment)) + repr(Network.from_env(environment))
    assert "word@" not in shown and "proxy=" not in shown.replace("no_proxy=", "")
