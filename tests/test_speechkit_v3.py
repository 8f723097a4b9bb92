"""SpeechKit's synthesis: API v3 with its voices and roles, v1 where v3 is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests
from google.protobuf.json_format import ParseDict
from yandex.cloud.ai.tts.v3 import tts_pb2 as tts

from ai.learned import LearnedModels
from ai.opus_splitter import read
from ai.provider import CallFailure, StaticCredential
from ai.speechkit import VOICES, YandexTextToSpeech
from core.cancellation import Cancel
from core.errors import ModelAway, ModelCancelled, ModelDenied, ModelError
from core.http_client import HttpClient
from sandbox import speech_api
from sandbox.model_faults import Behaviour
from sandbox.model_server import SPEECH_V3
from sandbox.models import API_KEY, ModelServers
from sandbox.recording import record, words_in
from tests.model_fixtures import QUICK, failures, models

__all__ = ["failures", "models"]
KEY = StaticCredential(f"Api-Key {API_KEY}")
V1 = "/speech/v1/tts:synthesize"
TEXT = "Веста шла по плечу великана и считала шаги."


def speech(models: ModelServers, learned: LearnedModels | None = None, **options: Any) -> YandexTextToSpeech:
    return YandexTextToSpeech(HttpClient(), KEY, url=models.tts_url, learned=learned, policy=QUICK, **options)


def paths(models: ModelServers) -> list[str]:
    return [received.path for received in models.of("tts")]


def test_a_text_is_read_aloud_by_v3(models: ModelServers) -> None:
    (voice,) = speech(models).speak(TEXT, "kirill")
    assert words_in(voice) == TEXT
    (received,) = models.of("tts")
    assert received.path == SPEECH_V3 and received.headers["authorization"] == f"Api-Key {API_KEY}"
    assert received.headers["x-data-logging-enabled"] == "false"
    asked = ParseDict(received.body, tts.UtteranceSynthesisRequest())
    assert asked.text == TEXT and asked.unsafe_mode
    assert [hint.WhichOneof("Hint") for hint in asked.hints] == ["voice", "role"]
    assert asked.output_audio_spec.container_audio.container_audio_type == tts.ContainerAudio.OGG_OPUS


@pytest.mark.parametrize("voice", VOICES)
def test_every_voice_is_known_to_both_versions_with_its_role(voice: str, models: ModelServers) -> None:
    assert speech(models).speak("Дождь.", voice)
    models.speech_v3 = False
    assert speech(models).speak("Дождь.", voice)
    assert paths(models) == [SPEECH_V3, SPEECH_V3, V1]


def test_several_streams_become_one_recording_that_plays_to_its_end(models: ModelServers) -> None:
    models.faults.order(Behaviour(streams=3), kind="tts")
    (voice,) = speech(models).speak(TEXT, "dasha")
    assert words_in(voice) == TEXT
    assert voice.count(b"OpusHead") == 1
    assert read(voice).seconds == pytest.approx(3 * 2.0, abs=0.2)  # each stream plays two seconds


def test_a_long_text_goes_in_pieces_that_lose_no_word(models: ModelServers) -> None:
    text = "\n\n".join(" ".join([TEXT] * 20) for _ in range(8))
    voices = speech(models).speak(text, "marina")
    pieces = [received.body["text"] for received in models.of("tts")]
    assert len(voices) == len(pieces) == 2 and "\n\n".join(pieces) == text
    assert all(len(piece) <= 5000 for piece in pieces)


def test_nothing_to_say_is_no_recording(models: ModelServers) -> None:
    assert speech(models).speak("…", "marina") == [] == speech(models).speak(" \n", "marina")
    assert speech(models).speak("Дождь \ud83d", "marina")


def test_v1_reads_where_v3_is_refused_and_that_is_remembered(models: ModelServers) -> None:
    models.speech_v3 = False
    learned = LearnedModels()
    assert speech(models, learned).speak(TEXT, "marina_whisper")
    assert speech(models, learned).speak(TEXT, "kirill")
    assert paths(models) == [SPEECH_V3, V1, V1]
    whisper, kirill = models.of("tts")[1:]
    assert (whisper.body["voice"], whisper.body["emotion"]) == ("marina", "whisper")
    assert kirill.body["voice"] == "ermil" and "emotion" not in kirill.body  # v1 doesn't have this voice
    later = LearnedModels()
    later.recall(learned.dump())
    assert speech(models, later).speak(TEXT, "marina") and paths(models)[3:] == [V1]


def test_a_long_text_for_v1_is_cut_to_its_limit_of_bytes(models: ModelServers) -> None:
    models.speech_v3 = False
    text = "\n\n".join(" ".join([TEXT] * 20) for _ in range(8))
    voices = speech(models).speak(text, "filipp")
    forms = [received.body for received in models.of("tts") if received.path == V1]
    assert len(voices) == len(forms) >= 3 and all(form["size"] <= 15_000 for form in forms)
    assert "\n\n".join(form["text"] for form in forms) == text
    assert len(speech(models, LearnedModels()).speak("word " * 1900, "filipp")) == 2
    assert len(speech(models, LearnedModels()).speak("\U0001f600" * 4000, "filipp")) > 2


def test_a_credential_that_both_refuse_is_told_as_v3_says(models: ModelServers, failures: list[CallFailure]) -> None:
    models.faults.rule = lambda received: Behaviour(status=403, message=f"no role for {received.path}")
    with pytest.raises(ModelDenied, match=SPEECH_V3):
        speech(models, on_failure=failures.append).speak(TEXT, "marina")
    models.faults.rule = None
    assert speech(models).speak(TEXT, "marina")
    assert paths(models) == [SPEECH_V3, V1, SPEECH_V3]  # nothing was learned of it


def test_a_stop_while_v1_is_asked_is_a_stop(models: ModelServers) -> None:
    models.speech_v3, cancel = False, Cancel()
    models.faults.rule = lambda received: (
        (cancel.set() or Behaviour(status=429, retry_after="9")) if received.path == V1 else None  # type: ignore[func-returns-value]
    )
    with pytest.raises(ModelCancelled):
        speech(models).speak(TEXT, "marina", cancel)
    assert paths(models) == [SPEECH_V3, V1]


def test_v3_is_tried_again_where_v1_is_gone(models: ModelServers) -> None:
    learned = LearnedModels()
    learned.add(models.tts_url, "no_speech_v3")
    models.faults.rule = lambda received: Behaviour(status=404) if received.path == V1 else None
    assert speech(models, learned).speak(TEXT, "marina")
    assert paths(models) == [V1, SPEECH_V3]


@pytest.mark.parametrize(
    "body",
    [
        '{"result":null}',
        '{"result":{"audioChunk":{"data":"!"}}}',
        '{"result":{"audioChunk":{}}}',
        '{"result":{"audioChunk":{"data":"UklGRg=="}}}',
        '{"result":{"chunkType":"TEXT_ONLY","audioChunk":null}}',
        "nonsense",
    ],
)
def test_what_is_no_speech_is_a_failure_that_may_be_billed(body: str, models: ModelServers) -> None:
    models.faults.order(Behaviour(text=body), kind="tts")
    with pytest.raises(ModelAway) as caught:
        speech(models).speak(TEXT, "marina")
    assert caught.value.billed and len(paths(models)) == 1


def test_an_error_after_the_first_audio_is_an_error(models: ModelServers) -> None:
    chunk = base64.b64encode(record("раз", 2.0)).decode()
    lines = [{"result": {"audioChunk": {"data": chunk}}}, {"error": {"grpcCode": 13, "message": "boom"}}]
    for told, billed in ((lines, True), (lines[1:], False)):
        models.faults.order(Behaviour(text="\n".join(map(json.dumps, told))), kind="tts")
        with pytest.raises(ModelError, match="boom") as caught:
            speech(models).speak(TEXT, "marina")
        assert caught.value.billed is billed


def test_a_users_token_names_its_folder(models: ModelServers) -> None:
    assert speech(models, folder_id="b1g").speak(TEXT, "marina")
    models.speech_v3 = False
    assert speech(models, folder_id="b1g").speak(TEXT, "marina")
    third, _, first = models.of("tts")
    assert third.headers["x-folder-id"] == "b1g" and first.body["folderId"] == "b1g"


def test_the_stand_ins_answer_passes_the_protos() -> None:
    asked = {
        "text": TEXT,
        "hints": [{"voice": "marina"}],
        "outputAudioSpec": {"containerAudio": {"containerAudioType": "OGG_OPUS"}},
    }
    results = [json.loads(line)["result"] for line in speech_api.utterances(asked).splitlines()]
    parsed = [ParseDict(result, tts.UtteranceSynthesisResponse()) for result in results]
    assert b"".join(chunk.audio_chunk.data for chunk in parsed).startswith(b"OggS")
    assert parsed[-1].chunk_type == tts.UtteranceSynthesisResponse.TEXT_ONLY


@pytest.mark.parametrize(
    "change",
    [
        {"text": ""},
        {"text": "а" * 251, "unsafeMode": False},
        {"text": "а" * 5001},
        {"hints": [{"voice": "marina", "role": "whisper"}]},
        {"hints": [{"voice": "nobody"}]},
        {"hints": [{"voice": "filipp"}, {"role": "whisper"}]},
        {"outputAudioSpec": {}},
        {"surplus": 1},
    ],
)
def test_the_stand_in_refuses_what_the_real_one_refuses(change: dict[str, Any], models: ModelServers) -> None:
    asked = {
        "text": TEXT,
        "hints": [{"voice": "marina"}],
        "outputAudioSpec": {"containerAudio": {"containerAudioType": "OGG_OPUS"}},
        "unsafeMode": True,
    }
    address, headers = f"{models.url}{SPEECH_V3}", {"Authorization": f"Api-Key {API_KEY}"}
    with requests.post(address, json=asked, headers=headers, timeout=5) as response:
        assert response.status_code == 200
    with requests.post(address, json=asked | change, headers=headers, timeout=5) as response:
        assert response.status_code == 400 and "error" in response.json()
