"""Telegram's stand-in refuses what Telegram refuses: updates, parameters, texts, edits, profile, limits and faults."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.markup import MarkupError, found_entities, parse_html
from sandbox.telegram import TelegramServer
from sandbox.telegram_store import Store
from tests.sandbox_bot import TEXT, Bot, Clock, bot, clock, inline, reply, server

__all__ = ["bot", "clock", "server"]


# Updates
def test_an_update_is_delivered_again_until_it_is_acknowledged(bot: Bot) -> None:
    first = bot.ok("getUpdates")
    assert first == bot.ok("getUpdates")
    assert first[0]["message"]["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]
    assert first[0]["message"]["from"]["language_code"] == "ru"
    assert bot.ok("getUpdates", offset=first[0]["update_id"] + 1) == []
    assert bot.ok("getUpdates") == []


def test_a_long_poll_ends_when_a_message_comes(bot: Bot, server: TelegramServer) -> None:
    offset = bot.ok("getUpdates")[0]["update_id"] + 1
    threading.Timer(0.05, server.user(1).send, ["Дальше"]).start()
    assert bot.ok("getUpdates", offset=offset, timeout=9)[0]["message"]["text"] == "Дальше"


@pytest.mark.parametrize(
    ("method", "params", "description"),
    [
        (
            "getUpdates",
            {},
            "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
        ),
        ("setWebhook", {"url": "http://127.0.0.1:9/hook"}, "Conflict: terminated by setWebhook request"),
    ],
)
def test_a_poll_is_ended_with_409_by_another_one_and_by_a_web_hook(
    bot: Bot, method: str, params: dict[str, Any], description: str
) -> None:
    offset = bot.ok("getUpdates")[0]["update_id"] + 1
    older: list[requests.Response] = []
    address = f"{bot.server.url}/bot{bot.server.token}/getUpdates"
    query = {"offset": offset, "timeout": 9}
    thread = threading.Thread(target=lambda: older.append(requests.get(address, query, timeout=10)))
    thread.start()
    while bot.server.api.polls < 2:
        thread.join(0.005)
    bot.ok(method, **params)
    thread.join()
    assert older[0].status_code == 409
    assert older[0].json() == {"ok": False, "error_code": 409, "description": description}


def test_limit_negative_offset_and_allowed_kinds_are_honoured(bot: Bot, server: TelegramServer) -> None:
    anna = server.user(1)
    for text in ("один", "два", "три"):
        anna.send(text)
    assert len(bot.ok("getUpdates", limit=2)) == 2
    assert [update["message"]["text"] for update in bot.ok("getUpdates", offset=-1)] == ["три"]
    bot.ok("getUpdates", allowed_updates=["callback_query"])
    anna.send("это не нужно")
    bot.say("Кнопка", reply_markup=inline("Да"))
    anna.tap("Да")
    assert [set(update) - {"update_id"} for update in bot.ok("getUpdates")][1:] == [{"callback_query"}]


def test_a_wrong_token_and_an_unknown_method_are_refused(bot: Bot) -> None:
    wrong = bot.raw("getMe", token="1:wrong")
    assert (wrong.status_code, wrong.json()) == (401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
    assert bot.raw("sendMesage", json={}).status_code == 404
    assert bot.server.violations == ["unknown method sendMesage"]


def test_polling_is_refused_while_a_web_hook_is_set(bot: Bot) -> None:
    bot.ok("setWebhook", url="http://127.0.0.1:9/hook", secret_token="s")
    assert "webhook is active" in bot.refused("getUpdates")
    assert bot.ok("getWebhookInfo")["url"] == "http://127.0.0.1:9/hook"
    bot.ok("deleteWebhook", drop_pending_updates=True)
    assert bot.ok("getUpdates") == []


# Parameters and the contract
def test_parameters_come_in_the_query_a_form_json_or_multipart(bot: Bot, server: TelegramServer) -> None:
    params = {"chat_id": "1", "text": TEXT, "disable_notification": "True"}
    as_multipart = {name: (None, value) for name, value in params.items()}
    for options in ({"params": params}, {"data": params}, {"files": as_multipart}):
        assert bot.raw("sendMessage", **options).json()["result"]["text"] == TEXT
    bot.say()
    assert [message.text for message in server.user(1).bot_messages] == [TEXT] * 4
    assert server.violations == []


@pytest.mark.parametrize(
    ("method", "params", "violation"),
    [
        ("sendMessage", {"chat_id": 1}, "text is missing"),
        ("sendMessage", {"text": "x"}, "chat_id is missing"),
        ("sendMessage", {"chat_id": 1, "text": 5}, "a string was expected"),
        ("sendMessage", {"chat_id": 1, "text": "x", "parse_mode": "html"}, "is not allowed"),
        ("sendMessage", {"chat_id": 1, "text": "x", "disable_notification": "yes"}, "a boolean was expected"),
        ("sendMessage", {"chat_id": 1, "text": "x", "reply_markup": {"rows": []}}, "none of"),
        ("sendMessage", {"chat_id": 1, "text": "x", "reply_markup": {"keyboard": [["Да"]]}}, "an object was expected"),
        ("getUpdates", {"limit": 101}, "outside 1–100"),
        ("sendChatAction", {"chat_id": 1, "action": "write"}, "is not allowed"),
        ("setMyName", {"name": "я" * 65}, "65 is outside"),
        ("setMyCommands", {"commands": [{"command": "Новая", "description": "x"}]}, "BOT_COMMAND_INVALID"),
        ("sendMessageDraft", {"chat_id": 1, "draft_id": 0, "text": ""}, "draft_id is 0"),
        ("answerCallbackQuery", {"callback_query_id": "1", "text": "я" * 201}, "201 is outside"),
    ],
)
def test_what_breaks_the_contract_is_refused_and_noted(
    bot: Bot, method: str, params: dict[str, Any], violation: str
) -> None:
    bot.refused(method, **params)
    assert any(violation in noted for noted in bot.server.violations), bot.server.violations


def test_an_unknown_parameter_is_noted_though_telegram_ignores_it(bot: Bot) -> None:
    bot.say(reply_to_message_id=1)
    assert bot.server.violations == ["sendMessage: unknown parameter reply_to_message_id"]


@pytest.mark.parametrize("data", ["", "я" * 33])
def test_callback_data_is_1_to_64_bytes(bot: Bot, data: str) -> None:
    markup = {"inline_keyboard": [[{"text": "Да", "callback_data": data}]]}
    assert bot.refused("sendMessage", chat_id=1, text="x", reply_markup=markup) == "Bad Request: BUTTON_DATA_INVALID"


# Texts
def test_empty_and_too_long_texts_are_refused_after_parsing(bot: Bot) -> None:
    assert bot.refused("sendMessage", chat_id=1, text=" \n ") == "Bad Request: message text is empty"
    assert bot.refused("sendMessage", chat_id=1, text="😀" * 2049) == "Bad Request: message is too long"
    bot.say(f"<b>{'😀' * 2048}</b>", parse_mode="HTML")


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("<b>да</b> &lt;нет&gt; &nbsp;", "да <нет> &nbsp;", [("bold", 0, 2)]),
        ("😀<i>я <u>ты</u></i>", "😀я ты", [("italic", 2, 4), ("underline", 4, 2)]),
        ('<a href="https://ya.ru">тут</a>', "тут", [("text_link", 0, 3)]),
        ('<pre><code class="language-python">x</code></pre>', "x", [("pre", 0, 1)]),
        ("<blockquote expandable>много</blockquote>", "много", [("expandable_blockquote", 0, 5)]),
        ('<span class="tg-spoiler">тайна</span><b></b>', "тайна", [("spoiler", 0, 5)]),
    ],
)
def test_html_becomes_text_and_entities(source: str, text: str, entities: list[tuple[str, int, int]]) -> None:
    plain, found = parse_html(source)
    assert plain == text
    assert [(entity["type"], entity["offset"], entity["length"]) for entity in found] == entities


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("<b>да", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b><i>да</b></i>", 'Unmatched end tag at byte offset 10, expected "</i>", found "</b>"'),
        ("да</b>", "Unexpected end tag at byte offset 4"),
        ("<p>да</p>", 'Unsupported start tag "p" at byte offset 0'),
        ("2 < 3", "Unsupported start tag"),
        ("<span>да</span>", 'must have class "tg-spoiler"'),
    ],
)
def test_html_that_telegram_cannot_parse_is_refused(source: str, error: str) -> None:
    with pytest.raises(MarkupError, match=r"(?i)tag") as caught:
        parse_html(source)
    assert error in str(caught.value)


def test_a_slash_of_a_tag_or_a_path_is_no_command() -> None:
    found = found_entities("<b>Кот</b> a/b //c /d> (/e) /help")
    assert [(entity["type"], entity["offset"]) for entity in found] == [("bot_command", 24), ("bot_command", 28)]


def test_a_parse_error_is_no_breach_of_the_contract(bot: Bot) -> None:
    description = bot.refused("sendMessage", chat_id=1, text="<b>", parse_mode="HTML")
    assert description.startswith("Bad Request: can't parse entities: Can't find end tag")
    assert bot.server.violations == []


# Editing and deleting
def test_an_edit_shows_and_an_unchanged_one_is_refused(bot: Bot, server: TelegramServer) -> None:
    message_id = bot.say(reply_markup=inline("Да"))
    same = bot.refused("editMessageText", chat_id=1, message_id=message_id, text=TEXT, reply_markup=inline("Да"))
    assert same.startswith("Bad Request: message is not modified: specified new message content")
    bot.ok("editMessageText", chat_id=1, message_id=message_id, text=TEXT)
    assert server.user(1).last.edited and server.user(1).last.buttons == ()
    assert (
        bot.refused("editMessageText", chat_id=1, message_id=99, text="x") == "Bad Request: message to edit not found"
    )


def test_a_message_with_a_reply_keyboard_or_of_the_user_cannot_be_edited(bot: Bot, server: TelegramServer) -> None:
    with_keyboard = bot.say(reply_markup=reply("Да"))
    for message_id in (with_keyboard, server.user(1).send("моё")):
        refusal = bot.refused("editMessageText", chat_id=1, message_id=message_id, text="x")
        assert refusal == "Bad Request: message can't be edited"


def test_a_message_is_deleted_for_48_hours_only(bot: Bot, server: TelegramServer, clock: Clock) -> None:
    old, young = bot.say(), bot.say()
    server.set_date(1, old, clock.now - 48 * 3600 - 1)
    assert "can't be deleted" in bot.refused("deleteMessage", chat_id=1, message_id=old)
    bot.ok("deleteMessage", chat_id=1, message_id=young)
    assert "not found" in bot.refused("deleteMessage", chat_id=1, message_id=young)
    assert [message.id for message in server.user(1).bot_messages] == [old]


def test_profile_and_commands_are_read_back_as_they_were_set(bot: Bot) -> None:
    bot.ok("setMyDescription", description="Пишу истории", language_code="ru")
    assert bot.ok("getMyDescription", language_code="ru") == {"description": "Пишу истории"}
    assert bot.ok("getMyName") == {"name": "Соавтор"}
    commands = [{"command": "help", "description": "Помощь"}]
    bot.ok("setMyCommands", commands=commands, scope={"type": "all_private_chats"})
    assert bot.ok("getMyCommands", scope={"type": "all_private_chats"}) == commands
    assert bot.ok("getMyCommands") == []
    photo = '{"type": "static", "photo": "attach://avatar"}'
    refused = bot.raw("setMyProfilePhoto", data={"photo": photo}, files={"avatar": ("a.png", b"\x89PNG")})
    assert refused.status_code == 400
    taken = bot.raw("setMyProfilePhoto", data={"photo": photo}, files={"avatar": ("a.jpg", b"\xff\xd8\xff\xe0")})
    assert taken.json()["result"] is True
    assert bot.server.violations == []


# Faults
def test_an_ordered_refusal_counts_down(bot: Bot, server: TelegramServer) -> None:
    server.faults.refuse("sendMessage", 429, retry_after=3, times=2)
    for _ in range(2):
        answer = bot.raw("sendMessage", json={"chat_id": 1, "text": TEXT}).json()
        assert (answer["error_code"], answer["parameters"]) == (429, {"retry_after": 3})
    bot.say()
    assert [call.status for call in server.called("sendMessage")] == [429, 429, 200]


@pytest.mark.parametrize(("after", "messages"), [(False, 0), (True, 1)])
def test_a_dropped_connection_may_or_may_not_have_taken_effect(bot: Bot, after: bool, messages: int) -> None:
    bot.server.faults.drop("sendMessage", after=after)
    with pytest.raises(requests.ConnectionError):
        bot.raw("sendMessage", json={"chat_id": 1, "text": TEXT})
    assert len(bot.server.user(1).bot_messages) == messages
    bot.say()


def test_proxies_and_nonsense_answer_in_its_place(bot: Bot, server: TelegramServer) -> None:
    server.faults.bad_gateway("sendMessage")
    server.faults.not_json("sendMessage")
    server.faults.hang("sendMessage", 30)
    gateway = bot.raw("sendMessage", json={"chat_id": 1, "text": TEXT})
    assert (gateway.status_code, gateway.headers["Content-Type"]) == (502, "text/html")
    with pytest.raises(requests.JSONDecodeError):
        bot.raw("sendMessage", json={"chat_id": 1, "text": TEXT}).json()
    with pytest.raises(requests.ReadTimeout):
        address = f"{server.url}/bot{server.token}/sendMessage"
        bot.http.post(address, json={"chat_id": 1, "text": TEXT}, timeout=0.05)


def test_sustained_sending_meets_the_flood_limit_once_it_is_on(bot: Bot, server: TelegramServer, clock: Clock) -> None:
    server.flood = True
    for _ in range(5):
        bot.say()
    answer = bot.raw("sendMessage", json={"chat_id": 1, "text": TEXT}).json()
    assert answer["parameters"]["retry_after"] >= 1
    clock.now += answer["parameters"]["retry_after"]
    bot.say()


# Web hooks and keeping
def test_updates_go_to_the_web_hook_with_its_secret(bot: Bot, server: TelegramServer) -> None:
    from sandbox.http_wire import HttpRequest, HttpResponse, HttpServer

    got: list[HttpRequest] = []
    came = threading.Event()

    def take(request: HttpRequest) -> HttpResponse:
        got.append(request)
        came.set()
        return HttpResponse(200)

    with HttpServer(take) as hook:
        bot.ok("setWebhook", url=f"{hook.url}/hook", secret_token="s3cret")
        assert came.wait(10)
    assert (got[0].path, got[0].headers["x-telegram-bot-api-secret-token"]) == ("/hook", "s3cret")
    assert b"/start" in got[0].body


def test_chats_ids_and_waiting_updates_survive_a_restart(bot: Bot, server: TelegramServer, tmp_path: Path) -> None:
    bot.say(reply_markup=reply("Дальше"))
    bot.raw("sendDocument", data={"chat_id": 1}, files={"document": ("a.txt", b"abc")})
    server.group(-100500, "Кружок", [server.user(1)]).welcome_bot(server.user(1))
    Store(server.state, tmp_path / "chats.json").save()
    with TelegramServer() as again:
        assert Store(again.state, tmp_path / "chats.json").load()
        anna = again.user(1)
        assert anna.messages == server.user(1).messages
        assert (anna.user.first_name, anna.keyboard) == ("Анна", (("Дальше",),))
        assert again.state.updates == server.state.updates
        assert anna.send("и снова") == server.user(1).messages[-1].id + 1
        assert again.group(-100500, "", []).member(anna).send("и в группе") == 2


def test_an_unreadable_file_of_chats_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "chats.json").write_text("{")
    with TelegramServer() as server:
        assert not Store(server.state, tmp_path / "chats.json").load()
    assert (tmp_path / "chats.json.unreadable").exists()
