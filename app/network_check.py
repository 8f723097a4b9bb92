"""What `--check` says about the way to Telegram and to the models: proxies, and names that DNS must know."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from config import Config
from core.network import Network, without_login


def ways(config: Config, network: Network) -> str:
    """Return by which proxies Telegram and the models are reached. Raise OSError if DNS doesn't know their hosts."""
    model_url = config.yandex_llm_url if config.model_provider == "yandex" else config.openai_base_url
    said, unknown = [], []
    for whose, url, proxy in (
        ("Telegram", config.telegram_api_url, config.telegram_proxy),
        ("models", model_url, config.model_proxy),
    ):
        address = network.through(proxy).proxy_for(url)
        said.append(f"{whose} by {without_login(address)}" if address else f"{whose} directly")
        host = urlsplit(address or url).hostname or ""
        try:
            socket.getaddrinfo(host, None)
        except (OSError, UnicodeError) as error:
            unknown.append(f"DNS finds no address of {host} ({getattr(error, 'strerror', None) or error})")
    if unknown:
        raise OSError("; ".join(dict.fromkeys(unknown)))
    return ", ".join(said)
