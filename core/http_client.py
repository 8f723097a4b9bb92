"""HTTP sessions that every room shares: the way out (proxies, CA), one TLS context, fresh connections.

Covers: what the environment says about the network, read once into `Network`; sessions that never look at
the environment again; connections that are dropped after a minute of silence, so that no request is sent
into a dead keep-alive; and `watching`, which hands a request's socket to whoever may have to end it.
Doesn't cover: retries (they live in `gpt.py` and `telegram/sender.py`), addresses, credentials.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url
from urllib3.util.proxy import connection_requires_http_tunnel

from core.errors import ConfigError
from core.keepalive import NoAnswer, Response, send, watchers, watching

__all__ = ["IDLE_S", "Network", "NoAnswer", "Response", "Sessions", "new_session", "tls_context", "watching"]

IDLE_S: Final = 60.0  # gateways cut a silent connection after a minute or more, without a word
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Network:
    """The way out of this machine. The default value: straight, with the public certificate authorities."""

    http_proxy: str = ""
    https_proxy: str = ""
    no_proxy: tuple[str, ...] = ()
    ca_bundle: str = ""  # a file or a directory

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Network:
        """What `env` says in the names that curl and requests read; lower case goes first.

        Raises `ConfigError` for authorities that can't be read: every connection would fail of them.
        """

        def first(*names: str) -> str:
            return next((env[name].strip() for name in names if env.get(name, "").strip()), "")

        authorities = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
        ca_bundle = first(*authorities)
        try:
            tls_context(ca_bundle)
        except OSError as error:  # ssl.SSLError is one
            name = next(name for name in authorities if env.get(name, "").strip())
            fault = f"{name}: {ca_bundle} can't be read as certificates ({error.strerror or error})."
            raise ConfigError([f"{fault} Give it a PEM file, or unset it."]) from error

        everything = first("all_proxy", "ALL_PROXY")
        hosts = first("no_proxy", "NO_PROXY").split(",")
        return cls(
            http_proxy=first("http_proxy", "HTTP_PROXY") or everything,
            https_proxy=first("https_proxy", "HTTPS_PROXY") or everything,
            no_proxy=tuple(host.strip().lower() for host in hosts if host.strip()),
            ca_bundle=ca_bundle,
        )

    def proxy_for(self, url: str) -> str:
        """The proxy to ask for `url`; empty: go straight.

        This machine and the link-local net (a cloud's metadata service) are never behind a proxy.
        """
        parts = urlsplit(url)
        proxy = self.https_proxy if parts.scheme == "https" else self.http_proxy
        host = (parts.hostname or "").lower()
        if not proxy or host == "localhost" or any(_matches(host, parts.port, entry) for entry in self.no_proxy):
            return ""
        address = _address(host)
        return "" if address is not None and (address.is_loopback or address.is_link_local) else proxy


def _address(host: str) -> Any:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _matches(host: str, port: int | None, entry: str) -> bool:
    if entry == "*":
        return True
    address = _address(host)
    if address is not None and "/" in entry:
        try:
            return address in ip_network(entry, strict=False)
        except ValueError:
            return False
    name, _, wanted_port = entry.partition(":") if entry.count(":") == 1 else (entry, "", "")
    name = name.removeprefix("*").lstrip(".")
    return (host == name or host.endswith(f".{name}")) and (not wanted_port or wanted_port == str(port))


class _Fresh:
    """Mixed into urllib3's connections: reports its socket, and isn't reused after `idle_s` of silence."""

    idle_s = IDLE_S
    used_at = 0.0

    @property
    def is_connected(self) -> bool:
        # What the pool asks before it reuses a connection; False makes it open a new one.
        return time.monotonic() - self.used_at <= self.idle_s and bool(super().is_connected)  # type: ignore[misc]

    def request(self, *args: Any, **kwargs: Any) -> None:
        connection: Any = self
        if connection.sock is None:
            connection.connect()
        for watcher in watchers():
            watcher.connected(connection.sock)
        super().request(*args, **kwargs)  # type: ignore[misc]

    def getresponse(self) -> Any:
        response = super().getresponse()  # type: ignore[misc]
        self.used_at = time.monotonic()
        return response


@lru_cache(maxsize=8)
def _pool_classes(limit_s: float) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(_Fresh, HTTPConnection):
        idle_s = limit_s

    class Secure(_Fresh, HTTPSConnection):
        idle_s = limit_s

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


@lru_cache(maxsize=8)
def tls_context(ca_bundle: str = "") -> ssl.SSLContext:
    """The process's one TLS context for these authorities.

    A context of its own costs a connection 17 ms and 0.7 MiB, the shared one 1.3 ms and 0.04 MiB.
    """
    where = ca_bundle or certifi.where()
    if Path(where).is_dir():
        return ssl.create_default_context(capath=where)
    return ssl.create_default_context(cafile=where)


@dataclass(frozen=True, slots=True)
class Route:
    """A request's way: the pool, whether its connections begin with a tunnel, and the first lines of the head."""

    pool: Any
    tunnel: bool
    start: bytes


class _Adapter(HTTPAdapter):
    def __init__(self, network: Network, idle_s: float) -> None:
        self._network = network
        self._pools = _pool_classes(idle_s)
        self._known: dict[tuple[str, str, str], Any] = {}  # pools by scheme, host and proxy
        self._routes: dict[tuple[str, str], Route] = {}  # by method and address
        self._agent = requests.utils.default_user_agent()
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=tls_context(self._network.ca_bundle), **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=tls_context(self._network.ca_bundle), **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = self._pools
        return manager

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        # The way to a host doesn't change; to work it out anew costs as much as to send a short message.
        parts = urlsplit(request.url or "")
        key = (parts.scheme, parts.netloc, (proxies or {}).get("https", ""))
        if verify is not True or cert is not None:
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        if key not in self._known:
            if len(self._known) >= 8:  # beyond ten the library closes the pool that it thinks unused
                self._known.clear()
                self._routes.clear()
                self.poolmanager.clear()
            self._known[key] = super().get_connection_with_tls_context(request, verify, proxies, cert)
        return self._known[key]

    def route(self, method: str, url: str) -> Route:
        """How a request to `url` begins, and over which pool it goes. Raises `NoAnswer` for what is no address."""
        found = self._routes.get((method, url))
        if found is None:
            try:
                found = self._found(method, url)
            except (HTTPError, OSError, ValueError) as error:  # requests' own are OSErrors
                raise NoAnswer(error, sent=False) from error
            if len(self._routes) >= 32:
                self._routes.clear()
            self._routes[method, url] = found
        return found

    def _found(self, method: str, url: str) -> Route:
        proxy = self._network.proxy_for(url)
        request = requests.PreparedRequest()
        request.url = url
        pool = self.get_connection_with_tls_context(request, True, {"http": proxy, "https": proxy} if proxy else {})
        self.cert_verify(pool, url, True, None)
        address = parse_url(url)
        if address.scheme not in ("http", "https") or not address.host:
            raise requests.exceptions.InvalidURL("an address of another kind")
        tunnel = connection_requires_http_tunnel(pool.proxy, pool.proxy_config, address.scheme)
        forwarded = pool.proxy is not None and not tunnel
        host = address.host if address.port in (None, _PORTS[address.scheme]) else f"{address.host}:{address.port}"
        target = address._replace(fragment=None, auth=None).url if forwarded else address.request_uri
        headers = {"Host": host, "Accept-Encoding": "identity", "User-Agent": self._agent}
        if forwarded:
            headers |= pool.proxy_headers
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return Route(pool, tunnel, f"{method} {target} HTTP/1.1\r\n{lines}".encode("latin-1"))

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        if verify is True and cert is None and url.lower().startswith("https"):
            conn.cert_reqs = "CERT_REQUIRED"  # the shared context has its authorities: don't load them again
        else:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        proxy = self._network.proxy_for(request.url or "")
        kwargs["proxies"] = {"http": proxy, "https": proxy} if proxy else {}
        return super().send(request, *args, **kwargs)


def new_session(network: Network | None = None, *, idle_s: float = IDLE_S) -> requests.Session:
    """A session for **one** thread: no environment, no retries, the shared TLS context."""
    session = requests.Session()
    session.trust_env = False
    adapter = _Adapter(network or Network(), idle_s)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class Sessions:
    """A session for each thread that asks."""

    def __init__(self, network: Network | None = None, *, idle_s: float = IDLE_S) -> None:
        self._network = network or Network()
        self._idle_s = idle_s
        self._local = threading.local()

    def get(self) -> requests.Session:
        """This thread's session; its connections are closed when the thread ends."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = new_session(self._network, idle_s=self._idle_s)
        return session

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: tuple[float, float]
    ) -> Response:
        """The response to one request over this thread's connections, with its head read, of any status. Close it.

        A GET or a POST that `requests` would take three times the processor for; see `core/keepalive.py`. `timeout`: to
        connect, and for silence afterwards. Raises `NoAnswer`.
        """
        adapter: Any = getattr(self._local, "adapter", None)
        if adapter is None:
            adapter = self._local.adapter = _Adapter(self._network, self._idle_s)  # a session has two more, unused
        route = adapter.route(method, url)
        return send(route.pool, route.tunnel, route.start, headers, body, timeout)
