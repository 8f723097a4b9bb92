"""HTTP by `requests`: one request, its answer as it comes, and one error for whatever the network does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from functools import lru_cache, partial
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3 import exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection

from core.addresses import Addresses, Silent
from core.cancellation import watching
from core.clock import certificate_hint
from core.errors import NoAnswer, innermost
from core.http_connection import WatchedConnection
from core.network import Network, tls_context, without_login

_FAILURES: Final = (exceptions.HTTPError, HTTPException, OSError, ValueError)  # requests' own are OSErrors


class Response:
    """An answer whose head has been read, of any status. For one thread."""

    def __init__(self, response: requests.Response) -> None:
        self.status_code = response.status_code
        self.reason = response.reason or ""
        self.headers: Mapping[str, str] = response.headers  # names in any case
        self._response, raw = response, response.raw
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
        return b"".join(iter(self.read1, b""))

    def close(self) -> None:
        """Read nothing more. A connection whose answer was read to its end is used again, another is closed."""
        self._response.close()


class HttpClient(threading.local):
    """Sends requests. Threads share it; each has its own session. A connection idle for `idle_s` isn't used again."""

    def __init__(self, network: Network | None = None, *, idle_s: float = 60.0) -> None:  # after which gateways drop it
        self._network = network or Network()
        self._session = _Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _Adapter(self._network, idle_s))

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: tuple[float, float]
    ) -> Response:
        """Return the answer, for the caller to close. Raise NoAnswer. `timeout`: seconds to connect, and of silence."""
        self._begun, self._upload_s = False, timeout[1] if body and len(body) > 65536 else None
        proxy = ""
        try:
            proxy = self._network.proxy_for(url)
            proxies = dict.fromkeys(("http", "https"), proxy)
            request = _prepared(method, url).copy()
            request.prepare_headers({"Accept-Encoding": "identity", **headers})
            request.prepare_body(body, None)
            with watching(self):
                return Response(self._session.send(request, stream=True, timeout=timeout, proxies=proxies))
        except _FAILURES as error:
            failure = _no_answer(error, sent=self._begun, proxy=proxy)
        raise failure  # out here: no traceback leads on to an error that names the address

    def connected(self, sock: socket.socket) -> None:
        """Count the request as sent. A large body gets a longer timeout than the connection had."""
        self._begun = True
        if self._upload_s is not None:
            sock.settimeout(self._upload_s)


def _no_answer(error: Exception, *, sent: bool, proxy: str = "") -> NoAnswer:
    """Return what `error` means, in words that hold no URL, header or password."""
    cause = innermost(error)
    by = f", by the proxy {without_login(proxy)}" if proxy and not sent else ""
    said = f"{cause}{certificate_hint(cause)}{by}"
    text = "no usable address, header or proxy" if isinstance(error, ValueError) else said
    timed_out = isinstance(cause, TimeoutError | exceptions.TimeoutError | Silent)
    return NoAnswer(f"{type(cause).__name__}: {text}", sent=sent, timed_out=timed_out)


@lru_cache(maxsize=64)
def _prepared(method: str, url: str) -> requests.PreparedRequest:
    """Return a request with this address: to check one takes a third of a call's processor time."""
    return requests.Request(method, url).prepare()


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect: a token in the address or a header is for this server only."""


class _Adapter(HTTPAdapter):
    """Prepares for a call only what is read of it: for each, `requests` parses the address seven times."""

    def __init__(self, network: Network, idle_s: float) -> None:
        self._tls, self._idle_s, self._addresses = tls_context(network.ca_bundle), idle_s, network.addresses
        self._pools: dict[tuple[str, str], Any] = {}  # by server and proxy
        super().__init__(pool_connections=1000, max_retries=0)  # servers: none is put out for another

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._tls)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        to_proxy = {"proxy_ssl_context": self._tls} if proxy.startswith("https:") else {}
        return super().proxy_manager_for(proxy, **kwargs, ssl_context=self._tls, **to_proxy)

    def cert_verify(self, *args: Any, **kwargs: Any) -> None: ...  # the shared context has the authorities

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        server = request.url[: request.url.index("/", 8)], proxies["http"]
        pool: Any = self._pools.get(server)
        if pool is None:
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            self._pools[server] = pool
            if not issubclass(pool.ConnectionCls, WatchedConnection):
                pool.ConnectionCls = _connection_class(pool.ConnectionCls, self._idle_s, self._addresses)
        return pool

    def request_url(self, request: Any, proxies: Any) -> str:
        return super().request_url(request, proxies) if proxies["http"] else str(request.path_url)

    def build_response(self, req: Any, resp: Any) -> requests.Response:
        response = requests.Response()
        response.status_code, response.reason, response.headers = resp.status, resp.reason, resp.headers
        response.raw, response.request, response.url = resp, req, req.url
        return response


@lru_cache(maxsize=16)
def _connection_class(base: type[HTTPConnection], idle_s: float, addresses: Addresses) -> type[HTTPConnection]:
    own = addresses if base in (HTTPConnection, HTTPSConnection) else None  # else SOCKS
    return type(base.__name__, (WatchedConnection, base), {"idle_s": idle_s, "addresses": own})
