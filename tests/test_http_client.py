"""A request over real sockets: what is sent, to whom, and over which connection."""

from __future__ import annotations

import socket
import time
import traceback
from collections.abc import Callable

import pytest

from core.cancellation import watching
from core.errors import NoAnswer
from core.http_client import HttpClient
from tests.http_server import OK, SECRET, Server, ask, says, serving

__all__ = ["serving"]


def test_a_request_leaves_whole_with_what_http_asks_for(serving: Callable[..., Server]) -> None:
    server = serving(says(OK))
    http = HttpClient()
    ask(http, f"{server.url}/путь/a?b=c d#part", b"body")
    ask(http, server.url, None)
    head, _, body = server.requests[0][1].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /%D0%BF%D1%83%D1%82%D1%8C/a?b=c%20d HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}".encode() in lines
    assert {b"Accept-Encoding: identity", b"Content-Length: 4", b"X-Mark: d0b4d0b0"} < set(lines)
    assert body == b"body"
    assert server.requests[1][1].startswith(b"GET / HTTP/1.1\r\n")
    assert b"Content-Length" not in server.requests[1][1]


def test_a_large_body_arrives_whole(serving: Callable[..., Server]) -> None:
    server = serving(says(OK))
    ask(HttpClient(), server.url, b"x" * 1_000_000)
    assert server.requests[0][1].endswith(b"\r\n\r\n" + b"x" * 1_000_000)


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\rb", "Ж"])
def test_a_header_that_is_more_than_a_line_is_never_sent(value: str, serving: Callable[..., Server]) -> None:
    server = serving(says(OK))
    with pytest.raises(NoAnswer) as caught:
        HttpClient().send("GET", server.url, {"Authorization": SECRET + value}, None, (1, 1))
    assert not caught.value.sent and server.requests == []
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_nobody_there_is_an_error_before_anything_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(NoAnswer) as caught:
            ask(HttpClient(), f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert not caught.value.sent


def test_a_connection_that_takes_too_long_is_an_error_before_anything_was_sent() -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=1) as listener,
        socket.socket() as first,
        socket.socket() as more,
    ):
        address = listener.getsockname()
        for taken in (first, more):  # nobody accepts: the queue is full now
            taken.setblocking(False)
            taken.connect_ex(address)
        with pytest.raises(NoAnswer) as caught:
            HttpClient().send("GET", f"http://127.0.0.1:{address[1]}/", {}, None, (0.05, 5))
    assert not caught.value.sent


@pytest.mark.parametrize(
    "url", ["ftp://host/", "http://", "http://[::1", "nothing", "http://host:port/", "http://a..b/"]
)
def test_what_is_no_address_is_an_error_and_nothing_is_sent(url: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        ask(HttpClient(), url)
    assert not caught.value.sent


def test_a_connection_that_died_meanwhile_is_replaced_before_sending(serving: Callable[..., Server]) -> None:
    server = serving(says(OK, close=True))  # keeps, it says, and closes
    http = HttpClient()
    for _ in range(3):
        assert ask(http, server.url)[1] == b"ok"
        time.sleep(0.02)
    assert server.connections == [0, 1, 2]


def test_a_connection_that_was_silent_for_too_long_is_replaced(serving: Callable[..., Server]) -> None:
    server = serving(says(OK))
    http = HttpClient(idle_s=0.05)
    ask(http, server.url)
    ask(http, server.url)
    time.sleep(0.07)
    ask(http, server.url)
    assert server.connections == [0, 0, 1]


def test_a_redirect_is_an_answer_and_is_not_followed(serving: Callable[..., Server]) -> None:
    other = serving(says(OK))
    head = f"HTTP/1.1 302 Found\r\nLocation: {other.url}\r\nContent-Length: 5\r\n\r\n".encode()
    server = serving(says(head + b"moved"))
    client = HttpClient()
    response = client.send("POST", server.url, {"Authorization": SECRET}, b"x", (5, 5))
    assert (response.status_code, response.read()) == (302, b"moved")
    response.close()
    assert other.requests == [] and len(server.requests) == 1


def test_cookies_are_not_sent_back(serving: Callable[..., Server]) -> None:
    server = serving(says(OK.replace(b"Content-Length", b"Set-Cookie: a=b; Path=/\r\nContent-Length")))
    client = HttpClient()
    for _ in range(2):
        ask(client, server.url)
    assert len(server.requests) == 2 and b"cookie" not in server.requests[1][1].lower()


def test_a_watcher_that_says_no_ends_the_request_before_it_is_sent(serving: Callable[..., Server]) -> None:
    class Stern:
        def connected(self, sock: socket.socket) -> None:
            raise PermissionError(sock.getpeername()[0])

    class Impossible:
        def connected(self, sock: socket.socket) -> None:
            raise KeyError("a bug")

    server = serving(says(OK))
    with watching(Stern()), pytest.raises(NoAnswer, match=r"127\.0\.0\.1") as caught:
        ask(HttpClient(), server.url)
    assert not caught.value.sent
    with watching(Impossible()), pytest.raises(KeyError):
        ask(HttpClient(), server.url)
    assert server.requests == []
