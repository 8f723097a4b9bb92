"""YandexGPT's wire and credentials against the stand-in: headers, errors, tokens that are renewed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ai.error_mapping import read_error, retry_after_s
from ai.iam_token import Token, unix_time
from ai.provider import CallFailure, Credential
from core.errors import ModelAway, ModelBusy, ModelDenied, ModelError, ModelGone, ModelRefused, PromptTooLong
from core.http_client import HttpClient
from core.schemas import Message, Request
from sandbox.model_faults import Behaviour
from sandbox.models import FOLDER_ID, ModelServers
from tests.model_fixtures import REQUEST, Client, client, failures, last, models, together
from yandex_gpt import RenewedToken, YandexKeys, model_uri, native, yandex_credential

__all__ = ["client", "failures", "models"]


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Issuer:
    """Fetches tokens `t1`, `t2`, … in turn, or fails."""

    def __init__(self, clock: Clock, life_s: float = 43_200.0) -> None:
        self.clock = clock
        self.life_s = life_s
        self.fetched = 0
        self.error: ModelError | None = None
        self.gate: threading.Event | None = None
        self.entered = threading.Event()

    def __call__(self, timeout_s: float) -> Token:
        if self.gate is not None:
            self.entered.set()
            self.gate.wait(5)
        self.fetched += 1
        if self.error is not None:
            raise self.error
        return Token(f"t{self.fetched}", self.clock() + self.life_s)


@pytest.fixture(scope="module")
def key() -> tuple[str, str]:
    """Return a service account's private key, with the preamble that Yandex writes, and its public half."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <ajekey>\n{pem}", public.decode()


def write_key(path: Path, private: str) -> Path:
    path.write_text(json.dumps({"id": "ajekey", "service_account_id": "ajesa", "private_key": private}))
    return path


def addresses(models: ModelServers) -> dict[str, Any]:
    return {"iam_url": models.iam_url, "metadata_url": models.metadata_url}


def test_the_request_carries_what_yandex_asks_for(models: ModelServers, client: Client) -> None:
    client().ask(REQUEST)
    received = models.of("completion")[0]
    assert received.headers["x-data-logging-enabled"] == "false"
    assert len(received.headers["x-client-request-id"]) == 36
    assert received.headers["accept-encoding"] == "identity"
    assert "x-folder-id" not in received.headers
    assert received.body["completionOptions"] == {
        "stream": False,
        "temperature": 0.6,
        "maxTokens": "800",
        "reasoningOptions": {"mode": "DISABLED"},
    }


def test_model_uris_are_built_and_whole_ones_kept() -> None:
    assert model_uri("b1g", "yandexgpt-lite") == "gpt://b1g/yandexgpt-lite"
    assert model_uri("b1g", "yandexgpt/latest") == "gpt://b1g/yandexgpt/latest"
    assert model_uri("b1g", "ds://tuned") == "ds://tuned"


def test_the_way_of_a_model_that_nobody_described_is_told_by_its_name() -> None:
    assert native("yandexgpt/rc") and not native("gpt://b1g/aliceai-llm-flash") and not native("qwen3.6-35b-a3b")


@pytest.mark.parametrize(
    ("status", "body", "kind", "means"),
    [
        (429, '{"error":{"grpcCode":8,"httpCode":429,"message":"quota"}}', ModelBusy, 429),
        (400, '{"error":{"grpcCode":3,"httpCode":400,"message":"Specified folder ID \'x\' does"}}', ModelDenied, 400),
        (400, '{"error":{"grpcCode":3,"message":"number of input tokens must be no more than 1"}}', PromptTooLong, 400),
        (400, '{"error":{"grpcCode":3,"message":"text length is 349354, which is outside"}}', PromptTooLong, 400),
        (400, '{"error":{"grpcCode":3,"message":"invalid model_uri"}}', ModelGone, 400),
        (404, '{"error":{"message":"The model `x` does not exist or you do not have access to it"}}', ModelGone, 404),
        (
            404,
            '{"error":{"message":"model \\"x\\" not found, try pulling it first","type":"api_error"}}',
            ModelGone,
            404,
        ),
        (400, '{"error":{"message":"this model\'s maximum context length is 9"}}', PromptTooLong, 400),
        (400, '{"error":{"message":"Specified folder ID does not match the model_uri","code":3}}', ModelDenied, 400),
        (401, '{"error":{"grpcCode":16,"httpCode":401,"message":"The token is invalid"}}', ModelDenied, 401),
        (403, '{"error":{"grpcCode":7,"httpCode":403,"message":"Permission denied"}}', ModelDenied, 403),
        (400, '{"error":"invalid character","code":3,"message":"…","details":[]}', ModelError, 400),
        (500, '{"error":"Access to model denied","code":7}', ModelGone, 403),
        (400, '{"error":{"message":"bad","type":"invalid_request_error"}}', ModelError, 400),
        (401, '{"error_code":"UNAUTHORIZED","error_message":"…"}', ModelDenied, 401),
        (200, '{"error":{"grpcCode":14,"message":"later"}}', ModelAway, 503),
        (200, '{"error":{"message":"later","code":429}}', ModelBusy, 429),
        (200, '{"error":"boom"}', ModelAway, 500),
        (400, '{"error":{"code":400,"type":"exceed_context_size_error","message":"…","n_ctx":1}}', PromptTooLong, 400),
        (400, '{"error":{"code":"context_length_exceeded","message":"…"}}', PromptTooLong, 400),
        (400, '{"error":{"code":"content_policy_violation","message":"…"}}', ModelRefused, 400),
        (429, '{"error":{"code":"insufficient_quota","message":"…"}}', ModelDenied, 429),
        (
            400,  # LiteLLM without a database says so of a key that isn't its own
            '{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}',
            ModelDenied,
            400,
        ),
        (502, "<html>Bad gateway</html>", ModelAway, 502),
        (500, "[1]", ModelAway, 500),
        (302, "", ModelAway, 302),
        (404, "", ModelError, 404),
        (413, "", PromptTooLong, 413),
        (500, "[" * 100_000, ModelAway, 500),
    ],
)
def test_every_shape_of_error_is_read_by_its_code(status: int, body: str, kind: type[ModelError], means: int) -> None:
    error = read_error(status, {"x-request-id": "r1"}, body)
    assert (type(error), error.status, error.request_id) == (kind, means, "r1")


def test_a_pause_may_be_seconds_or_a_date() -> None:
    assert retry_after_s({"Retry-After": "7"}) == 7
    assert retry_after_s({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    assert retry_after_s({}) is retry_after_s({"Retry-After": "soon"}) is None


def test_half_a_surrogate_pair_in_a_text_is_no_reason_to_fail(client: Client) -> None:
    assert client().ask(Request((Message("user", "слово \ud83d"),), 50)).text


def test_a_static_token_is_not_renewed(models: ModelServers, client: Client) -> None:
    credential = yandex_credential(HttpClient(), YandexKeys(iam_token="t1.static"), **addresses(models))
    with pytest.raises(ModelDenied):
        client(credential).ask(REQUEST)
    assert (len(models.of("completion")), len(models.of("iam"))) == (1, 0)


def test_the_first_way_that_is_set_is_taken(models: ModelServers) -> None:
    everything: dict[str, Any] = {"api_key": "k", "iam_token": "t", "sa_key_file": "/nowhere", "oauth_token": "y0_x"}

    def credential(**without: str) -> Credential:
        return yandex_credential(HttpClient(), YandexKeys(**everything | without), **addresses(models))

    assert credential().header(1) == "Api-Key k"
    assert credential(api_key="").header(1) == "Bearer t"
    with pytest.raises(ModelDenied, match="can't be read"):
        credential(api_key="", iam_token="")
    assert models.requests == []


def test_an_authorized_key_becomes_a_token(
    models: ModelServers, client: Client, key: tuple[str, str], tmp_path: Path
) -> None:
    private, models.public_key = key
    credential = yandex_credential(
        HttpClient(), YandexKeys(sa_key_file=write_key(tmp_path / "key.json", private)), **addresses(models)
    )
    gpt = client(credential)
    assert gpt.ask(REQUEST).text and gpt.ask(REQUEST).text
    assert len(models.of("iam")) == 1


def test_a_foreign_key_is_denied(models: ModelServers, client: Client, key: tuple[str, str], tmp_path: Path) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = other.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    models.public_key = pem.decode()
    path = write_key(tmp_path / "key.json", key[0])
    with pytest.raises(ModelDenied) as caught:
        client(yandex_credential(HttpClient(), YandexKeys(sa_key_file=path), **addresses(models))).ask(REQUEST)
    assert (caught.value.status, len(models.of("iam")), models.of("completion")) == (401, 1, [])


@pytest.mark.parametrize("content", ["", "[]", '{"id": "x"}', '{"id":"x","service_account_id":"y","private_key":"z"}'])
def test_a_bad_key_file_is_denied_with_a_clear_sentence(content: str, models: ModelServers, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(content)
    with pytest.raises(ModelDenied, match="service account's"):
        yandex_credential(HttpClient(), YandexKeys(sa_key_file=path), **addresses(models)).header(1)
    assert models.requests == []


def test_oauth_works_and_warns(models: ModelServers, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    credential = yandex_credential(HttpClient(), YandexKeys(oauth_token="y0_sandboxtoken"), **addresses(models))
    assert "2026" in caplog.text and "y0_sandboxtoken" not in caplog.text
    assert client(credential).ask(REQUEST).text


def test_a_virtual_machine_needs_no_key(models: ModelServers, client: Client) -> None:
    assert client(yandex_credential(HttpClient(), YandexKeys(), **addresses(models))).ask(REQUEST).text
    assert len(models.of("metadata")) == 1


def test_a_refused_token_is_renewed_and_tried_once_more(
    models: ModelServers, client: Client, failures: list[CallFailure]
) -> None:
    gpt = client(yandex_credential(HttpClient(), YandexKeys(), **addresses(models)))
    gpt.ask(REQUEST)
    models.revoke_tokens()
    assert last(gpt.stream(REQUEST)).text
    assert [(failure.error.status, failure.healed) for failure in failures] == [(401, True)]
    assert len(models.of("metadata")) == 2


def test_a_second_401_is_final(models: ModelServers, client: Client) -> None:
    models.faults.default = Behaviour(status=401)
    with pytest.raises(ModelDenied):
        client(yandex_credential(HttpClient(), YandexKeys(), **addresses(models))).ask(REQUEST)
    assert len(models.of("completion")) == 2


def test_a_tokenizer_that_refuses_the_token_is_asked_with_a_new_one(models: ModelServers, client: Client) -> None:
    gpt = client(yandex_credential(HttpClient(), YandexKeys(), **addresses(models)))
    gpt.ask(REQUEST)
    models.revoke_tokens()
    estimate = gpt.estimate(REQUEST.messages)
    gpt.count(REQUEST.messages, near=estimate)
    assert (len(models.of("tokenizer")), len(models.of("metadata"))) == (2, 2)


@pytest.mark.parametrize("behaviour", [Behaviour(status=503, shape="text"), Behaviour(drop=True)])
def test_an_iam_that_stumbles_is_asked_again(behaviour: Behaviour, models: ModelServers, client: Client) -> None:
    models.faults.order(behaviour, kind="iam")
    assert (
        client(yandex_credential(HttpClient(), YandexKeys(oauth_token="y0_x"), **addresses(models))).ask(REQUEST).text
    )


@pytest.mark.parametrize("answer", ["{}", "[]", "nonsense", '{"iamToken":"t","expiresAt":"soon"}'])
def test_nonsense_from_iam_is_no_token(answer: str, models: ModelServers, client: Client) -> None:
    models.faults.rule = lambda received: Behaviour(text=answer) if received.kind != "completion" else None
    for oauth_token in ("y0_x", ""):
        with pytest.raises(ModelAway):
            client(yandex_credential(HttpClient(), YandexKeys(oauth_token=oauth_token), **addresses(models))).ask(
                REQUEST
            )
    assert models.of("completion") == []


def test_twenty_threads_without_a_token_fetch_one() -> None:
    issuer = Issuer(Clock())
    issuer.gate = threading.Event()
    credential = RenewedToken(issuer, clock=issuer.clock)
    threading.Timer(0.05, issuer.gate.set).start()
    assert together(20, lambda: credential.header(5)) == ["Bearer t1"] * 20
    assert issuer.fetched == 1


def test_twenty_threads_hear_of_one_failure() -> None:
    issuer = Issuer(Clock())
    issuer.gate, issuer.error = threading.Event(), ModelDenied("no", status=403)
    credential = RenewedToken(issuer, clock=issuer.clock)
    threading.Timer(0.3, issuer.gate.set).start()
    results = together(20, lambda: credential.header(5))
    assert {(type(error), error.status) for error in results} == {(ModelDenied, 403)}
    assert issuer.fetched <= 3  # those who came before the first failure hear of it


def test_while_one_thread_renews_the_others_use_the_old_token() -> None:
    issuer = Issuer(Clock())
    credential = RenewedToken(issuer, clock=issuer.clock)
    credential.header(1)
    issuer.clock.now += 3601
    issuer.gate = threading.Event()
    renewing = threading.Thread(target=credential.header, args=(5,))
    renewing.start()
    assert issuer.entered.wait(5)
    assert together(20, lambda: credential.header(5)) == ["Bearer t1"] * 20
    issuer.gate.set()
    renewing.join()
    assert (credential.header(1), issuer.fetched) == ("Bearer t2", 2)


@pytest.mark.parametrize(("life_s", "after_s"), [(43_200.0, 3601.0), (600.0, 481.0)])
def test_a_token_is_renewed_hourly_and_well_before_its_end(life_s: float, after_s: float) -> None:
    issuer = Issuer(Clock(), life_s)
    credential = RenewedToken(issuer, clock=issuer.clock)
    credential.header(1)
    issuer.clock.now += after_s - 2
    assert credential.header(1) == "Bearer t1"
    issuer.clock.now += 2
    assert credential.header(1) == "Bearer t2"


def test_a_failed_renewal_is_reported_and_the_old_token_used(failures: list[CallFailure]) -> None:
    issuer = Issuer(Clock())
    credential = RenewedToken(issuer, clock=issuer.clock, on_failure=failures.append)
    credential.header(1)
    issuer.clock.now += 4000
    issuer.error = ModelAway("down", status=503)
    assert [credential.header(1), credential.header(1)] == ["Bearer t1"] * 2
    assert (issuer.fetched, [(failure.purpose, failure.healed) for failure in failures]) == (2, [("iam", True)])
    issuer.clock.now += 40_000  # now it has ended
    with pytest.raises(ModelAway):
        credential.header(1)


def test_dropping_an_old_header_keeps_the_new_token() -> None:
    issuer = Issuer(Clock())
    credential = RenewedToken(issuer, clock=issuer.clock)
    old = credential.header(1)
    assert credential.drop(old)
    new = credential.header(1)
    assert credential.drop(old)
    assert credential.header(1) == new
    assert not credential.drop("")


def test_nanoseconds_are_trimmed() -> None:
    stamps: list[Callable[[], float]] = [
        lambda: unix_time("2026-10-01T12:00:00.123456789Z"),
        lambda: unix_time("2026-10-01T12:00:00Z"),
        lambda: unix_time("2026-10-01T15:00:00.1+03:00"),
    ]
    assert [int(stamp()) for stamp in stamps] == [1_790_856_000] * 3


def test_an_unknown_folder_is_denied(models: ModelServers, client: Client) -> None:
    models.folder_id = "b1gother"
    with pytest.raises(ModelDenied, match="folder"):
        client().ask(REQUEST)
    assert models.folder_id != FOLDER_ID
