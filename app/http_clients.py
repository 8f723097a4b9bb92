"""The HTTP clients of the bot: one for Telegram, one for everything of the models, each by its own proxy."""

from __future__ import annotations

from dataclasses import dataclass

from config import Config
from core.http_client import HttpClient
from core.network import Network


@dataclass(frozen=True, slots=True)
class HttpClients:
    """`models`: for models, speech, images and credentials. `network` is the environment's, without the own proxies."""

    network: Network
    telegram: HttpClient
    models: HttpClient


def build_http_clients(config: Config, network: Network) -> HttpClients:
    """Build the clients. No network."""
    network = network.preferring(config.ip_family)
    return HttpClients(
        network=network,
        telegram=HttpClient(network.through(config.telegram_proxy)),
        models=HttpClient(network.through(config.model_proxy)),
    )
