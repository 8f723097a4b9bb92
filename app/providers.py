"""Who writes, draws, reads aloud and understands speech: the configured vendors, wired. Beside `bot.py` the only
module that names them.

Both may be configured at once. `MODEL_PROVIDER` says whose model is the default one, and whose pictures, voices and
recognition are asked for; every model of both is available, and its name picks the way it is asked. No network here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from ai.catalog import Catalogue, Model, ModelInfo, comparable
from ai.images import ImageGenerator, OpenAIImageGenerator, YandexImageGenerator
from ai.openai_speech import OpenAISpeechToText, OpenAITextToSpeech
from ai.openai_text import OpenAIProvider
from ai.provider import Credential, Static
from ai.registry import ModelRegistry, Server
from ai.speech import FirstAble, SpeechToText, TextToSpeech, YandexSpeechToText, YandexTextToSpeech
from config import Config
from core.http_client import Sessions
from gpt import CallFailure, ModelProvider
from yandex_gpt import YandexProvider, model_uri, native, yandex_credential

OnFault = Callable[[CallFailure], None]


@dataclass(frozen=True, slots=True)
class Vendors:
    """What the rooms are given of them."""

    registry: ModelRegistry
    wire: ModelProvider  # the default model's
    wire_of: Callable[[str], ModelProvider]  # a model's, by its name
    painter: ImageGenerator
    narrator: TextToSpeech
    recogniser: SpeechToText  # the default vendor's; the other one's for what that can't take


def make_vendors(config: Config, catalogue: Catalogue, sessions: Sessions, on_fault: OnFault) -> Vendors:
    """The configured vendors' ways of being asked."""
    wires: dict[tuple[str, str], ModelProvider] = {}
    server = None
    recognisers: list[SpeechToText] = []
    own = _openai_credential(config)
    if config.has_yandex:
        credential = _yandex_credential(config, sessions, on_fault)
        wires["yandex", "native"] = _yandex_wire(config, credential)
        wires["yandex", "openai"] = _yandex_openai_wire(config, credential, sessions)
        recognisers.append(YandexSpeechToText(sessions, credential, url=config.yandex_stt_url, on_fault=on_fault))
    if config.has_openai:
        wires["openai", "openai"] = openai_wire = _openai_wire(config, sessions)
        server = _server(config, catalogue, openai_wire)
        place = len(recognisers) if config.model_provider == "yandex" else 0
        recognisers.insert(place, OpenAISpeechToText(config.openai_base_url, sessions, own, on_fault=on_fault))
    if config.model_provider == "yandex":
        painter: ImageGenerator = YandexImageGenerator(
            config.yandex_folder_id, sessions, credential, base_url=config.yandex_openai_url, on_fault=on_fault
        )
        narrator: TextToSpeech = YandexTextToSpeech(sessions, credential, url=config.yandex_tts_url, on_fault=on_fault)
    else:
        painter = OpenAIImageGenerator(config.openai_base_url, sessions, own, on_fault=on_fault)
        narrator = OpenAITextToSpeech(config.openai_base_url, sessions, own, on_fault=on_fault)
    registry = _registry(config, catalogue, server)

    def wire_of(name: str) -> ModelProvider:
        model = registry.standing(name)
        return wires[model.vendor, model.api]

    return Vendors(registry, wire_of(""), wire_of, painter, narrator, FirstAble(recognisers))


# ---------------------------------------------------------------------- which models there are


def _registry(config: Config, catalogue: Catalogue, server: Server | None) -> ModelRegistry:
    fixed = [model for model in catalogue.models if model.vendor == "yandex"] if config.has_yandex else []
    if config.model_provider == "yandex":
        default = _yandex_default(catalogue, config.yandex_model)
        known = catalogue.find(config.yandex_model)
        place = fixed.index(known) if known in fixed else 0
        fixed[place : place + (known in fixed)] = [default]
    else:
        default = _of_the_server(config, catalogue, ModelInfo(config.openai_model))
        default = replace(default, context_tokens=config.openai_context_tokens)
    return ModelRegistry(fixed, default, server, answer_tokens=config.max_tokens_per_answer)


def _yandex_default(catalogue: Catalogue, name: str) -> Model:
    """The model that `YANDEX_MODEL` names, asked for by just that name; it may be one that nobody has described."""
    known = catalogue.find(name)
    if known is None or known.vendor != "yandex":
        return Model(name, name.rpartition("://")[2], "yandex", "native" if native(name) else "openai")
    return replace(known, name=name, aliases=(*known.aliases, known.name))


def _of_the_server(config: Config, catalogue: Catalogue, listed: ModelInfo) -> Model:
    """What is known of a model at `OPENAI_BASE_URL`: by the catalogue, else by the server's list."""
    known = catalogue.find(listed.name)
    context = listed.context_tokens or config.openai_context_tokens
    if known is None or known.vendor != "openai":
        return Model(listed.name, listed.name, "openai", "openai", context)
    return replace(known, name=listed.name)


def _server(config: Config, catalogue: Catalogue, wire: OpenAIProvider) -> Server:
    described = [model for model in catalogue.models if model.vendor == "openai"]
    if config.openai_model and all(comparable(config.openai_model) not in model.names for model in described):
        described.insert(0, _of_the_server(config, catalogue, ModelInfo(config.openai_model)))
    # A name and a password before the host stay out of what is shown and kept.
    scheme, _, rest = config.openai_base_url.partition("://")
    address = f"{scheme}://{rest.rpartition('@')[2]}"
    return Server(address, wire.models, partial(_of_the_server, config, catalogue), tuple(described))


# ---------------------------------------------------------------------- how they are asked


def _yandex_credential(config: Config, sessions: Sessions, on_fault: OnFault) -> Credential:
    return yandex_credential(
        sessions,
        api_key=config.yandex_api_key,
        iam_token=config.yandex_iam_token,
        sa_key_file=config.yandex_sa_key_file or "",
        oauth_token=config.yandex_oauth_token,
        iam_url=config.yandex_iam_url,
        metadata_url=config.yandex_metadata_url,
        on_fault=on_fault,
    )


def _yandex_wire(config: Config, credential: Credential) -> YandexProvider:
    return YandexProvider(config.yandex_folder_id, credential, model=config.yandex_model, url=config.yandex_llm_url)


def _yandex_openai_wire(config: Config, credential: Credential, sessions: Sessions) -> OpenAIProvider:
    return OpenAIProvider(
        config.yandex_openai_url,
        sessions,
        credential=credential,
        model=config.yandex_model,
        sent_as=partial(model_uri, config.yandex_folder_id),
        project=config.yandex_folder_id,
        stream_options=False,
    )


def _openai_credential(config: Config) -> Credential:
    return Static(f"Bearer {config.openai_api_key}" if config.openai_api_key else "")


def _openai_wire(config: Config, sessions: Sessions) -> OpenAIProvider:
    return OpenAIProvider(
        config.openai_base_url, sessions, credential=_openai_credential(config), model=config.openai_model
    )
