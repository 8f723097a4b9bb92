"""The Bot API client: what goes over the wire, which error comes back, and that none of them holds the token."""

from __future__ import annotations

import io
import json
import logging
import socket
import time
import traceback
from collections.abc import Iterator

import pytest
from telebot import apihelper

from core.errors import TelegramRefused, TelegramUnreachable
from core.http_client import HttpClient
from telegram.api_client import BotApi
from tests.botapi_server import TOKEN, BotApiServer, Order, refusal

SECRET = TOKEN.partition(":")[2]


@pytest.fixture
def server() -> Iterator[BotApiServer]:
    with BotApiServer() as running:
        yield running


@pytest.fixture
def api(server: BotApiServer) -> BotApi:
    return BotApi(TOKEN, server.url, HttpClient())


def test_parameters_go_into_the_body_and_absent_ones_nowhere(server: BotApiServer, api: BotApi) -> None:
    result = api.call("sendMessage", {"chat_id": 5, "text": "Ж" * 4096, "reply_markup": None})
    assert isinstance(result, dict) and result["message_id"] == 101
    [call] = server.calls
    assert call.path == f"/bot{TOKEN}/sendMessage"
    assert call.params == {"chat_id": 5, "text": "Ж" * 4096}


def test_half_a_surrogate_pair_does_not_stop_a_message(server: BotApiServer, api: BotApi) -> None:
    api.call("sendMessage", {"chat_id": 5, "text": "а\ud83dб"})
    assert server.calls[0].params["text"] == "а?б"


def test_files_go_as_a_form_with_quoted_names(server: BotApiServer, api: BotApi) -> None:
    api.call(
        "sendDocument",
        {"chat_id": 5, "caption": "Маяк", "reply_markup": {"a": [1]}, "disable_notification": True},
        {"document": ('Мой "маяк".txt', b"\x00\xffbytes")},
    )
    [call] = server.calls
    boundary = call.content_type.removeprefix("multipart/form-data; boundary=").encode()
    parts = call.body.split(b"--" + boundary)
    assert b'name="chat_id"\r\n\r\n5\r\n' in parts[1]
    assert "Маяк".encode() in parts[2]
    assert parts[3].endswith(b'{"a": [1]}\r\n')
    assert parts[4].endswith(b"true\r\n")
    assert 'filename="Мой %22маяк%22.txt"'.encode() in parts[5]
    assert parts[5].endswith(b"\r\n\r\n\x00\xffbytes\r\n")
    assert parts[6] == b"--\r\n"


def test_refusal_carries_code_description_and_wait(server: BotApiServer, api: BotApi) -> None:
    server.order("sendMessage", refusal(429, "Too Many Requests: retry after 7", 7))
    with pytest.raises(TelegramRefused) as caught:
        api.call("sendMessage", {"chat_id": 5, "text": "а"})
    assert (caught.value.method, caught.value.code, caught.value.retry_after_s) == ("sendMessage", 429, 7)
    assert caught.value.description == "Too Many Requests: retry after 7"


@pytest.mark.parametrize("status", [413, 429])
def test_a_gateway_s_refusal_is_one_too(server: BotApiServer, api: BotApi, status: int) -> None:
    server.order("sendMessage", Order(status, b"<html>nginx</html>"))
    with pytest.raises(TelegramRefused) as caught:
        api.call("sendMessage", {})
    assert caught.value.code == status


@pytest.mark.parametrize(
    "order",
    [
        Order(502, b"<html>Bad Gateway</html>"),
        Order(500, b'{"ok":false,"error_code":500,"description":"Internal Server Error"}'),
        Order(200, b"<html>a hotel's login page</html>"),
        Order(200, b'{"result": true}'),
        Order(200, b"[1]"),
        Order(200, b"\xff\xfe"),
        Order(302, b"moved"),
        Order(404, f"no such page: /bot{TOKEN}/sendMessage".encode()),
        Order(drop=True),
    ],
    ids=lambda order: f"{order.status} {order.body[:12]!r}",
)
def test_no_answer_of_telegram_s_is_unreachable_and_may_have_arrived(
    server: BotApiServer, api: BotApi, order: Order
) -> None:
    server.order("sendMessage", order)
    with pytest.raises(TelegramUnreachable) as caught:
        api.call("sendMessage", {"chat_id": 5})
    assert caught.value.sent
    assert SECRET not in str(caught.value)


def test_silence_is_unreachable_and_may_have_arrived(server: BotApiServer, api: BotApi) -> None:
    server.order("getMe", Order(before=lambda: time.sleep(0.3)))
    with pytest.raises(TelegramUnreachable) as caught:
        api.call("getMe", timeout_s=0.05)
    assert caught.value.sent


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def test_no_connection_has_surely_not_arrived_and_the_token_stays_secret(caplog: pytest.LogCaptureFixture) -> None:
    api = BotApi(TOKEN, f"http://127.0.0.1:{closed_port()}", HttpClient())
    with pytest.raises(TelegramUnreachable) as caught:
        api.call("sendMessage", {"chat_id": 5})
    assert not caught.value.sent
    logging.getLogger("test").error("failed", exc_info=caught.value)
    everything = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(api) + caplog.text
    assert SECRET not in everything
    assert caught.value.__context__ is None


def test_telebot_sends_through_us_with_its_parameters_in_the_body(server: BotApiServer, api: BotApi) -> None:
    reply = api.sender(
        "get", f"{server.url}/bot{TOKEN}/sendMessage", params={"chat_id": 5, "text": "да"}, timeout=(1, 2), proxies=None
    )
    assert reply.status_code == 200
    assert json.loads(reply.text) == reply.json()
    assert server.calls[0].params == {"chat_id": 5, "text": "да"}
    assert server.calls[0].path == f"/bot{TOKEN}/sendMessage"


def test_telebot_s_kinds_of_files_all_arrive(server: BotApiServer, api: BotApi) -> None:
    url = f"{server.url}/bot{TOKEN}/sendDocument"
    for file in (b"content", io.BytesIO(b"content"), ("a.txt", b"content"), ("a.txt", io.BytesIO(b"content"))):
        api.sender("post", url, params={"chat_id": 5}, files={"document": file})
    assert all(b"\r\n\r\ncontent\r\n" in call.body for call in server.calls)
    assert b'filename="a.txt"' in server.calls[2].body


def test_telebot_s_sender_hides_the_token_too() -> None:
    port = closed_port()
    api = BotApi(TOKEN, f"http://127.0.0.1:{port}", HttpClient())
    with pytest.raises(TelegramUnreachable) as caught:
        api.sender("get", f"http://127.0.0.1:{port}/bot{TOKEN}/getMe")
    assert caught.value.method == "getMe"
    assert SECRET not in str(caught.value)


def test_the_library_itself_works_over_our_sender(
    server: BotApiServer, api: BotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apihelper, "CUSTOM_REQUEST_SENDER", api.sender)
    monkeypatch.setattr(apihelper, "API_URL", server.url + "/bot{0}/{1}")
    assert apihelper.send_message(TOKEN, 5, "да")["message_id"] == 101
    server.order("sendMessage", refusal(400, "Bad Request: chat not found"))
    with pytest.raises(apihelper.ApiTelegramException, match="chat not found"):
        apihelper.send_message(TOKEN, 5, "да")


def test_download_returns_the_file_and_refuses_a_large_one(server: BotApiServer, api: BotApi) -> None:
    server.files[f"/file/bot{TOKEN}/voice/1.oga"] = b"x" * 1000
    assert api.download("voice/1.oga", 1000, 5.0) == b"x" * 1000
    with pytest.raises(TelegramRefused) as caught:
        api.download("voice/1.oga", 999, 5.0)
    assert caught.value.code == 413
    with pytest.raises(TelegramRefused) as missing:
        api.download("voice/2.oga", 999, 5.0)
    assert missing.value.code == 404
