"""Which of a host's addresses is tried when. A silent one is a listener on this machine whose queue is full."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from core.addresses import Addresses
from core.errors import NoAnswer
from core.http_client import HttpClient
from core.network import Network
from tests.http_server import OK, Server, ask, says, serving, whole
from tests.test_connections import certificate

__all__ = ["certificate", "serving"]

SILENT, SILENT_TOO, GOOD, SIX = "127.0.0.2", "127.0.0.3", "127.0.0.1", "::1"
DNS = Callable[..., None]


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> DNS:
    """Return a function that sets the addresses of story.example."""
    real = socket.getaddrinfo
    known: list[str] = []

    def found(host: Any, port: Any, *arguments: Any, **options: Any) -> list[Any]:
        if host != "story.example":
            return real(host, port, *arguments, **options)
        if not known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [entry for address in known for entry in real(address, port, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", found)

    def set_to(*addresses: str) -> None:
        known[:] = addresses

    return set_to


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the addresses to which connections are begun, growing."""
    begun: list[str] = []
    real = socket.socket.connect_ex

    def noted(self: socket.socket, address: Any) -> int:
        begun.append(address[0])
        return real(self, address)

    monkeypatch.setattr(socket.socket, "connect_ex", noted)
    return begun


@pytest.fixture
def silent() -> Iterator[Callable[..., None]]:
    """Return a function that makes an address of this machine silent at a port."""
    with ExitStack() as stack:

        def make(address: str, port: int) -> None:
            listener = stack.enter_context(socket.create_server((address, port), backlog=1))
            for _ in range(4):  # nobody accepts: the queue is full now, and the kernel drops what comes
                taken = stack.enter_context(socket.socket())
                taken.setblocking(False)
                with suppress(BlockingIOError):
                    taken.connect(listener.getsockname())

        yield make


def again(http: HttpClient, url: str) -> None:
    """Ask over a fresh connection."""
    thread = threading.Thread(target=ask, args=(http, url))
    thread.start()
    thread.join()


def test_a_silent_address_is_passed_over_once_and_the_one_that_answered_comes_first_from_then_on(
    serving: Callable[..., Server], dns: DNS, silent: Callable[..., None], tried: list[str], caplog: Any
) -> None:
    caplog.set_level(logging.INFO)
    server = serving(says(OK))
    silent(SILENT, server.port)
    silent(SILENT_TOO, server.port)
    dns(SILENT, SILENT_TOO, GOOD)
    http, url = HttpClient(Network()), f"http://story.example:{server.port}/"
    assert ask(http, url)[1] == b"ok"
    assert tried == [SILENT, SILENT_TOO, GOOD]
    again(http, url)
    again(http, url)
    assert tried[3:] == [GOOD, GOOD] and server.connections == [0, 1, 2]
    assert caplog.text.count(f"event=address_skipped host=story.example skipped={SILENT} used={GOOD}") == 1


def test_the_remembered_address_that_falls_silent_is_left_for_another(
    serving: Callable[..., Server], dns: DNS, silent: Callable[..., None], tried: list[str]
) -> None:
    server = serving(says(OK))
    silent(SILENT, server.port)
    addresses = Addresses()
    dns(SILENT, GOOD)
    addresses.connect("story.example", server.port, 30).close()
    server.close()
    del tried[:]
    silent(GOOD, server.port)
    with socket.create_server((SILENT_TOO, server.port)):
        dns(SILENT, GOOD, SILENT_TOO)
        addresses.connect("story.example", server.port, 30).close()
        assert tried == [GOOD, SILENT, SILENT_TOO]
        addresses.connect("story.example", server.port, 30).close()
        assert tried[3:] == [SILENT_TOO]


def test_an_address_that_refuses_is_passed_over_at_once(
    serving: Callable[..., Server], dns: DNS, tried: list[str]
) -> None:
    server = serving(says(OK))
    dns(SILENT, SILENT_TOO, GOOD)  # nobody listens at the first two
    network = Network(addresses=Addresses(next_after_s=1000))
    assert ask(HttpClient(network), f"http://story.example:{server.port}/")[1] == b"ok"
    assert tried == [SILENT, SILENT_TOO, GOOD]


@pytest.mark.parametrize(
    ("family", "order"),
    [("any", [SILENT, SIX, GOOD]), ("4", [SILENT, GOOD]), ("6", [SIX, SILENT, GOOD])],
)
def test_families_take_turns_unless_one_is_preferred(
    family: str, order: list[str], serving: Callable[..., Server], dns: DNS, tried: list[str]
) -> None:
    server = serving(says(OK))
    dns(*([SIX, SILENT, GOOD] if family == "4" else [SILENT, GOOD, SIX]))
    http = HttpClient(Network().preferring(family))
    assert ask(http, f"http://story.example:{server.port}/")[1] == b"ok"
    assert tried == order


def test_tls_is_for_the_name_whichever_address_answers(
    serving: Callable[..., Server], dns: DNS, silent: Callable[..., None], certificate: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    asked: list[str | None] = []
    context.sni_callback = lambda sock, name, _: asked.append(name)
    server = serving(says(OK), context)
    silent(SILENT, server.port)
    dns(SILENT, GOOD)
    http = HttpClient(Network(ca_bundle=str(certificate)))
    assert ask(http, f"https://story.example:{server.port}/")[1] == b"ok"
    assert asked == ["story.example"]


def test_addresses_that_are_all_silent_are_a_timeout_that_names_them(
    serving: Callable[..., Server], dns: DNS, silent: Callable[..., None]
) -> None:
    server = serving(says(OK))
    for scheme in ("http", "https"):
        dns(SILENT, SILENT_TOO)
        if scheme == "http":
            silent(SILENT, server.port)
            silent(SILENT_TOO, server.port)
        with pytest.raises(NoAnswer, match=rf"no answer within 0.4 s from {SILENT}, {SILENT_TOO}$") as caught:
            HttpClient().send("GET", f"{scheme}://story.example:{server.port}/", {}, None, (0.4, 30))
        assert caught.value.timed_out and not caught.value.sent


def test_addresses_that_all_refuse_are_an_error_that_names_them(dns: DNS) -> None:
    dns(SILENT, SILENT_TOO)
    with pytest.raises(NoAnswer, match=rf"Connection refused \({SILENT}, {SILENT_TOO}\)") as caught:
        ask(HttpClient(), "http://story.example:1/")
    assert not caught.value.timed_out and not caught.value.sent


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_dns_does_not_know_is_named(scheme: str, dns: DNS) -> None:
    dns()
    with pytest.raises(
        NoAnswer, match=r"DNS finds no address of story\.example \(Name or service not known\)"
    ) as caught:
        ask(HttpClient(), f"{scheme}://story.example/")
    assert not caught.value.timed_out and not caught.value.sent


def test_an_ipv6_address_is_reached_as_it_is_written(tried: list[str]) -> None:
    with socket.create_server((SIX, 0), family=socket.AF_INET6) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                whole(connection)
                connection.sendall(OK)

        threading.Thread(target=answer, daemon=True).start()
        assert ask(HttpClient(), f"http://[::1]:{listener.getsockname()[1]}/")[1] == b"ok"
    assert tried == [SIX]
