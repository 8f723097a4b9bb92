"""`GPT` over real HTTP: streams, deadlines, cancelling, what is repeated and what never is, counting."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import certifi
import pytest

from ai.provider import CallFailure, StaticCredential
from ai.retry import RetryPolicy
from core.cancellation import Cancel
from core.errors import ModelAway, ModelBusy, ModelCancelled, ModelDenied, ModelError, PromptTooLong
from core.http_client import HttpClient
from core.network import Network
from core.schemas import Finish, Message, Request
from gpt import GPT, is_stock_refusal
from sandbox.model_answers import STOCK_REFUSAL
from sandbox.model_faults import Behaviour
from sandbox.models import FOLDER_ID, ModelServers
from tests.model_fixtures import REQUEST, YANDEX_MODEL, Client, client, eventually, failures, last, models, together
from yandex_gpt import YandexProvider

__all__ = ["client", "failures", "models"]


def test_a_stream_grows_and_ends_with_finish_and_usage(models: ModelServers, client: Client) -> None:
    models.faults.order(Behaviour(text="Дождь шёл третий день. Веста молчала.", chunks=4))
    chunks = list(client().stream(REQUEST))
    assert [len(chunk.text) for chunk in chunks] == sorted(len(chunk.text) for chunk in chunks)
    assert [chunk.finish for chunk in chunks] == [None, None, None, Finish.STOP]
    assert chunks[-1].text == "Дождь шёл третий день. Веста молчала."
    assert chunks[-1].usage and chunks[-1].usage.total > 0 and not chunks[-1].usage.estimated


def test_a_rewritten_stream_replaces_what_was_said(models: ModelServers, client: Client) -> None:
    models.faults.order(Behaviour(text="Дождь шёл третий день.", rewrites=True, chunks=3))
    texts = [chunk.text for chunk in client().stream(REQUEST)]
    assert texts[0].endswith("…")
    assert texts[-1] == "Дождь шёл третий день."


def test_unicode_line_breaks_inside_a_text_do_not_break_lines(models: ModelServers, client: Client) -> None:
    text = "Дождь.\u2028Снег.\u0085Град.\u2029Конец дня."
    models.faults.order(Behaviour(text=text), Behaviour(text=text))
    assert last(client().stream(REQUEST)).text == text
    assert client().ask(REQUEST).text == text


def test_ask_returns_the_whole_answer_with_its_request_id(client: Client) -> None:
    answer = client().ask(REQUEST)
    assert "Веста" in answer.text
    assert answer.request_id.startswith("sandbox-")
    assert answer.finish is Finish.STOP


def test_usage_is_estimated_where_the_vendor_gives_none(models: ModelServers, client: Client) -> None:
    models.faults.default = Behaviour(usage=False)
    usage = last(client().stream(REQUEST)).usage
    assert usage and usage.estimated and usage.input > 0 and usage.output > 0
    assert client().ask(REQUEST).usage.estimated


@pytest.mark.parametrize("end", ["filter", "silent_filter"])
def test_a_refusal_is_known_with_and_without_its_status(end: Any, models: ModelServers, client: Client) -> None:
    models.faults.default = Behaviour(end=end)
    assert last(client().stream(REQUEST)).finish is Finish.REFUSED
    assert client().ask(REQUEST).finish is Finish.REFUSED


def test_only_a_whole_stock_sentence_is_a_refusal() -> None:
    assert is_stock_refusal(STOCK_REFUSAL)
    assert is_stock_refusal("В интернете есть много сайтов с информацией на эту тему.")
    assert is_stock_refusal("«Я не могу обсуждать эту тему.»")
    assert not is_stock_refusal("— Я не могу обсуждать эту тему, — сказала Веста и отвернулась.")
    assert not is_stock_refusal("Я не могу обсуждать эту тему. Дождь шёл третий день.")


def test_an_answer_that_was_cut_at_max_tokens_says_so(client: Client) -> None:
    request = Request(REQUEST.messages, max_tokens=20)
    assert last(client().stream(request)).finish is Finish.LENGTH
    assert client().ask(request).finish is Finish.LENGTH


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(garbage_after=0),
        Behaviour(garbage_after=2),
        Behaviour(cut_after=2),
        Behaviour(cut_after=0),
        Behaviour(empty_alternatives=True),
        Behaviour(text=""),
        Behaviour(text="\n \n"),
    ],
)
@pytest.mark.parametrize("streamed", [True, False])
def test_nonsense_is_no_answer_and_is_not_asked_for_again(
    behaviour: Behaviour, streamed: bool, models: ModelServers, client: Client, failures: list[CallFailure]
) -> None:
    models.faults.order(behaviour)
    with pytest.raises(ModelAway) as caught:
        last(client().stream(REQUEST)) if streamed else client().ask(REQUEST)
    assert caught.value.billed
    assert len(models.of("completion")) == 1
    assert [(failure.healed, failure.user_id, failure.turn_id) for failure in failures] == [(False, 7, 70)]


@pytest.mark.parametrize(
    ("code", "kind"), [(13, ModelAway), (8, ModelBusy), (14, ModelAway), (3, ModelError), (7, ModelDenied)]
)
@pytest.mark.parametrize("shape", ["A", "B"])
def test_an_error_under_200_in_the_middle_is_an_error(
    code: int, kind: type[ModelError], shape: Any, models: ModelServers, client: Client
) -> None:
    models.faults.order(Behaviour(error_after=2, code=code, shape=shape))
    seen = []
    with pytest.raises(kind) as caught:
        for chunk in client().stream(REQUEST):
            seen.append(chunk)
    assert type(caught.value) is kind
    assert len(seen) == 2
    assert len(models.of("completion")) == 1  # words were shown: never again
    assert caught.value.request_id.startswith("sandbox-")


def test_an_error_under_200_before_the_first_word_is_tried_again(models: ModelServers, client: Client) -> None:
    models.faults.order(Behaviour(error_after=0, code=8), Behaviour(error_after=0, code=14))
    assert last(client().stream(REQUEST)).finish is Finish.STOP
    assert len(models.of("completion")) == 3


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("streamed", [True, False])
def test_a_passing_failure_heals_and_is_reported(
    status: int, streamed: bool, models: ModelServers, client: Client, failures: list[CallFailure]
) -> None:
    models.faults.order(Behaviour(status=status, shape="text"), Behaviour(status=status))
    text = last(client().stream(REQUEST)).text if streamed else client().ask(REQUEST).text
    assert text
    assert [(failure.attempt, failure.healed) for failure in failures] == [(1, True), (2, True)]
    assert len(models.of("completion")) == 3


def test_tries_are_bounded(models: ModelServers, client: Client, failures: list[CallFailure]) -> None:
    models.faults.default = Behaviour(status=503)
    with pytest.raises(ModelAway) as caught:
        last(client().stream(REQUEST))
    assert caught.value.status == 503
    assert len(models.of("completion")) == 3
    assert [failure.healed for failure in failures] == [False, False, False]


def test_no_connection_is_tried_again_and_is_not_billed(client: Client, failures: list[CallFailure]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gpt = GPT(
            YandexProvider(
                FOLDER_ID,
                StaticCredential("Api-Key x"),
                model=YANDEX_MODEL,
                url=f"http://127.0.0.1:{closed.getsockname()[1]}",
            ),
            HttpClient(),
            on_failure=failures.append,
            policy=RetryPolicy(backoff_s=0.01),
        )
        with pytest.raises(ModelAway) as caught:
            gpt.ask(REQUEST)
    assert (caught.value.billed, len(failures)) == (False, 3)


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (Behaviour(status=400, message="number of input tokens must be no more than 32768, got 59830"), PromptTooLong),
        (Behaviour(status=400), ModelError),
        (Behaviour(status=401), ModelDenied),
        (Behaviour(status=403, shape="B"), ModelDenied),
        (Behaviour(status=500), ModelAway),
        (Behaviour(status=501), ModelAway),
    ],
)
def test_what_would_fail_again_is_asked_once(
    behaviour: Behaviour, kind: type[ModelError], models: ModelServers, client: Client
) -> None:
    models.faults.default = behaviour
    with pytest.raises(kind) as caught:
        client().ask(REQUEST)
    assert type(caught.value) is kind
    assert caught.value.status == behaviour.status
    assert len(models.of("completion")) == 1


def test_a_broken_connection_after_the_request_left_may_be_billed_and_is_not_repeated(
    models: ModelServers, client: Client
) -> None:
    models.faults.order(Behaviour(drop=True))
    with pytest.raises(ModelAway) as caught:
        client().ask(REQUEST)
    assert caught.value.billed
    assert len(models.of("completion")) == 1


def test_retry_after_is_honoured(models: ModelServers, client: Client, failures: list[CallFailure]) -> None:
    models.faults.order(Behaviour(status=429, retry_after="0.2"))
    began = time.monotonic()
    client().ask(REQUEST)
    assert time.monotonic() - began >= 0.2
    assert isinstance(failures[0].error, ModelBusy) and failures[0].error.retry_after_s == 0.2


def test_a_vendor_that_asks_for_too_long_a_pause_is_not_waited_for(models: ModelServers, client: Client) -> None:
    models.faults.order(Behaviour(status=429, retry_after="3600"))
    with pytest.raises(ModelBusy):
        client().ask(REQUEST)
    assert len(models.of("completion")) == 1


@pytest.mark.parametrize(
    "behaviour", [Behaviour(hang=True), Behaviour(hang_after=0), Behaviour(hang_after=2), Behaviour(first_chunk_s=9)]
)
@pytest.mark.parametrize("streamed", [True, False])
def test_silence_ends_at_the_deadline(
    behaviour: Behaviour, streamed: bool, models: ModelServers, client: Client
) -> None:
    if not streamed and behaviour.hang_after is not None:
        behaviour = Behaviour(hang=True)
    models.faults.order(behaviour)
    gpt = client(timeout_s=0.3)
    began = time.monotonic()
    with pytest.raises(ModelAway) as caught:
        last(gpt.stream(REQUEST)) if streamed else gpt.ask(REQUEST)
    assert 0.25 <= time.monotonic() - began < 8
    assert caught.value.billed
    assert len(models.of("completion")) == 1


def test_a_slow_drip_ends_at_the_deadline_too(models: ModelServers, client: Client) -> None:
    models.faults.order(Behaviour(text="слово " * 200, chunks=200, chunk_s=0.05))
    began = time.monotonic()
    with pytest.raises(ModelAway):
        last(client(timeout_s=0.4).stream(REQUEST))
    assert time.monotonic() - began < 8


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(hang=True),
        Behaviour(hang_after=0),
        Behaviour(hang_after=2),
        Behaviour(first_chunk_s=9),
        Behaviour(status=429, retry_after="9"),
    ],
)
@pytest.mark.parametrize("streamed", [True, False])
def test_cancelling_ends_a_call_at_once_wherever_it_waits(
    behaviour: Behaviour, streamed: bool, models: ModelServers, client: Client
) -> None:
    if not streamed and behaviour.hang_after is not None:
        behaviour = Behaviour(hang=True)
    models.faults.order(behaviour)
    gpt, cancel, ended = client(), Cancel(), []

    def run() -> None:
        try:
            last(gpt.stream(REQUEST, cancel)) if streamed else gpt.ask(REQUEST, cancel)
        except ModelError as error:
            ended.append((time.monotonic(), error))

    thread = threading.Thread(target=run)
    thread.start()
    assert eventually(lambda: len(models.of("completion")) == 1)
    time.sleep(0.05)  # let it get to where it waits
    cancelled_at = time.monotonic()
    cancel.set()
    thread.join()
    ended_at, error = ended[0]
    assert isinstance(error, ModelCancelled)
    assert ended_at - cancelled_at < 6  # the servers hang for nine seconds or more


def test_a_call_cancelled_beforehand_is_never_made(models: ModelServers, client: Client) -> None:
    cancel = Cancel()
    cancel.set()
    with pytest.raises(ModelCancelled) as caught:
        last(client().stream(REQUEST, cancel))
    assert (models.requests, caught.value.billed) == ([], False)


def test_cancelling_late_leaves_the_next_call_on_that_connection_alone(models: ModelServers, client: Client) -> None:
    gpt, cancel = client(), Cancel()
    last(gpt.stream(REQUEST, cancel))
    cancel.set()
    assert gpt.ask(REQUEST).text


def test_a_stream_that_is_abandoned_lets_the_server_go(models: ModelServers, client: Client) -> None:
    models.faults.order(Behaviour(chunk_s=0.02, chunks=400, text="слово " * 400))
    stream = client().stream(REQUEST)
    next(stream)
    stream.close()
    assert eventually(lambda: models.in_flight == 0)


def test_fifty_streams_run_at_the_same_time(models: ModelServers, client: Client) -> None:
    models.faults.default = Behaviour(first_chunk_s=0.6, chunk_s=0.01)
    gpt = client()
    results = together(50, lambda: last(gpt.stream(REQUEST)).finish)
    assert results == [Finish.STOP] * 50
    assert models.peak > 20


def test_a_listener_that_fails_breaks_nothing(models: ModelServers, client: Client) -> None:
    def fail(_failure: CallFailure) -> None:
        raise RuntimeError("the listener is broken")

    models.faults.order(Behaviour(status=503))
    assert client(on_failure=fail).ask(REQUEST).text


def test_no_key_is_in_a_report(models: ModelServers, client: Client, failures: list[CallFailure]) -> None:
    with pytest.raises(ModelDenied) as caught:
        client(StaticCredential("Api-Key AQVNsecretsecretsecret")).ask(REQUEST)
    assert "Unknown api key" in str(caught.value)
    assert "secretsecret" not in f"{caught.value} {caught.value.body} {failures}"


def prompt(characters: int) -> list[Message]:
    return [Message("user", ("слово " * characters)[:characters])]


def test_far_from_a_limit_nothing_is_asked(models: ModelServers, client: Client) -> None:
    gpt = client()
    assert gpt.count(prompt(3000), near=100_000) == gpt.estimate(prompt(3000))
    assert gpt.count(prompt(3000)) == gpt.estimate(prompt(3000))
    assert models.requests == []


def test_near_a_limit_the_vendor_counts(models: ModelServers, client: Client) -> None:
    gpt = client()
    estimate = gpt.estimate(prompt(3000))
    assert gpt.count(prompt(3000), near=estimate) == 1000
    assert len(models.of("tokenizer")) == 1


@pytest.mark.parametrize(
    "behaviour",
    [Behaviour(status=500, shape="B"), Behaviour(drop=True), Behaviour(status=401), Behaviour(status=429)],
)
def test_a_tokenizer_that_fails_stops_nothing(
    behaviour: Behaviour, models: ModelServers, client: Client, failures: list[CallFailure]
) -> None:
    models.faults.order(behaviour, behaviour, kind="tokenizer")
    gpt = client()
    estimate = gpt.estimate(prompt(3000))
    assert gpt.count(prompt(3000), estimate, user_id=7, turn_id=70) == estimate
    assert [(failure.purpose, failure.user_id, failure.turn_id) for failure in failures] == [("tokenizer", 7, 70)]


def test_estimates_learn_from_usage_and_stay_on_the_high_side(models: ModelServers, client: Client) -> None:
    gpt = client()
    request = Request((Message("user", "слово за слово " * 100),), max_tokens=50)
    before = gpt.estimate(request.messages)
    usage = gpt.ask(request).usage
    after = gpt.estimate(request.messages)
    assert usage.input <= after != before
    assert after < usage.input * 1.1
    assert set(gpt.calibration) == {"yandexgpt-lite"}


def test_a_kept_calibration_is_used(client: Client) -> None:
    gpt = client()
    gpt.calibration["yandexgpt-lite"] = {"cyrillic": 5.0, "latin": 5.0}
    assert gpt.estimate(prompt(1000)) < client().estimate(prompt(1000))


def test_the_environment_is_read_once_and_only_when_asked(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", "/nonexistent")
    assert client().ask(REQUEST).text
    network = Network.from_env({"https_proxy": "http://proxy:3128", "NO_PROXY": ".ru, 10.0.0.0/8,host:8443"})
    proxied: Callable[[str], bool] = lambda url: bool(network.proxy_for(url))  # noqa: E731
    assert proxied("https://llm.api.cloud.yandex.net/x")
    assert not any(map(proxied, ("http://example.com", "https://ya.ru", "https://10.1.2.3", "https://host:8443")))
    local = Network(http_proxy="http://proxy:3128")
    assert not any(map(local.proxy_for, ("http://169.254.169.254", "http://localhost:1", "http://127.0.0.1:1")))
    env = {"CURL_CA_BUNDLE": certifi.where(), "ALL_PROXY": "http://p:1"}
    assert Network.from_env(env).ca_bundle == certifi.where()
