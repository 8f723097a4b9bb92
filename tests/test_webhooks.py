"""Webhooks: Telegram brings updates to an address, and they are kept, answered once and in order, as with polling."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from core.errors import StorageError
from core.http_client import HttpClient
from sandbox.telegram import TelegramServer
from telegram.api_client import BotApi
from telegram.polling import ALLOWED_UPDATES, Keep
from telegram.webhook import MOST_BYTES, Webhook
from tests.bot_database import Not
from tests.harness import BotHarness, until
from tests.test_process import run

SECRET = "s3cret-of-the-webhook"


@pytest.fixture
def address() -> str:
    """Where the bot's public server is to listen."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def by_webhook(harness: BotHarness, address: str) -> dict[str, str]:
    """Return the settings of a bot that is brought its updates."""
    port = address.rpartition(":")[2]
    return {"WEBHOOK_URL": f"{address}/telegram", "WEBHOOK_SECRET": SECRET, "WEBAPP_PORT": port}


@pytest.fixture
def hooked(make_harness: Callable[..., BotHarness], address: str) -> BotHarness:
    harness = make_harness()
    harness.settings |= by_webhook(harness, address)
    harness.start()
    return harness


def post(address: str, update: object, secret: str | None = SECRET, path: str = "/telegram") -> int:
    body = update if isinstance(update, bytes) else json.dumps(update).encode()
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret is not None else {}
    return requests.post(address + path, body, headers=headers, timeout=10).status_code


def words(number: int, text: str = "/help") -> dict[str, Any]:
    """Return an update as Telegram brings it."""
    somebody = {"id": 1, "is_bot": False, "first_name": "Анна", "language_code": "ru"}
    message = {"message_id": number, "date": 1, "from": somebody, "chat": {"id": 1, "type": "private"}, "text": text}
    return {"update_id": 500 + number, "message": message}


def test_a_story_is_written_without_polling(hooked: BotHarness) -> None:
    hooked.writer()
    assert not hooked.telegram.called("getUpdates")
    (told,) = hooked.telegram.called("setWebhook")
    assert told.params["secret_token"] == SECRET
    assert told.params["allowed_updates"] == list(ALLOWED_UPDATES)
    assert "drop_pending_updates" not in told.params
    assert hooked.app is not None
    assert set(hooked.app.watch.health.problems()) >= {"webhook", "handlers"}
    health = hooked.app.watch.health
    until(lambda: not any(health.problems().values()))


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], "sécret"])
def test_whoever_lacks_the_secret_is_refused(
    hooked: BotHarness, address: str, secret: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    assert post(address, words(1), secret) == 403
    assert hooked.db.count("inbox") == 0
    assert "event=webhook_rejected reason=wrong_secret_token" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("update", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"", 400),
        (b"[" * 100_000, 400),
        ([], 400),
        ({}, 400),
        ({"message": {}}, 400),
        ({"update_id": "7"}, 400),
        ({"update_id": 7}, 200),
        (b" " * (MOST_BYTES + 1), 413),
    ],
)
def test_what_is_no_update_is_refused(hooked: BotHarness, address: str, update: object, status: int) -> None:
    assert post(address, update) == status
    assert hooked.db.count("inbox") == (status == 200)


def test_only_that_path_is_a_webhook_and_only_to_post(hooked: BotHarness, address: str) -> None:
    assert post(address, words(1), path="/") == 404
    assert post(address, words(1), path="/telegram/") == 404
    assert requests.get(f"{address}/telegram", timeout=10).status_code == 404
    assert requests.get(address, timeout=10).status_code == 404


def test_what_comes_twice_counts_once(hooked: BotHarness, address: str) -> None:
    person = hooked.new_person()
    before = len(person.bot_messages)
    assert [post(address, words(1)), post(address, words(1))] == [200, 200]
    person.wait("Мы пишем историю вдвоём")
    assert hooked.db.count("inbox", update_id=501) == 1
    person.send("/help")
    until(lambda: len(person.bot_messages) == before + 2)


def test_what_cannot_be_kept_is_brought_again(hooked: BotHarness) -> None:
    person = hooked.new_person()
    until(lambda: hooked.db.count("outbox") == 0)  # a message that can't be marked keeps the next
    with hooked.locked():
        person.send("/help")
        person.wait("Не получается сохранить")
    person.wait("Мы пишем историю вдвоём")


def test_page_and_webhook_share_the_server(make_harness: Callable[..., BotHarness], address: str) -> None:
    harness = make_harness(WEBAPP_URL=address)
    harness.settings |= by_webhook(harness, address)
    harness.start()
    harness.new_person()
    assert "<html" in requests.get(address, timeout=10).text
    assert post(address, words(1)) == 200
    assert post(address, words(1), "wrong") == 403


def test_switching_there_and_back_loses_nothing_and_answers_once(
    make_harness: Callable[..., BotHarness], address: str
) -> None:
    harness = make_harness()
    harness.start()
    person = harness.new_person()
    said = []
    for number, hooked in enumerate([True, False, True, True, False, False]):
        harness.stop()
        person.send("/help")  # nobody is there
        said.append(number)
        settings = by_webhook(harness, address)
        harness.settings = (
            harness.settings | settings
            if hooked
            else {name: value for name, value in harness.settings.items() if name not in settings}
        )
        harness.start()
        person.send("/help")
        said.append(number)
        until(lambda: sum("Мы пишем историю" in message.text for message in person.bot_messages) == len(said))
    until(harness.settled)
    info = BotApi(harness.telegram.token, harness.telegram.url, HttpClient()).call("getWebhookInfo", {}, timeout_s=5)
    assert isinstance(info, dict) and (info["url"], info["pending_update_count"]) == ("", 0)
    assert all(not call.params.get("drop_pending_updates") for call in harness.telegram.called("deleteWebhook"))
    assert harness.db.count("inbox", state=Not("done")) == 0


def test_a_webhook_that_another_copy_sets_is_left_to_it(harness: BotHarness, caplog: pytest.LogCaptureFixture) -> None:
    """Two that take it from each other would both lose."""
    harness.new_person()
    api = BotApi(harness.telegram.token, harness.telegram.url, HttpClient())
    api.call("setWebhook", {"url": "http://127.0.0.1:9/elsewhere"}, timeout_s=5)
    until(lambda: "a webhook is set" in caplog.text)
    assert not harness.telegram.called("deleteWebhook")


def test_a_wrong_token_ends_the_process_with_its_sentence(
    make_harness: Callable[..., BotHarness], address: str
) -> None:
    harness = make_harness(TELEGRAM_TOKEN="7000000009:WrongWrongWrongWrongWrongWrongWrong")
    done = run(**(harness.environment() | by_webhook(harness, address)))
    assert done.returncode == 1
    assert "TELEGRAM_TOKEN" in done.stderr and "Traceback" not in done.stderr


@pytest.fixture
def make_webhook(telegram: TelegramServer) -> Iterator[Callable[..., Webhook]]:
    made = []

    def make(**options: Any) -> Webhook:
        api = BotApi(telegram.token, telegram.url, HttpClient())
        keep: Keep = options.get("keep", lambda batch: None)
        made.append(
            Webhook(api, keep, lambda error: None, url="http://127.0.0.1:9/x", secret=SECRET, check_every_s=0.02)
        )
        return made[-1]

    yield make
    for webhook in made:
        webhook.stop()


def test_an_address_that_was_taken_away_is_told_again(
    telegram: TelegramServer, make_webhook: Callable[..., Webhook]
) -> None:
    make_webhook().start()
    until(lambda: telegram.called("getWebhookInfo"))
    with telegram.state.lock:
        telegram.state.webhook = {}
    until(lambda: telegram.state.webhook.get("url") == "http://127.0.0.1:9/x")


def test_what_telegram_complains_of_is_logged_once(
    telegram: TelegramServer, make_webhook: Callable[..., Webhook], caplog: pytest.LogCaptureFixture
) -> None:
    make_webhook().start()
    until(lambda: telegram.called("getWebhookInfo"))
    telegram.raw_update({"message": {}})
    until(lambda: "Connection refused" in caplog.text)
    looked = len(telegram.called("getWebhookInfo"))
    until(lambda: len(telegram.called("getWebhookInfo")) > looked + 3)
    assert caplog.text.count("event=webhook_delivery_failed") <= 2  # it is said anew when Telegram's second has changed


def test_telegram_away_at_the_start_is_waited_for(
    telegram: TelegramServer, make_webhook: Callable[..., Webhook]
) -> None:
    telegram.faults.drop("setWebhook")
    webhook = make_webhook()
    assert webhook.health_problem() == "its thread has ended"
    webhook.start()
    assert webhook.tried.wait(5) and not webhook.health_problem()
    assert webhook.begun.wait(5)


def test_while_the_bot_stops_nothing_is_taken(make_webhook: Callable[..., Webhook]) -> None:
    webhook = make_webhook()
    assert webhook.take(SECRET, b'{"update_id": 1}') == 200
    webhook.stop()
    assert webhook.take(SECRET, b'{"update_id": 1}') == 503


def test_a_database_that_says_no_is_a_503(make_webhook: Callable[..., Webhook]) -> None:
    def keep(batch: Any) -> int:
        raise StorageError("disk full")

    assert make_webhook(keep=keep).take(SECRET, b'{"update_id": 1}') == 503
