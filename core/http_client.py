"""HTTP by `requests`: one request, its answer as it comes, and one error for whatever the network does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from functools import lru_cache, partial
from http import client
from typing import Any, Final

import requests
from urllib3 import HTTPHeaderDict, HTTPResponse, exceptions

from core.addresses import Silent
from core.cancellation import watching
from core.clock import certificate_hint
from core.errors import NoAnswer, innermost
from core.http_adapter import Adapter
from core.network import Network, without_login

_AGENT: Final = requests.utils.default_user_agent()
_FAILURES: Final = (exceptions.HTTPError, client.HTTPException, OSError, ValueError)  # requests' own are OSErrors


class Response:
    """An answer whose head has been read, of any status. For one thread."""

    def __init__(self, raw: HTTPResponse) -> None:
        self.status_code = raw.status
        self.reason = raw.reason or ""
        self.headers: Mapping[str, str] = raw.headers  # names in any case
        self._raw = raw
        one_read = partial(raw.read1, 65536, decode_content=True)  # takes twice the processor time of a chunk
        self._pieces = raw.stream(65536, decode_content=True) if raw.chunked else iter(one_read, b"")

    def read1(self) -> bytes:
        """Return what has come, as soon as anything has; empty at the end. Raise NoAnswer."""
        try:
            return next(self._pieces, b"")
        except _FAILURES as error:
            failure = _no_answer(error, sent=True)
        raise failure

    def read(self) -> bytes:
        """Return the rest of the body. Raise NoAnswer."""
        if self._raw.chunked:
            return b"".join(iter(self.read1, b""))
        try:
            return self._raw.read(decode_content=True)
        except _FAILURES as error:
            failure = _no_answer(error, sent=True)
        raise failure

    def close(self) -> None:
        """Read nothing more. A connection whose answer was read to its end is used again, another is closed."""
        self._raw.close()
        self._raw.release_conn()


class HttpClient(threading.local):
    """Sends requests. Threads share it; each has its own session. A connection idle for `idle_s` isn't used again."""

    def __init__(self, network: Network | None = None, *, idle_s: float = 60.0) -> None:  # after which gateways drop it
        self._network = network or Network()
        self._session = _Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, Adapter(self._network, idle_s, _answer))

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: tuple[float, float]
    ) -> Response:
        """Return the answer, for the caller to close. Raise NoAnswer. `timeout`: seconds to connect, and of silence."""
        self._begun, self._silence_s = False, timeout[1]
        proxy = ""
        try:
            address, proxy = _address(self._network, url)
            proxies = {"http": proxy, "https": proxy}
            request = _request(method, address, headers, body)
            with watching(self):
                return Response(self._session.send(request, stream=True, timeout=timeout, proxies=proxies))
        except _FAILURES as error:
            failure = _no_answer(error, sent=self._begun, proxy=proxy)
        raise failure  # out here: no traceback leads on to an error that names the address

    def connected(self, sock: socket.socket) -> None:
        """Count the request as sent. The socket may be silent for longer than connecting may take."""
        self._begun = True
        if sock.gettimeout() != self._silence_s:  # to set it is a system call
            sock.settimeout(self._silence_s)


def _answer(answer: client.HTTPResponse) -> HTTPResponse:
    """Return urllib3's answer of the standard library's, whose head has been read."""
    headers = HTTPHeaderDict()
    for name, value in answer.msg.items():  # to give it all at once takes twice as long
        headers.add(name, value)
    return HTTPResponse(
        answer,
        headers,
        answer.status,
        answer.version,
        reason=answer.reason,
        preload_content=False,
        decode_content=False,
        original_response=answer,
    )


def _no_answer(error: Exception, *, sent: bool, proxy: str = "") -> NoAnswer:
    """Return what `error` means, in words that hold no URL, header or password."""
    cause = innermost(error)
    by = f", by the proxy {without_login(proxy)}" if proxy and not sent else ""
    said = f"{cause}{certificate_hint(cause)}{by}"
    text = "no usable address, header or proxy" if isinstance(error, ValueError) else said
    timed_out = isinstance(cause, TimeoutError | exceptions.TimeoutError | Silent)
    return NoAnswer(f"{type(cause).__name__}: {text}", sent=sent, timed_out=timed_out)


@lru_cache(maxsize=64)
def _address(network: Network, url: str) -> tuple[str, str]:
    """Return the address as it is sent, and its proxy. Raise ValueError. Checked once: that takes a third of a call."""
    return requests.Request("GET", url).prepare().url or "", network.proxy_for(url)


def _request(method: str, address: str, headers: Mapping[str, str], body: bytes | None) -> requests.PreparedRequest:
    """Return the request to a checked address. Raise ValueError for a header of several lines."""
    sent = {"Accept-Encoding": "identity", "User-Agent": _AGENT, **headers}
    if any("\n" in value or "\r" in value for value in sent.values()):
        raise ValueError("a header with a line break")
    if body or method != "GET":
        sent["Content-Length"] = str(len(body or b""))
    request: Any = requests.PreparedRequest()
    request.method, request.url, request.headers, request.body = method, address, sent, body
    return request  # type: ignore[no-any-return]


class _Session(requests.Session):
    """Keeps no cookies and follows no redirect: a token in the address or a header is for one server only."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> Any:
        return self.get_adapter(request.url or "").send(request, **kwargs)
