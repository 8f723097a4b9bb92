"""Every body that is sent to Yandex, parsed strictly by the official protos."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf.json_format import ParseDict
from yandex.cloud.ai.foundation_models.v1.text_generation import text_generation_service_pb2 as texts
from yandex.cloud.iam.v1 import iam_token_service_pb2 as iam

from ai.provider import StaticCredential
from core.http_client import HttpClient
from core.schemas import Json, Message, Request
from sandbox.models import FOLDER_ID, ModelServers
from tests.model_fixtures import REQUEST, YANDEX_MODEL, Client, client, failures, last, models
from tests.test_yandex_gpt import addresses, key, write_key
from yandex_gpt import YandexKeys, YandexProvider, yandex_credential

__all__ = ["client", "failures", "key", "models"]

PROVIDER = YandexProvider("b1g", StaticCredential(""), model=YANDEX_MODEL, url="https://llm.example")
SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {"options": {"type": "array", "items": {"type": "string"}, "minItems": 3}},
    "required": ["options"],
}


def test_a_completion_means_in_the_proto_what_was_asked() -> None:
    request = Request(REQUEST.messages, 800, 0.7, "yandexgpt/latest", SCHEMA)
    call = PROVIDER.completion(request, stream=True, timeout_s=1)
    parsed = ParseDict(call.body, texts.CompletionRequest())
    assert parsed.model_uri == "gpt://b1g/yandexgpt/latest"
    assert parsed.completion_options.stream is True
    assert parsed.completion_options.max_tokens.value == 800
    assert parsed.completion_options.temperature.value == 0.7
    assert [(message.role, message.text) for message in parsed.messages] == [
        (message.role, message.text) for message in REQUEST.messages
    ]
    assert parsed.json_schema.schema["required"][0] == "options"


@pytest.mark.parametrize("temperature", [-1.0, 0.0, 0.8, 3.0])
def test_the_temperature_keeps_to_what_is_allowed(temperature: float) -> None:
    call = PROVIDER.completion(Request(REQUEST.messages, 1, temperature), stream=False, timeout_s=1)
    parsed = ParseDict(call.body, texts.CompletionRequest())
    assert 0 <= parsed.completion_options.temperature.value <= 1


def test_everything_on_the_wire_passes_the_protos(
    models: ModelServers, client: Client, key: tuple[str, str], tmp_path: Path
) -> None:
    path = write_key(tmp_path / "key.json", key[0])
    gpt = client(yandex_credential(HttpClient(), YandexKeys(sa_key_file=path), **addresses(models)))
    last(gpt.stream(REQUEST))
    gpt.ask(Request((Message("user", "Придумай три поступка."),), 200, json_schema=SCHEMA, purpose="suggestions"))
    gpt.count(REQUEST.messages, near=gpt.estimate(REQUEST.messages))
    client(yandex_credential(HttpClient(), YandexKeys(oauth_token="y0_x"), **addresses(models))).ask(REQUEST)
    protos = {"completion": texts.CompletionRequest, "tokenizer": texts.CompletionRequest}
    for received in models.requests:
        parsed = ParseDict(received.body, protos.get(received.kind, iam.CreateIamTokenRequest)())
        assert parsed.ByteSize() > 0
    assert [received.kind for received in models.requests] == [
        *("iam", "completion", "completion", "tokenizer", "iam", "completion")
    ]
    assert all(FOLDER_ID in received.body["modelUri"] for received in models.requests if received.kind != "iam")


def test_the_stand_ins_answers_pass_the_protos_too(models: ModelServers) -> None:
    from sandbox import yandex_api

    state = yandex_api.result("Дождь.", "TRUNCATED_FINAL", 10)["result"]
    assert ParseDict(state, texts.CompletionResponse()).usage.input_text_tokens == 10
    assert len(ParseDict(yandex_api.tokenized("Дождь."), texts.TokenizeResponse()).tokens) == 3
