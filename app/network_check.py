"""What `--check` says about the way to Telegram and to the models: proxies, names that DNS must know, and the clock."""

from __future__ import annotations

import socket
from contextlib import closing, suppress
from typing import Final
from urllib.parse import urlsplit

from ai.server_address import ServerAddress
from app.http_clients import HttpClients
from config import Config
from core.clock import HINT, ServerClock
from core.errors import ConfigError, NoAnswer
from core.network import without_login

LOOK_S: Final = 5.0


def ways(config: Config, http: HttpClients) -> str:
    """Return by which proxies Telegram and the models are reached. Raise ConfigError for an unknown host."""
    said, unknown = [], []
    for whose, url, proxy in (
        ("Telegram", config.telegram_api_url, config.telegram_proxy),
        ("models", _model_url(config), config.model_proxy),
    ):
        address = http.network.through(proxy).proxy_for(url)
        said.append(f"{whose} by {without_login(address)}" if address else f"{whose} directly")
        host = urlsplit(address or url).hostname or ""
        try:
            socket.getaddrinfo(host, None)
        except (OSError, UnicodeError) as error:
            unknown.append(f"DNS finds no address of {host} ({getattr(error, 'strerror', None) or error})")
    if unknown:
        raise ConfigError(["; ".join(dict.fromkeys(unknown))])
    return ", ".join(said)


def clock(config: Config, http: HttpClients, telegram: ServerClock) -> str:
    """Compare this machine's clock with Telegram's, which a call has told, and the model server's.

    Raise ConfigError if it is wrong.
    """
    model = ServerClock("the model server's")
    with suppress(NoAnswer), closing(http.models.send("GET", _model_url(config), {}, None, (LOOK_S, LOOK_S))) as answer:
        model.heard(answer.headers.get("Date", ""))
    problem = telegram.problem() or model.problem()
    if problem:
        raise ConfigError([f"{problem}: {HINT}"])
    told = [whose for whose, by in (("Telegram's", telegram), ("the model server's", model)) if by.behind_s is not None]
    return f"as {' and '.join(told)}" if told else "no server has told the time"


def _model_url(config: Config) -> str:
    """Return the address of the default model's server, without a name and password."""
    if config.model_provider == "yandex":
        return config.yandex_llm_url
    return ServerAddress.read(config.openai_base_url).base
