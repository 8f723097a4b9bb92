"""An answer over real sockets: framing, what has come of it, and answers that are broken or missing."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable

import pytest

from core.errors import NoAnswer
from core.http_client import HttpClient
from tests.http_server import CHUNKED, OK, Server, ask, says, serving

__all__ = ["serving"]


@pytest.mark.parametrize(
    ("pieces", "body", "kept"),
    [
        ((OK,), b"ok", True),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", b"fo", b"ur"), b"four", True),
        ((b"HTTP/1.1 2", b"00 OK\r\nContent-Le", b"ngth: 2\r\n\r", b"\nok"), b"ok", True),
        ((b"HTTP/1.1 200\r\ncontent-length:2\r\n\r\nok",), b"ok", True),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), b"", True),
        ((b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n",), b"", True),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",), b"", True),
        ((b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",), b"ok", False),
        ((b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",), b"ok", False),
        ((b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok",), b"ok", True),
        ((b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nokmore",), b"ok", False),
        ((b"HTTP/1.1 100 Continue\r\n\r\n", OK,), b"ok", True),
        ((CHUNKED + b"2\r\nok\r\n0\r\n\r\n",), b"ok", True),
        ((CHUNKED, b"2\r", b"\no", b"k\r", b"\n3;x=y\r\n", b"ay!\r\n0", b"\r\n", b"\r\n"), b"okay!", True),
        ((CHUNKED + b"2\r\nok\r\n0\r\nX-Sum: 1\r\n", b"X-More: 2\r\n\r\n"), b"ok", True),
        ((b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
          % (len(gzip.compress(b"ok", mtime=0)), gzip.compress(b"ok", mtime=0)),), b"ok", True),
    ],
)  # fmt: skip
def test_every_framing_is_read_to_its_end_and_the_connection_kept_where_it_may_be(
    pieces: tuple[bytes, ...], body: bytes, kept: bool, serving: Callable[..., Server]
) -> None:
    server = serving(says(*pieces))
    http = HttpClient()
    response, content = ask(http, server.url)
    assert content == body
    assert response.read1() == b""
    ask(http, server.url)
    assert server.connections == [0, 0 if kept else 1]


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", CHUNKED + b"493e0\r\n"], ids=["length", "chunk"]
)
def test_a_long_body_is_read_whole_and_the_connection_kept(head: bytes, serving: Callable[..., Server]) -> None:
    body = bytes(range(250)) * 1200
    server = serving(says(head + body + (b"\r\n0\r\n\r\n" if b"chunked" in head else b"")))
    http = HttpClient()
    for _ in range(2):
        assert ask(http, server.url)[1] == body
    assert server.connections == [0, 0]


def test_a_body_without_a_length_goes_on_to_the_end(serving: Callable[..., Server]) -> None:
    server = serving(says(b"HTTP/1.1 200 OK\r\n\r\nfirst", b" second", close=True))
    http = HttpClient()
    assert ask(http, server.url)[1] == b"first second"
    assert ask(http, server.url)[1] == b"first second"
    assert server.connections == [0, 1]


@pytest.mark.parametrize(
    ("head", "first", "second"),
    [(CHUNKED, b"5\r\nfirst\r\n", b"7\r\n second\r\n0\r\n\r\n"),
     (OK.replace(b": 2", b": 12")[:-2], b"first", b" second"),
     (b"HTTP/1.1 200 OK\r\n\r\n", b"first", b" second")],
    ids=["chunks", "length", "until the end"],
)  # fmt: skip
def test_what_has_come_is_handed_out_before_the_rest_is_there(
    head: bytes, first: bytes, second: bytes, serving: Callable[..., Server]
) -> None:
    go_on = threading.Event()

    def script(sock: socket.socket, request: bytes) -> None:
        sock.sendall(head + first)
        go_on.wait(5)
        sock.sendall(second)
        sock.shutdown(socket.SHUT_RDWR)

    response = HttpClient().send("POST", serving(script).url, {}, b"", (5, 5))
    assert response.read1() == b"first"
    go_on.set()
    assert response.read() == b" second"


def test_headers_match_in_any_case_and_join(serving: Callable[..., Server]) -> None:
    head = b"HTTP/1.1 429 Too Many Requests\r\nRETRY-after:  7\r\nX-Odd:\t\xd0\xff\r\nX-Two: 1\r\nx-two: 2\r\n"
    response, _ = ask(HttpClient(), serving(says(head + b"Content-Length: 0\r\n\r\n")).url)
    assert (response.status_code, response.reason) == (429, "Too Many Requests")
    assert (response.headers["retry-AFTER"], response.headers["x-odd"], response.headers["X-Two"]) == (
        "7",
        "\xd0\xff",
        "1, 2",
    )
    assert response.headers.get("absent", "") == ""


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/2 200\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
        CHUNKED + b"2\r\nok\r\n",
        CHUNKED + b"2\r\nokay\r\n0\r\n\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"-2\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"2" * 10_000,
    ],
    ids=lambda answer: repr(answer[-30:]),
)  # fmt: skip
def test_an_answer_that_is_none_or_ends_too_early_is_an_error(answer: bytes, serving: Callable[..., Server]) -> None:
    server = serving(says(answer, close=True))
    with pytest.raises(NoAnswer) as caught:
        ask(HttpClient(), server.url)
    assert caught.value.sent
    assert not caught.value.timed_out


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", CHUNKED]
)
def test_silence_is_a_timeout_after_the_request_left(answer: bytes, serving: Callable[..., Server]) -> None:
    with pytest.raises(NoAnswer) as caught:
        ask(HttpClient(), serving(says(answer)).url, timeout_s=0.05)
    assert caught.value.sent
    assert caught.value.timed_out


def test_an_answer_left_halfway_closes_its_connection(serving: Callable[..., Server]) -> None:
    server = serving(says(CHUNKED + b"2\r\nok\r\n"))
    http = HttpClient()
    for _ in range(2):
        response = http.send("POST", server.url, {}, b"", (5, 5))
        assert response.read1() == b"ok"
        response.close()
        response.close()
    assert server.connections == [0, 1]


def test_two_answers_may_be_read_at_the_same_time(serving: Callable[..., Server]) -> None:
    server = serving(says(OK))
    http = HttpClient()
    first, second = (http.send("POST", server.url, {}, b"", (5, 5)) for _ in range(2))
    assert (first.read(), second.read()) == (b"ok", b"ok")
    assert server.connections == [0, 1]


def test_a_server_that_answers_before_it_has_heard_all_is_heard(serving: Callable[..., Server]) -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            connection.recv(1000)
            connection.sendall(refusal)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):  # a reset would take the answer away
                pass
            connection.close()

        threading.Thread(target=refuse, daemon=True).start()
        response, _ = ask(HttpClient(), f"http://127.0.0.1:{listener.getsockname()[1]}/", b"x" * 3_000_000)
        assert response.status_code == 413
