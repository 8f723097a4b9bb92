"""The configured vendors of text, images and speech. Beside `app/model_lists.py` the only module that names them.

Both may be configured at once. `MODEL_PROVIDER` says whose model is the default one, and whose images, voices and
recognition are used; every model of both can be chosen, and its name decides how it is called. No network here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ai import model_habits
from ai.images import ImageGenerator, OpenAIImageGenerator, YandexImageGenerator
from ai.learned import LearnedModels
from ai.openai_speech import OpenAISpeechToText, OpenAITextToSpeech
from ai.openai_text import Dialect, OpenAIProvider
from ai.provider import CallFailure, Credential, ModelProvider, StaticCredential
from ai.registry import ModelRegistry
from ai.server_address import ServerAddress
from ai.speech import FallbackSpeechToText, SpeechToText, TextToSpeech
from ai.speechkit import YandexSpeechToText, YandexTextToSpeech
from config import Config
from core.http_client import HttpClient
from yandex_gpt import YandexKeys, YandexProvider, model_uri, yandex_credential

OnFailure = Callable[[CallFailure], None]


@dataclass(frozen=True, slots=True)
class Providers:
    """The configured vendors' services."""

    default: ModelProvider  # of the default model
    of_model: Callable[[str], ModelProvider]  # by a model's name
    images: ImageGenerator
    text_to_speech: TextToSpeech
    speech_to_text: SpeechToText  # the default vendor's, with the other one for what it can't take
    learned: LearnedModels  # what the language models have shown of themselves


def build_providers(
    config: Config, http: HttpClient, registry: ModelRegistry, *, credential: Credential, on_failure: OnFailure
) -> Providers:
    """Build a provider for each way that a model or service is called. `credential`: Yandex's. No network."""
    text: dict[tuple[str, str], ModelProvider] = {}  # by vendor and API
    recognisers: list[SpeechToText] = []
    own = ServerAddress.read(config.openai_base_url).credential(config.openai_api_key)
    learned = LearnedModels()
    speech_folder = config.yandex_folder_id if _yandex_keys(config).may_need_folder else ""
    if config.has_yandex:
        text["yandex", "native"] = _yandex_provider(config, credential, learned)
        text["yandex", "openai"] = yandex_openai_provider(config, credential, http, learned)
        recognisers.append(
            YandexSpeechToText(
                http, credential, url=config.yandex_stt_url, folder_id=speech_folder, on_failure=on_failure
            )
        )
    if config.has_openai:
        text["openai", "openai"] = openai_provider(config, http, learned)
        place = len(recognisers) if config.model_provider == "yandex" else 0
        recognisers.insert(place, OpenAISpeechToText(config.openai_base_url, http, own, on_failure=on_failure))
    if config.model_provider == "yandex":
        images: ImageGenerator = YandexImageGenerator(
            config.yandex_folder_id, http, credential, base_url=config.yandex_openai_url, on_failure=on_failure
        )
        voice: TextToSpeech = YandexTextToSpeech(
            http,
            credential,
            url=config.yandex_tts_url,
            folder_id=speech_folder,
            learned=learned,
            on_failure=on_failure,
        )
    else:
        images = OpenAIImageGenerator(config.openai_base_url, http, own, on_failure=on_failure)
        voice = OpenAITextToSpeech(config.openai_base_url, http, own, on_failure=on_failure)

    def of_model(name: str) -> ModelProvider:
        model = registry.standing(name)
        return text[model.vendor, model.api]

    return Providers(of_model(""), of_model, images, voice, FallbackSpeechToText(recognisers), learned)


# ---------------------------------------------------------------------- how they are called


def build_credential(config: Config, http: HttpClient, on_failure: OnFailure) -> Credential:
    """Return Yandex's credential; an empty one without a folder. No network. Raise ModelDenied for a bad key file."""
    if not config.has_yandex:
        return StaticCredential("")
    return yandex_credential(
        http,
        _yandex_keys(config),
        iam_url=config.yandex_iam_url,
        metadata_url=config.yandex_metadata_url,
        on_failure=on_failure,
    )


def _yandex_keys(config: Config) -> YandexKeys:
    return YandexKeys(
        api_key=config.yandex_api_key,
        iam_token=config.yandex_iam_token,
        sa_key_file=config.yandex_sa_key_file or "",
        oauth_token=config.yandex_oauth_token,
    )


def _yandex_provider(config: Config, credential: Credential, learned: LearnedModels) -> YandexProvider:
    return YandexProvider(
        config.yandex_folder_id, credential, model=config.yandex_model, url=config.yandex_llm_url, learned=learned
    )


def yandex_openai_provider(
    config: Config, credential: Credential, http: HttpClient, learned: LearnedModels | None = None
) -> OpenAIProvider:
    return OpenAIProvider(
        config.yandex_openai_url,
        http,
        credential=credential,
        model=config.yandex_model,
        dialect=Dialect(
            sent_as=partial(model_uri, config.yandex_folder_id),
            project=config.yandex_folder_id,
            always=frozenset({model_habits.NO_STREAM_OPTIONS}),
            reasons=True,
        ),
        learned=learned,
    )


def openai_provider(config: Config, http: HttpClient, learned: LearnedModels | None = None) -> OpenAIProvider:
    return OpenAIProvider(
        config.openai_base_url, http, api_key=config.openai_api_key, model=config.openai_model, learned=learned
    )
