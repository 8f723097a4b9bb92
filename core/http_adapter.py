"""The way from `requests` to urllib3's connections: shared TLS, proxies, and what is read of a call, prepared once."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from requests.adapters import HTTPAdapter

from core.addresses import Addresses
from core.http_connection import WatchedConnection
from core.network import Network, tls_context


class Adapter(HTTPAdapter):
    """Prepares for a call only what is read of it: for each, `requests` parses the address seven times.

    `answer` makes urllib3's answer of the standard library's.
    """

    def __init__(self, network: Network, idle_s: float, answer: Callable[[http.client.HTTPResponse], Any]) -> None:
        self._answer = answer
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
                pool.ConnectionCls = _connection_class(pool.ConnectionCls, self._idle_s, self._addresses, self._answer)
        return pool

    def request_url(self, request: Any, proxies: Any) -> str:
        return super().request_url(request, proxies) if proxies["http"] else str(request.path_url)

    def build_response(self, req: Any, resp: Any) -> Any:
        """Return urllib3's answer as it is: `requests` would make a jar of cookies for it."""
        return resp


@lru_cache(maxsize=16)
def _connection_class(
    base: type, idle_s: float, addresses: Addresses, answer: Callable[[http.client.HTTPResponse], Any]
) -> type:
    own = None if "socks" in base.__name__.lower() else addresses  # such a proxy looks the address up
    members = {"idle_s": idle_s, "addresses": own, "answer": staticmethod(answer)}
    return type(base.__name__, (WatchedConnection, base), members)
