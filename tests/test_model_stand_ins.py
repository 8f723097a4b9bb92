"""The local models themselves: they refuse what the real ones refuse."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
import requests

from sandbox.model_faults import Behaviour
from sandbox.models import API_KEY, FOLDER_ID, ModelServers
from sandbox.recording import record
from tests.model_fixtures import eventually, models, together

__all__ = ["models"]

KEY = {"Authorization": f"Api-Key {API_KEY}"}


def body(**changes: Any) -> dict[str, Any]:
    return {
        "modelUri": f"gpt://{FOLDER_ID}/yandexgpt-lite",
        "completionOptions": {"stream": False, "temperature": 0.3, "maxTokens": "100"},
        "messages": [{"role": "user", "text": "Дождь"}],
    } | changes


def ask(
    models: ModelServers, sent: Any, headers: Mapping[str, str] = KEY, path: str = "completion"
) -> requests.Response:
    address = f"{models.llm_url}/foundationModels/v1/{path}"
    data = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    return requests.Session().post(address, data=data, headers=dict(headers), timeout=5, stream=True)


def options(**changes: Any) -> dict[str, Any]:
    return body(completionOptions=changes)


def said(text: Any, role: str = "user") -> dict[str, Any]:
    return body(messages=[{"role": role, "text": text}])


@pytest.mark.parametrize(
    ("sent", "status", "told"),
    [
        (body(modelUri="gpt://b1gother/yandexgpt"), 400, "does not match with service account folder"),
        (body(modelUri="yandexgpt"), 400, "Failed to parse model URI"),
        (body(modelUri=""), 400, "invalid model_uri"),
        (body(modelUri=f"gpt://{FOLDER_ID}/no-such-model"), 404, "not found"),
        (body(surplus=1), 400, "unknown field"),
        (body(messages=[]), 400, "empty"),
        (said(""), 400, "outside the range"),
        (said("д" * 100_001), 400, "text length is 100001"),
        (said("да " * 33_000), 400, "number of input tokens"),
        (said("Дождь", "bot"), 400, "unknown role"),
        (body(messages=[{"role": "user", "content": "Дождь"}]), 400, "unknown field"),
        (options(maxTokens="много"), 400, "maxTokens"),
        (options(maxTokens=1.5), 400, "maxTokens"),
        (options(maxTokens="0"), 400, "positive"),
        (options(temperature=1.5), 400, "temperature"),
        (options(stream="yes"), 400, "stream"),
        (body(jsonSchema={"type": "object"}), 400, "json_schema"),
        (b"{nonsense}", 400, "invalid character"),
    ],
)
def test_bad_requests_are_refused(sent: Any, status: int, told: str, models: ModelServers) -> None:
    response = ask(models, sent)
    assert response.status_code == status
    assert told in response.text


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Api-Key wrong"}, {"Authorization": "Bearer t1.x"}, {"Authorization": "x"}]
)
def test_wrong_credentials_are_refused(headers: dict[str, str], models: ModelServers) -> None:
    response = ask(models, body(), headers)
    assert (response.status_code, response.json()["error"]["grpcCode"]) == (401, 16)


def test_an_int_is_taken_for_max_tokens_too(models: ModelServers) -> None:
    assert ask(models, options(maxTokens=50)).status_code == 200


def test_a_stream_comes_chunk_by_chunk_on_a_connection_that_stays(models: ModelServers) -> None:
    models.faults.default = Behaviour(text="Дождь шёл и шёл.", chunks=3, chunk_s=0.05)
    session = requests.Session()
    arrived = []
    for _ in range(2):
        address = f"{models.llm_url}/foundationModels/v1/completion"
        with session.post(address, json=options(stream=True), headers=KEY, timeout=5, stream=True) as response:
            lines = []
            for line in response.iter_lines(chunk_size=None):
                lines.append(json.loads(line)["result"]["alternatives"][0])
                arrived.append(time.monotonic())
        assert [line["status"][19:] for line in lines] == ["PARTIAL", "PARTIAL", "FINAL"]
        assert lines[0]["message"]["text"] in lines[1]["message"]["text"]
    assert arrived[2] - arrived[0] >= 0.08
    assert len(session.adapters["http://"].poolmanager.pools) == 1  # type: ignore[attr-defined]


def test_the_tokenizer_answers_bare(models: ModelServers) -> None:
    value = ask(models, {"modelUri": "gpt://x/y", "text": "Дождь, снег"}, path="tokenize").json()
    assert [token["text"] for token in value["tokens"]] == ["Дож", "дь", ",", "снег"]


def test_a_generation_too_many_is_refused(models: ModelServers) -> None:
    models.quota = 2
    models.faults.default = Behaviour(first_chunk_s=0.5)
    statuses = together(4, lambda: ask(models, options(stream=True)).status_code)
    assert sorted(statuses) == [200, 200, 429, 429]
    assert models.peak == 2
    assert eventually(lambda: models.in_flight == 0)


def test_the_metadata_service_wants_its_header(models: ModelServers) -> None:
    address = f"{models.metadata_url}/computeMetadata/v1/instance/service-accounts/default/token"
    assert requests.Session().get(address, timeout=5).status_code == 403


def test_an_unknown_address_is_404(models: ModelServers) -> None:
    assert requests.Session().get(f"{models.url}/nothing", timeout=5).status_code == 404


def test_a_rule_decides_where_nothing_is_queued(models: ModelServers) -> None:
    models.faults.rule = lambda received: Behaviour(status=503) if "снег" in str(received.body) else None
    assert [ask(models, said(text)).status_code for text in ("Дождь", "снег")] == [200, 503]


# The OpenAI way


def openai(models: ModelServers, path: str, **sent: Any) -> requests.Response:
    headers = sent.pop("headers", {})
    return requests.Session().post(f"{models.openai_url}{path}", json=sent, headers=headers, timeout=5, stream=True)


HELLO = [{"role": "user", "content": "Привет"}]


@pytest.mark.parametrize(
    ("sent", "status", "told"),
    [
        ({"model": "any"}, 400, "too short"),
        ({"model": "no-such-model", "messages": HELLO}, 404, "does not exist"),
        ({"model": "any", "messages": HELLO, "temperature": 3}, 400, "temperature"),
        ({"model": "any", "messages": HELLO, "max_tokens": 0}, 400, "max_tokens"),
        ({"model": "any", "messages": HELLO, "stream_options": {}}, 400, "stream_options"),
        ({"model": "any", "messages": [{"role": "user", "content": "да " * 9000}]}, 400, "context size"),
        ({"model": f"gpt://{FOLDER_ID}/aliceai-llm-flash", "messages": HELLO}, 401, "invalid"),
    ],
)
def test_the_openai_way_refuses_in_its_own_shape(
    sent: dict[str, Any], status: int, told: str, models: ModelServers
) -> None:
    response = openai(models, "/chat/completions", **sent)
    assert response.status_code == status
    assert told in response.json()["error"]["message"]


def yandex(models: ModelServers, **more: Any) -> requests.Response:
    sent = {"model": f"gpt://{FOLDER_ID}/aliceai-llm-flash", "messages": HELLO, "stream": True} | more
    key = {"Authorization": f"Bearer {API_KEY}", "OpenAI-Project": FOLDER_ID}
    return openai(models, "/chat/completions", headers=key, **sent)


def test_yandexs_compatible_api_has_its_quirks(models: ModelServers) -> None:
    lines = [line.removeprefix(b"data: ") for line in yandex(models).iter_lines() if line]
    events = [json.loads(line) for line in lines[:-1]]
    assert [event["choices"][0]["delta"] for event in events[:2]] == [{"role": "assistant"}, {}]
    assert events[-1]["choices"] == [] and events[-1]["usage"]["total_tokens"] > 0
    assert lines[-1] == b"[DONE]"
    for name, value in (("stop", ["."]), ("seed", 1), ("stream_options", {"include_usage": True})):
        assert name in yandex(models, **{name: value}).json()["error"]["message"]


def test_models_of_the_openai_way_are_unknown_to_the_native_api(models: ModelServers) -> None:
    refused = ask(models, body(modelUri=f"gpt://{FOLDER_ID}/aliceai-llm-flash"))
    assert refused.status_code == 404
    assert ask(models, body(modelUri=f"gpt://{FOLDER_ID}/aliceai-llm/latest")).status_code == 200


def test_models_are_listed_each_servers_own_way(models: ModelServers) -> None:
    session = requests.Session()
    names = [model["id"] for model in session.get(f"{models.openai_url}/models", timeout=5).json()["data"]]
    assert len(names) >= 3 and names[0] == "sandbox-storyteller"
    headers = {"Authorization": f"Bearer {API_KEY}", "OpenAI-Project": FOLDER_ID}
    listed = session.get(f"{models.openai_url}/models", headers=headers, timeout=5).json()["data"]
    assert f"gpt://{FOLDER_ID}/qwen3.6-35b-a3b/latest" in [model["id"] for model in listed]


def transcribed(models: ModelServers, audio: bytes, name: str = "voice.ogg", **form: str) -> requests.Response:
    form = {"model": "whisper-1", "response_format": "json"} | form
    address = f"{models.openai_url}/audio/transcriptions"
    return requests.Session().post(address, data=form, files={"file": (name, audio)}, timeout=5)


def recognised(models: ModelServers, audio: bytes) -> requests.Response:
    address = f"{models.stt_url}/speech/v1/stt:recognize?lang=ru-RU&topic=general&format=oggopus"
    return requests.Session().post(address, data=audio, headers=KEY, timeout=5)


def test_both_vendors_hear_what_a_recording_says_unless_told_otherwise(models: ModelServers) -> None:
    audio = record("Пусть герой откроет дверь", 12)
    assert recognised(models, audio).json() == {"result": "Пусть герой откроет дверь"}
    assert transcribed(models, audio, language="ru").json() == {"text": "Пусть герой откроет дверь"}
    assert "result" not in recognised(models, record("")).json()
    models.faults.order(Behaviour(heard="иначе"), kind="stt")
    assert recognised(models, audio).json() == {"result": "иначе"}


def test_recordings_that_are_too_long_too_large_or_none_are_refused(models: ModelServers) -> None:
    assert "shorter than 30 s" in recognised(models, record("долго", 31)).json()["error_message"]
    assert "1 MB" in recognised(models, record("да", 29) + b"0" * 1024 * 1024).json()["error_message"]
    assert "Ogg/Opus" in recognised(models, b"MP3").json()["error_message"]
    assert transcribed(models, record("долго", 31)).json() == {"text": "долго"}
    for bad in ({"name": "voice.txt"}, {"language": "russian"}, {"response_format": "vtt"}, {"surplus": "1"}):
        assert transcribed(models, record("да"), **bad).status_code == 400
