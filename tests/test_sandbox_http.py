"""The stand-ins' HTTP server: forms, bodies, connections that stay open, break or stream."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import requests

from sandbox.http_wire import Dropped, HttpRequest, HttpResponse, HttpServer, Upload, json_response

FILE = "Маяк и остров.txt"


def answer(request: HttpRequest) -> HttpResponse:
    if request.path == "/drop":
        raise Dropped
    if request.path == "/stream":
        return HttpResponse(content_type="text/plain", stream=iter([b"one ", b"two"]))
    return json_response({"body": request.body.decode(), "query": request.query, "path": request.path})


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer(answer) as running:
        yield running


@pytest.mark.parametrize("name", [f'filename="{FILE}"', f"filename={FILE}", f"filename*=utf-8''{quote(FILE)}"])
def test_a_file_name_is_read_in_each_way_that_clients_write_it(name: str) -> None:
    parts = [
        'Content-Disposition: form-data; name="chat_id"\r\n\r\n1',
        f'Content-Disposition: form-data; name="document"; {name}\r\nContent-Type: text/plain\r\n\r\nЖил-был\r\n',
    ]
    body = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
    request = HttpRequest("POST", "/", "a=1", {"content-type": "multipart/form-data; boundary=b"}, body.encode())
    upload = Upload(FILE, "Жил-был\r\n".encode(), "text/plain")
    assert request.parameters() == ({"a": "1", "chat_id": "1"}, {"document": upload})


def test_a_form_without_a_boundary_is_refused() -> None:
    with pytest.raises(ValueError, match="boundary"):
        HttpRequest("POST", "/", "", {"content-type": "multipart/form-data"}, b"x").parameters()


def test_a_connection_stays_open(server: HttpServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    for number in range(3):
        connection.request("POST", f"/a%20b?n={number}", "слово".encode())
        sock = connection.sock
        response = connection.getresponse()
        assert response.read().decode() == f'{{"body":"слово","query":"n={number}","path":"/a%20b"}}'
        assert not response.will_close and connection.sock is sock
    connection.close()


def test_a_chunked_body_is_read(server: HttpServer) -> None:
    answered = requests.post(server.url, data=iter([b"one ", b"two"]), timeout=5)
    assert answered.json()["body"] == "one two"


def test_a_stream_ends_with_its_connection(server: HttpServer) -> None:
    answered = requests.get(f"{server.url}/stream", timeout=5)
    assert answered.text == "one two" and answered.headers["Connection"] == "close"


def test_a_dropped_request_gets_no_answer(server: HttpServer) -> None:
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}/drop", timeout=5)


def test_closing_breaks_open_connections() -> None:
    server = HttpServer(answer)
    server.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", "/")
    connection.getresponse().read()
    server.close()
    assert connection.sock is not None and connection.sock.recv(1) == b""
    connection.close()
