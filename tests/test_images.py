"""Pictures over HTTP: both vendors, refusals, retries, the deadline, and addresses that lead nowhere good."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests
from PIL import Image, ImageStat

from ai.iam_token import Token
from ai.images import ImageGenerator, OpenAIImageGenerator, YandexImageGenerator, cut_prompt, image_error
from ai.provider import CallFailure, Credential, StaticCredential
from ai.retry import RetryPolicy
from core.cancellation import Cancel
from core.errors import ModelAway, ModelBusy, ModelCancelled, ModelDenied, ModelError, ModelGone, ModelRefused
from core.http_client import HttpClient
from sandbox.model_faults import Behaviour
from sandbox.models import API_KEY, FOLDER_ID, ModelServers
from sandbox.painter import draw
from tests.model_fixtures import eventually, failures, models
from yandex_gpt import RenewedToken

QUICK = RetryPolicy(backoff_s=0.01)

__all__ = ["failures", "models"]

PROMPT = "Картограф Веста на плече спящего великана, рассвет"
PNG = b"\x89PNG\r\n\x1a\n"
Make = Callable[..., ImageGenerator]


@pytest.fixture
def yandex(models: ModelServers, failures: list[CallFailure]) -> Make:
    def make(credential: Credential | None = None, **options: Any) -> ImageGenerator:
        settings: dict[str, Any] = {
            "on_failure": failures.append,
            "policy": QUICK,
            "timeout_s": 10.0,
        } | options
        key = credential or StaticCredential(f"Api-Key {API_KEY}")
        return YandexImageGenerator(FOLDER_ID, HttpClient(), key, base_url=models.openai_url, **settings)

    return make


@pytest.fixture
def openai(models: ModelServers, failures: list[CallFailure]) -> Make:
    def make(key: str = "", **options: Any) -> ImageGenerator:
        settings: dict[str, Any] = {
            "on_failure": failures.append,
            "policy": QUICK,
            "timeout_s": 10.0,
        } | options
        return OpenAIImageGenerator(
            models.openai_url, HttpClient(), StaticCredential(f"Bearer {key}" if key else ""), **settings
        )

    return make


def test_yandex_draws_for_its_folder_by_its_key(models: ModelServers, yandex: Make) -> None:
    assert yandex().paint(PROMPT).startswith(PNG)
    (received,) = models.of("image")
    assert received.body == {"model": "art://b1gsandbox/aliceai-image-art-3.0", "prompt": PROMPT, "size": "1024x1024"}
    assert received.headers["authorization"] == f"Bearer {API_KEY}"
    assert received.headers["openai-project"] == FOLDER_ID
    assert received.headers["x-data-logging-enabled"] == "false"


def test_another_server_is_asked_its_way(models: ModelServers, openai: Make) -> None:
    models.openai_keys = {"sk-right"}
    assert openai("sk-right", model="painter").paint(PROMPT).startswith(PNG)
    assert models.of("image")[0].body == {"model": "painter", "prompt": PROMPT, "n": 1, "size": "1024x1024"}
    with pytest.raises(ModelDenied) as caught:
        openai("sk-wrongwrongwrong").paint(PROMPT)
    assert "wrongwrong" not in f"{caught.value} {caught.value.body}"


def test_a_picture_that_comes_as_an_address_is_fetched_without_the_key(models: ModelServers, openai: Make) -> None:
    models.faults.order(Behaviour(by_address=True), kind="image")
    assert openai("sk-secret").paint(PROMPT).startswith(PNG)
    assert "authorization" not in models.of("picture")[0].headers


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/a.png",
        "data:image/png;base64,AAAA",
        "http:///a.png",
        "http://10.0.0.1/a.png",
        "http://169.254.169.254/computeMetadata/v1/",
        "http://[::1]/a.png",
        "http://[::ffff:127.0.0.2]/a.png",
        "http://localhost/a.png",
    ],
)
def test_an_address_in_a_private_network_is_never_asked(address: str, models: ModelServers, openai: Make) -> None:
    models.faults.order(Behaviour(text=json.dumps({"data": [{"url": address}]})), kind="image")
    with pytest.raises(ModelAway) as caught:
        openai().paint(PROMPT)
    assert caught.value.billed


def test_a_name_that_leads_into_a_private_network_is_sent_nothing(models: ModelServers, openai: Make) -> None:
    with socket.create_server(("127.0.0.2", 0)) as listener:
        listener.settimeout(5)
        # "127.2" is a name to a reader of addresses, and 127.0.0.2 to the resolver.
        url = f"http://127.2:{listener.getsockname()[1]}/a.png"
        models.faults.order(Behaviour(text=json.dumps({"data": [{"url": url}]})), kind="image")
        with pytest.raises(ModelAway, match="private network"):
            openai(policy=RetryPolicy(attempts=1)).paint(PROMPT)
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(100) == b""


def test_a_picture_that_does_not_come_is_billed_all_the_same(models: ModelServers, openai: Make) -> None:
    models.faults.order(Behaviour(by_address=True), Behaviour(by_address=True), kind="image")
    models.faults.order(Behaviour(status=404, shape="C"), Behaviour(text="<html>"), kind="picture")
    for kind in (ModelError, ModelAway):
        with pytest.raises(kind) as caught:
            openai().paint(PROMPT)
        assert caught.value.billed


def test_a_refusal_is_told_from_other_bad_requests(
    models: ModelServers, yandex: Make, failures: list[CallFailure]
) -> None:
    models.faults.order(Behaviour(end="filter"), kind="image")
    with pytest.raises(ModelRefused) as caught:
        yandex().paint(PROMPT, user_id=7, turn_id=70)
    assert (caught.value.status, caught.value.billed, len(models.of("image"))) == (400, False, 1)
    assert [(failure.purpose, failure.user_id, failure.turn_id, failure.healed) for failure in failures] == [
        ("image", 7, 70, False)
    ]
    with pytest.raises(ModelGone):
        yandex(model="no-such-model").paint(PROMPT)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"type": "invalid_request_error", "message": "no"}, ModelRefused),
        ({"type": "image_generation_user_error", "code": "moderation_blocked", "message": "no"}, ModelRefused),
        ({"type": "invalid_request_error", "code": "content_policy_violation", "message": "no"}, ModelRefused),
        ({"type": "invalid_request_error", "param": "prompt", "message": "no"}, ModelRefused),
        ({"type": "invalid_request_error", "param": "size", "message": "Invalid size"}, ModelError),
        ({"type": "invalid_request_error", "message": "The model 'x' does not exist"}, ModelGone),
        ({"type": "invalid_request_error", "message": "Failed to parse model URI"}, ModelGone),
        ({"type": "server_error", "message": "no"}, ModelError),
    ],
)
def test_what_a_bad_request_means(fields: dict[str, Any], kind: type[ModelError]) -> None:
    assert type(image_error(400, {}, json.dumps({"error": fields}))) is kind
    assert type(image_error(429, {}, json.dumps({"error": fields}))) in (ModelBusy, ModelRefused)
    assert type(image_error(400, {}, "[]")) is type(image_error(400, {}, "<html>")) is ModelError


@pytest.mark.parametrize("behaviour", [Behaviour(status=429), Behaviour(status=503), Behaviour(status=502)])
def test_what_is_safe_is_repeated_and_reported_as_healed(
    behaviour: Behaviour, models: ModelServers, yandex: Make, failures: list[CallFailure]
) -> None:
    models.faults.order(behaviour, behaviour, kind="image")
    assert yandex().paint(PROMPT)
    assert [(failure.attempt, failure.healed) for failure in failures] == [(1, True), (2, True)]


@pytest.mark.parametrize(
    ("behaviour", "kind", "tries"),
    [
        (Behaviour(status=429), ModelBusy, 3),
        (Behaviour(status=429, retry_after="3600"), ModelBusy, 1),
        (Behaviour(status=500), ModelAway, 1),
        (Behaviour(status=403), ModelDenied, 1),
        (Behaviour(drop=True), ModelAway, 1),
        (Behaviour(hang=True), ModelAway, 1),
        (Behaviour(text="nonsense"), ModelAway, 1),
        (Behaviour(text="[]"), ModelAway, 1),
        (Behaviour(text='{"data":[]}'), ModelAway, 1),
        (Behaviour(text='{"data":[{"b64_json":"%"}]}'), ModelAway, 1),
        (Behaviour(text='{"data":[{"b64_json":"PGh0bWw+"}]}'), ModelAway, 1),
        (Behaviour(text='{"error":{"message":"later","code":500}}'), ModelAway, 1),
    ],
)
def test_failures_are_told_apart_and_asked_again_so_often(
    behaviour: Behaviour,
    kind: type[ModelError],
    tries: int,
    models: ModelServers,
    yandex: Make,
    failures: list[CallFailure],
) -> None:
    models.faults.rule = lambda received: behaviour
    with pytest.raises(kind):
        yandex(timeout_s=0.3 if behaviour.hang else 10.0).paint(PROMPT)
    assert len(models.of("image")) == len(failures) == tries
    assert not any(failure.healed for failure in failures)


def test_an_answer_without_end_is_cut_off(models: ModelServers, yandex: Make) -> None:
    models.faults.order(Behaviour(text=" " * 9_000_000), kind="image")
    with pytest.raises(ModelAway, match="too large"):
        yandex().paint(PROMPT)


def test_a_token_that_is_refused_is_renewed_once(models: ModelServers, yandex: Make) -> None:
    credential = RenewedToken(lambda timeout_s: Token(models.issue_token(), 4e9))
    images = yandex(credential)
    assert images.paint(PROMPT)
    models.revoke_tokens()
    assert images.paint(PROMPT)
    assert len(models.of("image")) == 3
    models.faults.rule = lambda received: Behaviour(status=401)
    with pytest.raises(ModelDenied):
        images.paint(PROMPT)
    assert len(models.of("image")) == 5


def test_a_server_that_is_not_there_is_tried_three_times(failures: list[CallFailure]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    images = OpenAIImageGenerator(
        f"http://127.0.0.1:{port}/v1",
        HttpClient(),
        StaticCredential(""),
        on_failure=failures.append,
        policy=QUICK,
    )
    with pytest.raises(ModelAway) as caught:
        images.paint(PROMPT)
    assert (len(failures), caught.value.billed) == (3, False)


def test_painting_is_stopped_at_once(models: ModelServers, yandex: Make, failures: list[CallFailure]) -> None:
    cancel = Cancel()
    caught: list[BaseException] = []

    def paint() -> None:
        try:
            yandex(timeout_s=30.0).paint(PROMPT, cancel)
        except ModelCancelled as error:
            caught.append(error)

    models.faults.order(Behaviour(hang=True), kind="image")
    thread = threading.Thread(target=paint)
    thread.start()
    assert eventually(lambda: len(models.of("image")) == 1)
    cancel.set()
    thread.join(5)
    assert len(caught) == 1 and failures == []
    with pytest.raises(ModelCancelled):
        yandex().paint(PROMPT, cancel)
    assert len(models.of("image")) == 1


def test_a_long_prompt_loses_its_end(models: ModelServers, yandex: Make) -> None:
    assert yandex().paint("Туманный лес у моря. " * 60)
    sent = models.of("image")[0].body["prompt"]
    assert 450 < len(sent) <= 500 and sent.endswith("моря.")
    assert cut_prompt("слово " * 100, 50) == "слово слово слово слово слово слово слово слово"
    assert len(cut_prompt("щ" * 900, 500)) == 500
    assert cut_prompt("Лес\n\nу\nморя", 500) == "Лес у моря"
    assert cut_prompt(" ", 500) == ""


def test_the_stand_in_draws_a_picture_of_its_own_for_each_prompt() -> None:
    picture = draw(PROMPT, 64, 48)
    assert picture == draw(PROMPT, 64, 48) != draw("Другой", 64, 48)
    assert picture.startswith(PNG)
    with Image.open(io.BytesIO(picture)) as opened:
        assert (opened.format, opened.size) == ("PNG", (64, 48))


def test_the_stand_in_draws_by_the_genre() -> None:
    nights = [draw(f"Жанр: {genre}. Старик у окна", 64, 64) for genre in ("ужасы", "космос")]
    days = [draw(f"Genre: {genre}. An old man", 64, 64) for genre in ("comedy", "fairy tale")]
    assert max(map(brightness, nights)) < min(map(brightness, days))


def brightness(picture: bytes) -> float:
    with Image.open(io.BytesIO(picture)) as opened:
        return float(ImageStat.Stat(opened.convert("L")).mean[0])


@pytest.mark.parametrize(
    "changes", [{"model": ""}, {"prompt": ""}, {"size": "9x9"}, {"size": 1}, {"response_format": "b64_json"}]
)
def test_the_stand_in_refuses_what_the_real_one_refuses(changes: dict[str, Any], models: ModelServers) -> None:
    body = {"model": "any", "prompt": PROMPT, "size": "1024x1024"} | changes
    with requests.post(f"{models.openai_url}/images/generations", json=body, timeout=5) as response:
        assert response.status_code == 400
        assert response.json()["error"]["type"] == "invalid_request_error"
