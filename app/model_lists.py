"""Which models there are: what each configured vendor lists, and what the catalog says of it. No network here."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Final

from ai.catalog import CONTEXT_TOKENS, PIXELS_PER_TOKEN, Catalogue, Model, ModelInfo, comparable
from ai.openai_text import OpenAIProvider
from ai.provider import Credential
from ai.registry import ModelRegistry, Server
from ai.server_address import ServerAddress
from app.providers import openai_provider, yandex_openai_provider
from config import Config
from core.errors import ModelAway
from core.http_client import HttpClient
from yandex_gpt import model_in, native

# What a folder lists beside its models that chat, and versions that are about to go.
_NOT_OFFERED: Final = re.compile(r"^(?!gpt)\w+://|/deprecated$")


def build_registry(config: Config, catalogue: Catalogue, http: HttpClient, credential: Credential) -> ModelRegistry:
    """Build the registry of models that users may choose. `credential`: Yandex's. No network."""
    if config.model_provider == "yandex":
        default = yandex_default(catalogue, config.yandex_model)
    else:
        default = _of_the_server(config, catalogue, ModelInfo(config.openai_model))
        default = replace(default, context_tokens=config.openai_context_tokens)
    servers = []
    if config.has_yandex:
        servers.append(_folder(config, catalogue, default, yandex_openai_provider(config, credential, http)))
    if config.has_openai:
        servers.append(_server(config, catalogue, openai_provider(config, http)))
    return ModelRegistry(default, servers, answer_tokens=config.max_tokens_per_answer)


def _folder(config: Config, catalogue: Catalogue, default: Model, provider: OpenAIProvider) -> Server:
    """Return Yandex's server: what the folder offers, described by the catalog, which counts until it has told."""
    yandex = [model for model in catalogue.models if model.vendor == "yandex"]
    places = {name: place for place, model in enumerate(yandex) for name in model.names}

    def ask() -> list[ModelInfo]:
        named = [replace(each, name=model_in(config.yandex_folder_id, each.name)) for each in provider.models()]
        chatting = [each for each in named if not _NOT_OFFERED.search(each.name)]
        if not chatting:
            raise ModelAway("the folder's list has no model that chats")
        return sorted(chatting, key=lambda each: places.get(comparable(each.name), len(places)))

    def describe(listed: ModelInfo) -> Model:
        known = catalogue.find(listed.name)
        if known is None or known.vendor != "yandex":
            name = listed.name
            known = Model(name, name.rpartition("://")[2], "yandex", "openai", listed.context_tokens or CONTEXT_TOKENS)
        return default if comparable(known.name) in default.names and default.vendor == "yandex" else known

    assumed = tuple(describe(ModelInfo(model.name)) for model in yandex)
    return Server(f"gpt://{config.yandex_folder_id}", ask, describe, assumed, complete=True)


def yandex_default(catalogue: Catalogue, name: str) -> Model:
    """Return the model that `YANDEX_MODEL` names, called by just that name; it need not be in the catalog."""
    known = catalogue.find(name)
    if known is None or known.vendor != "yandex":
        return Model(name, name.rpartition("://")[2], "yandex", "native" if native(name) else "openai")
    return replace(known, name=name, aliases=(*known.aliases, known.name))


def _of_the_server(config: Config, catalogue: Catalogue, listed: ModelInfo) -> Model:
    """Return what is known of a model at `OPENAI_BASE_URL`: by the catalog, else by the server's list."""
    known = catalogue.find(listed.name)
    context = listed.context_tokens or config.openai_context_tokens
    if known is None or known.vendor != "openai":
        pixels = 0 if listed.pictures is False else PIXELS_PER_TOKEN
        return Model(listed.name, listed.name, "openai", "openai", context, pixels_per_token=pixels)
    return replace(known, name=listed.name, context_tokens=min(known.context_tokens, listed.context_tokens or context))


def _server(config: Config, catalogue: Catalogue, provider: OpenAIProvider) -> Server:
    described = [model for model in catalogue.models if model.vendor == "openai"]
    if config.openai_model and all(comparable(config.openai_model) not in model.names for model in described):
        described.insert(0, _of_the_server(config, catalogue, ModelInfo(config.openai_model)))
    address = ServerAddress.read(config.openai_base_url).base  # shown and stored: without a name and password
    describe = partial(_of_the_server, config, catalogue)
    return Server(address, provider.models, describe, tuple(described), provider.slots)
