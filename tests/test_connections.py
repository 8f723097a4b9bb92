"""The HTTP client's connections: one TLS context, no dead keep-alives, and cancelling through TLS."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ai.provider import Call
from ai.request import RequestAttempt
from core.cancellation import Cancel
from core.errors import ConfigError, ModelAway, ModelCancelled
from core.http_client import HttpClient, Response
from core.network import Network
from sandbox.models import ModelServers
from tests.model_fixtures import models

__all__ = ["models"]


def serve(listener: socket.socket, context: ssl.SSLContext | None, answers: int) -> list[int]:
    """Accept connections for good; each gets `answers` answers, then silence. The list grows by a request each."""
    seen: list[int] = []

    def talk(connection: socket.socket, number: int) -> None:
        with connection, suppress(OSError):
            wrapped = context.wrap_socket(connection, server_side=True) if context else connection
            with wrapped as sock:
                for answered in range(100):
                    if not sock.recv(65536):
                        return
                    seen.append(number)
                    if answered < answers:
                        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def accept() -> None:
        for number in range(100):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection, number), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return seen


def get(client: HttpClient, address: str) -> Response:
    response = client.send("GET", address, {}, None, (5, 5))
    response.read()
    response.close()
    return response


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a self-signed certificate for 127.0.0.1 and two names in `example`, with its key in the same file."""
    return make_certificate(tmp_path)


def make_certificate(folder: Path, later: datetime.timedelta = datetime.timedelta()) -> Path:
    """Return such a certificate that is valid for the two days around now, or so much later."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC) + later
    names = x509.SubjectAlternativeName(
        [
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            x509.DNSName("story.example"),
            x509.DNSName("telegram.example"),
        ]
    )
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


def test_cancelling_works_through_tls_before_the_headers(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        seen = serve(listener, context, answers=1)
        http, cancel = HttpClient(Network(ca_bundle=str(certificate))), Cancel()
        call = Call(f"https://127.0.0.1:{listener.getsockname()[1]}/", {})
        first = RequestAttempt(time.monotonic() + 5)
        assert first.whole(first.send(http, call)) == b"ok"
        threading.Timer(0.2, cancel.set).start()
        began = time.monotonic()
        with pytest.raises(ModelCancelled):
            RequestAttempt(time.monotonic() + 20, cancel).send(http, call)
        assert time.monotonic() - began < 10
        assert seen == [0, 0]  # one connection, kept


def test_an_unknown_authority_is_refused(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serve(listener, context, answers=1)
        attempt = RequestAttempt(time.monotonic() + 5)
        with pytest.raises(ModelAway, match="no connection"):
            attempt.send(HttpClient(), Call(f"https://127.0.0.1:{listener.getsockname()[1]}/", {}))
        assert not attempt.sent


def test_authorities_that_cannot_be_read_are_a_fault_of_the_configuration(tmp_path: Path) -> None:
    no_certificates = tmp_path / "notes.pem"
    no_certificates.write_text("hello", "utf-8")
    for path in (no_certificates, tmp_path / "missing.pem"):
        with pytest.raises(ConfigError, match=rf"^REQUESTS_CA_BUNDLE: {path} can't be read as certificates \(.+\)\."):
            Network.from_env({"REQUESTS_CA_BUNDLE": str(path)})


def test_threads_and_clients_share_one_tls_context(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    real = ssl.create_default_context

    def counted(**options: Any) -> ssl.SSLContext:
        nonlocal made
        made += 1
        return real(**options)

    monkeypatch.setattr(ssl, "create_default_context", counted)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        seen = serve(listener, server, answers=9)
        address = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        network = Network(ca_bundle=str(certificate))
        client = HttpClient(network)
        threads = [threading.Thread(target=get, args=(client, address)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        get(HttpClient(network), address)
    assert len(set(seen)) == 4 and made == 1


def test_a_connection_is_kept_until_it_has_been_silent_too_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        seen = serve(listener, None, answers=10)
        client = HttpClient(idle_s=0.8)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        get(client, address)
        get(client, address)
        time.sleep(0.85)
        get(client, address)
        assert seen == [0, 0, 1]


def test_each_thread_has_its_own_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        seen = serve(listener, None, answers=10)
        client = HttpClient()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        get(client, address)
        thread = threading.Thread(target=get, args=(client, address))
        thread.start()
        thread.join()
        get(client, address)
        assert seen == [0, 1, 0]


def test_a_proxy_is_asked_where_one_is_set_but_never_for_this_machine(models: ModelServers) -> None:
    client = HttpClient(Network(http_proxy=models.url))
    assert get(client, "http://story.example/nothing").status_code == 404
    assert get(client, f"{models.url}/nothing").status_code == 404
    assert [received.path for received in models.requests] == ["http://story.example/nothing", "/nothing"]
