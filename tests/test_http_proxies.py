"""Requests by way of HTTP and SOCKS proxies, over real sockets."""

from __future__ import annotations

import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from ai.provider import Call
from ai.request import RequestAttempt
from core.cancellation import Cancel, watching
from core.errors import ModelCancelled, NoAnswer
from core.http_client import HttpClient
from core.network import Network
from tests.harness import until
from tests.http_server import OK, SECRET, Server, ask, carry, says, serving
from tests.proxy_server import CREDENTIALS, ProxyServer
from tests.test_connections import certificate

__all__ = ["certificate", "serving"]


def test_a_plain_request_goes_to_its_proxy_with_the_whole_address_and_the_proxy_s_password(
    serving: Callable[..., Server],
) -> None:
    proxy = serving(says(OK))
    http = HttpClient(Network(http_proxy=f"http://me:pa%20ss@127.0.0.1:{proxy.port}"))
    for _ in range(2):
        assert ask(http, "http://story.example:81/a?b=c")[1] == b"ok"
    head = proxy.requests[1][1].split(b"\r\n")
    assert head[0] == b"POST http://story.example:81/a?b=c HTTP/1.1"
    assert b"Host: story.example:81" in head
    assert b"Proxy-Authorization: Basic bWU6cGEgc3M=" in head
    assert proxy.connections == [0, 0]


def test_tls_goes_through_a_proxy_s_tunnel_and_tells_it_nothing_else(
    certificate: Path, serving: Callable[..., Server]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    beyond = serving(says(OK), context)

    def tunnel(sock: socket.socket, request: bytes) -> None:
        with socket.create_connection(("127.0.0.1", beyond.port)) as other:
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            for a, b in ((sock, other), (other, sock)):
                threading.Thread(target=carry, args=(a, b), daemon=True).start()
            closed.wait(5)

    closed = threading.Event()
    proxy = serving(tunnel)
    network = Network(https_proxy=f"http://me:word@127.0.0.1:{proxy.port}", ca_bundle=str(certificate))
    http = HttpClient(network)
    for _ in range(2):
        assert ask(http, f"https://story.example:{beyond.port}/bot-secret")[1] == b"ok"
    assert [request.split(b"\r\n")[0] for _, request in beyond.requests] == [b"POST /bot-secret HTTP/1.1"] * 2
    with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED") as caught:
        ask(http, f"https://other.example:{beyond.port}/bot-secret")
    assert not caught.value.sent
    closed.set()
    heads = [request for _, request in proxy.requests]
    assert len(heads) == 2 and heads[0].startswith(f"CONNECT story.example:{beyond.port} HTTP/1.".encode())
    assert b"Proxy-Authorization: Basic bWU6d29yZA==" in heads[0]
    assert not any(b"secret" in head for head in heads)
    assert not any(b"Proxy-Authorization" in request for _, request in beyond.requests)


def test_a_socks_proxy_carries_requests_whose_sockets_are_watched(serving: Callable[..., Server]) -> None:
    server = serving(says(OK))

    class Noting:
        peers: ClassVar[list[int]] = []

        def connected(self, sock: socket.socket) -> None:
            self.peers.append(sock.getpeername()[1])

    with ProxyServer() as proxy:
        client = HttpClient(Network(http_proxy=proxy.url("socks5h")))
        with watching(Noting()):
            address = f"http://story.example:{server.port}/a"
            assert [ask(client, address)[1] for _ in range(2)] == [b"ok", b"ok"]
    assert proxy.targets == [f"story.example:{server.port}"]
    assert server.connections == [0, 0] and len(Noting.peers) == 2


def test_a_proxy_s_password_stands_in_no_error() -> None:
    client = HttpClient(Network(http_proxy=f"socks9://me:{SECRET}@127.0.0.1:1"))
    with pytest.raises(NoAnswer) as caught:
        ask(client, "http://story.example/a")
    assert not caught.value.sent
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_proxy_that_refuses_the_tunnel_got_nothing_else(serving: Callable[..., Server]) -> None:
    proxy = serving(says(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", close=True))
    with pytest.raises(NoAnswer, match="407") as caught:
        ask(HttpClient(Network(https_proxy=f"127.0.0.1:{proxy.port}")), "https://story.example/")
    assert not caught.value.sent
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("kind", ["socks5h", "http", "https"])
def test_a_call_through_a_proxy_is_cancelled_before_its_answer_begins(
    kind: str, certificate: Path, serving: Callable[..., Server]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = serving(says(OK), context)
    silent = serving(says(), context)
    with ProxyServer(credentials=CREDENTIALS, own_tls=context if kind == "https" else None) as proxy:
        http, cancel = HttpClient(Network(https_proxy=proxy.url(kind), ca_bundle=str(certificate))), Cancel()
        assert ask(http, f"https://story.example:{server.port}/")[1] == b"ok"
        call = Call(f"https://story.example:{silent.port}/", {})

        def stop() -> None:
            until(lambda: silent.requests)
            cancel.set()

        threading.Thread(target=stop, daemon=True).start()
        with pytest.raises(ModelCancelled):
            RequestAttempt(time.monotonic() + 50, cancel).send(http, call)
    assert [target.rpartition(":")[2] for target in proxy.targets] == [str(server.port), str(silent.port)]
