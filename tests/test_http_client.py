"""A request's bytes and an answer's, over real sockets: framing, what is kept, proxies, dead connections."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import pytest

from core.cancellation import watching
from core.errors import NoAnswer
from core.http_client import HttpClient, Response
from core.network import Network
from tests.test_connections import certificate

__all__ = ["certificate"]

Script = Callable[[socket.socket, bytes], None]


class Server:
    """Accepts connections for good; the script answers each request, noted with its connection's number."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[tuple[int, bytes]] = []
        self._script = script
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        for number in range(100):
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection, number), daemon=True).start()

    def _talk(self, connection: socket.socket, number: int) -> None:
        with connection, suppress(OSError):
            wrapped = self._context.wrap_socket(connection, server_side=True) if self._context else connection
            with wrapped as sock:
                while (request := whole(sock)) and wrapped.fileno() >= 0:
                    self.requests.append((number, request))
                    self._script(sock, request)

    @property
    def connections(self) -> list[int]:
        return [number for number, _ in self.requests]


def whole(sock: socket.socket) -> bytes:
    """Return a request with its body; empty at the connection's end."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := sock.recv(65536)):
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
    while len(body) < int(length or 0):
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


def carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)


@pytest.fixture
def serving() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def make(script: Script, context: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(script, context))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def says(*pieces: bytes, close: bool = False) -> Script:
    """Return a script that answers with these pieces, each in a packet of its own."""

    def script(sock: socket.socket, request: bytes) -> None:
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(0.005)
            sock.sendall(piece)
        if close:
            sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    return script


def ask(http: HttpClient, url: str, body: bytes | None = b"{}", timeout_s: float = 5.0) -> tuple[Response, bytes]:
    response = http.send("GET" if body is None else "POST", url, {"X-Mark": "да".encode().hex()}, body, (5, timeout_s))
    try:
        return response, response.read()
    finally:
        response.close()


SECRET = "AQVNsecretkey"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


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


def test_an_answer_left_halfway_closes_its_connection(serving: Callable[..., Server]) -> None:
    server = serving(says(CHUNKED + b"2\r\nok\r\n"))
    http = HttpClient()
    for _ in range(2):
        response = http.send("POST", server.url, {}, b"", (5, 5))
        assert response.read1() == b"ok"
        response.close()
        response.close()
    assert server.connections == [0, 1]


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
    asked: list[bytes] = []

    def proxy(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.recv(100)  # the ways of authentication that the client knows
        connection.sendall(b"\x05\x00")
        asked.append(connection.recv(100))
        connection.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        with connection, socket.create_connection(("127.0.0.1", server.port)) as beyond:
            threading.Thread(target=carry, args=(beyond, connection), daemon=True).start()
            carry(connection, beyond)

    class Noting:
        peers: ClassVar[list[str]] = []

        def connected(self, sock: socket.socket) -> None:
            self.peers.append(str(sock.getpeername()[1]))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=proxy, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        client = HttpClient(Network(http_proxy=f"socks5h://127.0.0.1:{port}"))
        with watching(Noting()):
            assert [ask(client, "http://story.example/a")[1] for _ in range(2)] == [b"ok", b"ok"]
    assert len(asked) == 1 and b"story.example" in asked[0]
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
