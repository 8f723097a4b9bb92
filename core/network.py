"""The way to other machines: proxies and certificate authorities, as the environment names them.

A proxy for one service (`TELEGRAM_PROXY`, `MODEL_PROXY`) goes over these: `Network.through`.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import certifi

from core.addresses import Addresses
from core.env_parsers import DIRECT, PROXY_SCHEMES, proxy_address
from core.errors import ConfigError, raise_disk_failure

_GENERAL_SCHEMES: Final = (*PROXY_SCHEMES, "socks4", "socks4a")  # what requests takes
_CA_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@dataclass(frozen=True, slots=True)
class Network:
    """Proxies and certificate authorities; by default no proxy and the public authorities."""

    http_proxy: str = field(default="", repr=False)  # may hold a password
    https_proxy: str = field(default="", repr=False)
    no_proxy: tuple[str, ...] = ()
    ca_bundle: str = ""  # a file or a directory
    addresses: Addresses = field(default_factory=Addresses, repr=False, compare=False)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Network:
        """Read the variables that curl and requests read. Raise ConfigError for those that can't be used."""

        def first(*names: str) -> tuple[str, str]:
            return next(((name, env[name].strip()) for name in names if env.get(name, "").strip()), ("", ""))

        faults: list[str] = []

        def proxy(*names: str) -> str:
            name, text = first(*names)
            try:
                return proxy_address(text if "://" in text else f"http://{text}", _GENERAL_SCHEMES) if text else ""
            except ValueError as error:
                faults.append(f"{name}: {error}.")
                return ""

        ca_variable, ca_bundle = first(*_CA_VARIABLES)
        try:
            tls_context(ca_bundle)
        except OSError as error:  # ssl.SSLError is one
            raise_disk_failure(Path(ca_bundle or certifi.where()), error)
            reason = f"{ca_variable}: {ca_bundle} can't be read as certificates ({error.strerror or error})."
            faults.append(f"{reason} Give it a PEM file, or unset it.")
        both = proxy("all_proxy", "ALL_PROXY")
        network = cls(
            http_proxy=proxy("http_proxy", "HTTP_PROXY") or both,
            https_proxy=proxy("https_proxy", "HTTPS_PROXY") or both,
            no_proxy=tuple(first("no_proxy", "NO_PROXY")[1].lower().replace(",", " ").split()),
            ca_bundle=ca_bundle,
        )
        if faults:
            raise ConfigError(faults)
        return network

    @property
    def secrets(self) -> tuple[str, ...]:
        """Passwords of the proxies."""
        return (*passwords_in(self.http_proxy), *passwords_in(self.https_proxy))

    def preferring(self, family: str) -> Network:
        """Return a network that tries addresses of this family (`4`, `6`) first; `any`: in DNS's order."""
        return replace(self, addresses=Addresses(family))

    def through(self, proxy: str) -> Network:
        """Return a network with this proxy instead of the environment's; empty keeps these, `direct` is none."""
        if not proxy:
            return self
        chosen = "" if proxy == DIRECT else proxy
        return replace(self, http_proxy=chosen, https_proxy=chosen)

    def proxy_for(self, url: str) -> str:
        """Return the proxy for `url`; empty: none. Loopback and link-local addresses never have one.

        Raise ValueError for what is no URL.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        proxy = self.https_proxy if parts.scheme == "https" else self.http_proxy
        if not proxy or _is_local(host) or any(_matches(host, parts.port, entry) for entry in self.no_proxy):
            return ""
        return proxy


def passwords_in(address: str) -> tuple[str, ...]:
    """Return the password in an address, as it is written and as it is sent; nothing if there is none."""
    with suppress(ValueError):
        password = urlsplit(address).password or ""
        return tuple({password, unquote(password)} - {""})
    return ()


def without_login(address: str) -> str:
    """Return an address without name, password and path, to be shown."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _is_local(host: str) -> bool:
    with suppress(ValueError):
        address = ip_address(host)
        return address.is_loopback or address.is_link_local
    return host == "localhost"


def _matches(host: str, port: int | None, entry: str) -> bool:
    """Return True if an entry of NO_PROXY (`*`, a network, or a domain with or without a port) covers the host."""
    if entry == "*":
        return True
    with suppress(ValueError):
        return ip_address(host) in ip_network(entry, strict=False)
    name, _, wanted_port = entry.removeprefix("*").lstrip(".").partition(":")
    return bool(name) and (host == name or host.endswith(f".{name}")) and wanted_port in ("", str(port))


@lru_cache(maxsize=8)
def tls_context(ca_bundle: str = "") -> ssl.SSLContext:
    """Return the process's one TLS context for these authorities.

    A context of its own costs a connection 17 ms and 0.7 MiB, the shared one 1.3 ms and 0.04 MiB.
    """
    path = ca_bundle or certifi.where()
    folder = Path(path).is_dir()
    context = ssl.create_default_context(capath=path) if folder else ssl.create_default_context(cafile=path)
    context.set_alpn_protocols(["http/1.1"])
    return context
