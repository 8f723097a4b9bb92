"""Parsers of environment variables, used by `config.py`: the text of one variable in, its value out.

A ValueError says what is wrong in words that follow the variable's name. It quotes only the start of the value, which
may be a secret in the wrong line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from core.errors import raise_disk_failure

PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
DIRECT: Final = "direct"  # the value that asks for no proxy
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


_NO_PROXY: Final = (
    "write it as scheme://host:port, with a login as scheme://name:password@host:port; "
    "in a name or a password @ : / # % are %40 %3A %2F %23 %25"
)


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise ValueError(f"{_quoted(text)} is not a whole number")
        if not low <= int(text) <= high:
            raise ValueError(f"{text} is not between {low} and {high}")
        return int(text)

    return read


def number(low: float, high: float) -> Callable[[str], float]:
    """Return a parser of numbers from `low` to `high`, with or without a decimal point."""

    def read(text: str) -> float:
        if not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", text):
            raise ValueError(f"{_quoted(text)} is not a number such as 1 or 0.5")
        if not low <= float(text) <= high:
            raise ValueError(f"{text} is not between {low:g} and {high:g}")
        return float(text)

    return read


def choice(*choices: str) -> Callable[[str], str]:
    """Return a parser of one of `choices`; case doesn't matter."""

    def read(text: str) -> str:
        found = {item.lower(): item for item in choices}.get(text.lower())
        if found is None:
            raise ValueError(f"{_quoted(text)} is none of {', '.join(choices)}")
        return found

    return read


def matching(pattern: str, wrong: str) -> Callable[[str], str]:
    """Return a parser of texts that match `pattern`; `wrong` is the error, which doesn't quote the value."""

    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(wrong)
        return text

    return read


word = matching(r"\S+", "it has spaces inside")
key = matching(r"[!-~]+", "it has spaces or letters that no key has")
token = matching(r"[0-9]+:[A-Za-z0-9_-]{20,}", "it doesn't look like 123456789:AAE…, 20 or more after the colon")


def url(text: str) -> str:
    """Parse an HTTP address; drop its trailing slash."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a broken IPv6 address
        usable = False
    if not usable or not re.fullmatch(r"[!-~]+", text) or "#" in text:
        raise ValueError(f"{_quoted(text)} is not an address that begins with https:// or http://")
    return text.rstrip("/")


def public_url(text: str) -> str:
    """Parse an address that Telegram opens: HTTPS, or HTTP on this machine."""
    address = url(text)
    if address.lower().startswith("http:") and urlsplit(address).hostname not in LOOPBACK:
        raise ValueError("Telegram opens https:// only (http:// is taken for localhost)")
    return address


def proxy(text: str) -> str:
    """Parse the address of a proxy with its port, or `direct`. No error shows any of it: it may hold a password."""
    if text.lower() == DIRECT:
        return DIRECT
    address = proxy_address(text, PROXY_SCHEMES)
    if urlsplit(address).port is None:
        raise ValueError("its port is missing: write it as scheme://host:port")
    return address


def proxy_address(text: str, schemes: Collection[str]) -> str:
    """Parse the address of a proxy of these schemes."""
    try:
        parts = urlsplit(text)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a broken IPv6 address
        raise ValueError(_NO_PROXY) from None
    if parts.scheme == "tg" or parts.hostname in ("t.me", "telegram.me"):
        raise ValueError("an MTProto proxy serves Telegram's apps only; a bot needs an HTTP or SOCKS5 proxy")
    if parts.scheme == "socks":
        raise ValueError("write socks5h:// for SOCKS")
    if "://" not in text or not usable or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(_NO_PROXY)
    if parts.scheme not in schemes:
        raise ValueError(f"it begins with none of {', '.join(f'{scheme}://' for scheme in schemes)}")
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError(_NO_PROXY)
    return text.rstrip("/")


def user_ids(text: str) -> frozenset[int]:
    """Parse Telegram user ids, separated by commas or spaces."""
    words = [item for item in re.split(r"[\s,;]+", text) if item]
    for item in words:
        if not re.fullmatch(r"[1-9][0-9]{0,17}", item):
            raise ValueError(f"{_quoted(item)} is not a user id")
    return frozenset(int(item) for item in words)


def path(text: str) -> Path:
    """Parse a path, which need not exist."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"there is no home folder of {_quoted(text)}") from None


def file(text: str) -> Path:
    """Parse the path of a file that this process can read."""
    found = path(text)
    try:
        if not found.is_file():
            raise ValueError(f"there is no file {text}")
        found.open("rb").close()
    except OSError as error:
        raise_disk_failure(found, error)
        raise ValueError(f"{text} can't be read ({error.strerror})") from error
    return found


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 16 else text[:15] + "…")
