"""SpeechKit is told the folder with a token that may be a user's: a service account has a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai.provider import StaticCredential
from ai.speech import SpeechRequest
from app.builders import load_catalogue
from app.model_lists import build_registry
from app.providers import Providers, build_providers
from config import Config
from core.http_client import HttpClient
from sandbox.models import API_KEY, FOLDER_ID, ModelServers
from tests.model_fixtures import models

__all__ = ["models"]

VOICE = (Path(__file__).parent / "voice.ogg").read_bytes()


def providers(models: ModelServers, **keys: str) -> Providers:
    environment = {
        "TELEGRAM_TOKEN": "123456:AAE-the-token-of-the-test-bot",
        "YANDEX_FOLDER_ID": FOLDER_ID,
        "YANDEX_STT_URL": models.stt_url,
        "YANDEX_TTS_URL": models.tts_url,
    }
    config = Config.from_env(environment | keys)
    http, credential = HttpClient(), StaticCredential(f"Api-Key {API_KEY}")
    registry = build_registry(config, load_catalogue(config), http, credential)
    return build_providers(config, http, registry, credential=credential, on_failure=lambda failure: None)


@pytest.mark.parametrize(
    ("keys", "folder"),
    [
        ({"YANDEX_OAUTH_TOKEN": "y0_a"}, FOLDER_ID),
        ({"YANDEX_IAM_TOKEN": "t1.a"}, FOLDER_ID),
        ({"YANDEX_IAM_TOKEN": "t1.a", "YANDEX_API_KEY": "k"}, None),
        ({"YANDEX_OAUTH_TOKEN": "y0_a", "YANDEX_SA_KEY_FILE": __file__}, None),
        ({"YANDEX_API_KEY": "k"}, None),
        ({}, None),
    ],
)
def test_only_a_users_token_names_the_folder(keys: dict[str, str], folder: str | None, models: ModelServers) -> None:
    made = providers(models, **keys)
    assert made.speech_to_text.recognise(SpeechRequest(VOICE, 4)) and made.text_to_speech.speak("Дождь.", "alena")
    assert {received.body.get("folderId") for received in models.of("stt")} == {folder}
    assert [received.headers.get("x-folder-id") for received in models.of("tts")] == [folder]
