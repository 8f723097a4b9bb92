"""People of Telegram's stand-in: keyboards, buttons, drafts, groups, files, waiting."""

from __future__ import annotations

import threading

import pytest

from sandbox.recording import record
from sandbox.telegram import TelegramServer
from sandbox.users import NotCome, NotShown
from tests.sandbox_bot import TEXT, Bot, Clock, bot, clock, inline, reply, server

__all__ = ["bot", "clock", "server"]


# Keyboards and presses
def test_a_reply_keyboard_stays_until_it_is_replaced_or_removed(bot: Bot, server: TelegramServer) -> None:
    anna = server.user(1)
    bot.say(reply_markup=reply("Дальше", "Меню", is_persistent=True, input_field_placeholder="Что было дальше?"))
    bot.say("без клавиатуры", reply_markup=inline("Да"))
    assert (anna.keyboard, anna.placeholder) == ((("Дальше", "Меню"),), "Что было дальше?")
    anna.press("Дальше")
    assert anna.messages[-1].text == "Дальше"
    with pytest.raises(NotShown, match="«Дальше», «Меню»"):
        anna.press("Финал")
    bot.say("убрал", reply_markup={"remove_keyboard": True})
    assert anna.keyboard == ()


def test_a_deleted_message_takes_its_keyboard_along(bot: Bot, server: TelegramServer) -> None:
    message_id = bot.say(reply_markup=reply("Дальше"))
    bot.ok("deleteMessage", chat_id=1, message_id=message_id)
    assert server.user(1).keyboard == ()


def test_a_pressed_inline_button_is_answered_once_and_in_time(bot: Bot, server: TelegramServer, clock: Clock) -> None:
    anna = server.user(1)
    message_id = bot.say(reply_markup=inline("Да"))
    tap = anna.tap("Да")
    query = bot.ok("getUpdates", offset=-1)[0]["callback_query"]
    assert (query["data"], query["message"]["message_id"], query["id"]) == ("data:Да", message_id, tap.query_id)
    bot.ok("answerCallbackQuery", callback_query_id=query["id"], text="Готово", show_alert=True)
    assert (tap.wait_answer().text, tap.wait_answer().show_alert) == ("Готово", True)
    assert "query is too old" in bot.refused("answerCallbackQuery", callback_query_id=query["id"])
    late = anna.tap("data:Да", message_id)
    clock.now += 3600
    assert "query is too old" in bot.refused("answerCallbackQuery", callback_query_id=late.query_id)
    with pytest.raises(NotShown):
        anna.tap("Нет")


def test_a_web_app_button_opens_with_signed_init_data(bot: Bot, server: TelegramServer) -> None:
    button = {"text": "Герои", "web_app": {"url": "http://127.0.0.1:9/app"}}
    bot.say(reply_markup={"inline_keyboard": [[button]]})
    assert server.user(1).tap("Герои").url.startswith("http://127.0.0.1:9/app#tgWebAppData=query_id%3D")
    markup = {"inline_keyboard": [[{"text": "Герои", "web_app": {"url": "http://example.org"}}]]}
    assert "Only HTTPS" in bot.refused("sendMessage", chat_id=1, text="x", reply_markup=markup)


# Drafts
def test_a_draft_grows_and_ends_with_the_message(bot: Bot, server: TelegramServer) -> None:
    anna = server.user(1)
    for text in ("", "Жил", "Жил-был"):
        bot.ok("sendMessageDraft", chat_id=1, draft_id=7, text=text, can_stop=True)
        assert anna.draft == text
    assert anna.wait_draft("был").can_stop
    bot.say("Жил-был кот.")
    assert anna.draft is None


def test_a_draft_lives_30_seconds(bot: Bot, server: TelegramServer, clock: Clock) -> None:
    bot.ok("sendMessageDraft", chat_id=1, draft_id=7, text="Жил")
    clock.now += 29
    assert server.user(1).draft == "Жил"
    clock.now += 1
    assert server.user(1).draft is None


def test_the_stop_button_becomes_an_update_and_ends_that_draft(bot: Bot, server: TelegramServer) -> None:
    anna = server.user(1)
    bot.ok("sendMessageDraft", chat_id=1, draft_id=6, text="Без кнопки")
    with pytest.raises(NotShown):
        anna.stop_draft()
    bot.ok("sendMessageDraft", chat_id=1, draft_id=7, text="Жил", can_stop=True)
    anna.stop_draft()
    stopped = bot.ok("getUpdates", offset=-1)[0]["stopped_message_generation"]
    assert (stopped["chat"]["id"], stopped["draft_id"]) == (1, 7)
    bot.ok("sendMessageDraft", chat_id=1, draft_id=7, text="Жил-был", can_stop=True)
    assert anna.draft is None
    bot.ok("sendMessageDraft", chat_id=1, draft_id=8, text="Новый", can_stop=True, keep_on_stop=True)
    anna.stop_draft()
    assert anna.draft == "Новый"


def test_drafts_are_for_private_chats_only(bot: Bot, server: TelegramServer) -> None:
    server.group(-100, "Кружок", [server.user(1)])
    bot.refused("sendMessageDraft", chat_id=-100, draft_id=1, text="x")


# People, groups, files, profile
def test_a_chat_begins_with_its_user_and_ends_with_a_block(bot: Bot, server: TelegramServer) -> None:
    boris = server.user(2, "Борис")
    assert bot.refused("sendMessage", chat_id=2, text="x") == "Bad Request: chat not found"
    boris.send("/start")
    boris.block()
    answer = bot.raw("sendMessage", json={"chat_id": 2, "text": "x"})
    assert (answer.status_code, answer.json()["description"]) == (403, "Forbidden: bot was blocked by the user")
    boris.unblock()
    bot.say(chat_id=2)
    member = [update["my_chat_member"] for update in bot.ok("getUpdates") if "my_chat_member" in update]
    assert [change["new_chat_member"]["status"] for change in member] == ["kicked", "member"]


def test_the_user_edits_replies_and_sends_files(bot: Bot, server: TelegramServer) -> None:
    anna = server.user(1)
    anna.edit(anna.send("кит"), "кот")
    anna.send("ответ", reply_to=bot.say())
    anna.voice(b"OggS")
    anna.sticker()
    edited, replied, voice, sticker = bot.ok("getUpdates", offset=-4)
    assert (edited["edited_message"]["text"], replied["message"]["reply_to_message"]["text"]) == ("кот", TEXT)
    assert "sticker" in sticker["message"]
    path = bot.ok("getFile", file_id=voice["message"]["voice"]["file_id"])["file_path"]
    assert bot.http.get(f"{server.url}/file/bot{server.token}/{path}", timeout=5).content == b"OggS"


def test_a_long_text_of_the_user_comes_in_pieces(bot: Bot, server: TelegramServer) -> None:
    server.user(1).send("я" * 5000)
    assert [len(update["message"]["text"]) for update in bot.ok("getUpdates", offset=-2)] == [4096, 904]


def test_in_a_group_the_bot_gets_only_what_is_meant_for_it(bot: Bot, server: TelegramServer) -> None:
    anna, boris = server.user(1), server.user(2, "Борис")
    group = server.group(-100500, "Кружок", [anna, boris])
    message_id = bot.say(chat_id=group.id)
    group.member(boris).send("между нами")
    group.member(boris).send("/new_story")
    group.member(boris).send("/help@other_bot")
    group.member(anna).send("@soavtor_demo_bot, продолжай")
    group.member(anna).send("да", reply_to=message_id)
    texts = [update["message"]["text"] for update in bot.ok("getUpdates")]
    assert texts == ["/start", "/new_story", "@soavtor_demo_bot, продолжай", "да"]
    assert group.messages[0].id == 1


def test_a_bot_that_comes_into_a_group_is_told_and_a_foreign_name_isnt_meant(bot: Bot, server: TelegramServer) -> None:
    anna = server.user(1)
    group = server.group(-100500, "Кружок", [anna])
    group.welcome_bot(anna)
    group.member(anna).send("@soavtor_demo_bot_2, это не вам")
    group.member(anna).photo(caption="@soavtor_demo_bot что тут?")
    _, joined, told, photo = bot.ok("getUpdates")
    assert joined["my_chat_member"]["new_chat_member"]["status"] == "member"
    assert told["message"]["new_chat_members"][0]["username"] == "soavtor_demo_bot"
    assert photo["message"]["caption"] == "@soavtor_demo_bot что тут?"
    assert photo["message"]["chat"] == {"id": -100500, "type": "supergroup", "title": "Кружок"}


def test_a_groups_keyboard_is_everybodys_unless_selective_and_a_press_is_a_reply(
    bot: Bot, server: TelegramServer
) -> None:
    anna, boris = server.user(1), server.user(2, "Борис")
    group = server.group(-100500, "Кружок", [anna, boris])
    assert group.member(anna).keyboard == ()
    asked = group.member(boris).send("/ask")
    keys = reply("Да", selective=True)
    bot.say("Точно?", chat_id=group.id, reply_markup=keys, reply_parameters={"message_id": asked})
    assert group.member(anna).keyboard == ()
    group.member(boris).press("Да")
    assert bot.ok("getUpdates")[-1]["message"]["reply_to_message"]["text"] == "Точно?"
    bot.say("Всем", chat_id=group.id, reply_markup=reply("Ура"))
    assert group.member(anna).keyboard == group.member(boris).keyboard == (("Ура",),)
    bot.say("Хватит", chat_id=group.id, reply_markup={"remove_keyboard": True})
    assert group.member(anna).keyboard == ()


def test_a_reply_brings_what_it_replies_to_with_caption_or_recording(bot: Bot, server: TelegramServer) -> None:
    anna = server.user(1)
    bot.raw("sendPhoto", data={"chat_id": 1, "caption": "Замок"}, files={"photo": ("a.jpg", b"\xff\xd8\xff\xe0")})
    anna.send("кто там живёт?", reply_to=anna.last.id)
    voice = anna.voice(record("две минуты тишины", 12))
    anna.voice(record("да"), reply_to=voice)
    photo, _, spoken = (update["message"] for update in bot.ok("getUpdates")[1:])
    assert photo["reply_to_message"]["caption"] == "Замок"
    assert spoken["reply_to_message"]["voice"]["duration"] == 12
    assert "reply_to_message" not in spoken["reply_to_message"]


def test_a_user_of_another_language_is_told_with_every_message(bot: Bot, server: TelegramServer) -> None:
    server.user(1).speaks("en")
    server.user(1).send("hello")
    assert bot.ok("getUpdates")[-1]["message"]["from"]["language_code"] == "en"


def test_a_document_comes_with_its_name_and_bytes(bot: Bot, server: TelegramServer) -> None:
    files = {"document": ("Маяк.txt", "Жил-был".encode())}
    bot.raw("sendDocument", data={"chat_id": 1, "caption": "Вся <b>история</b>", "parse_mode": "HTML"}, files=files)
    message = server.user(1).last
    assert message.attachment is not None
    assert (message.text, message.attachment.name) == ("Вся история", "Маяк.txt")
    assert server.state.files[message.attachment.file_id][1].decode() == "Жил-был"


# Waiting
def test_waiting_looks_only_at_what_is_new_since_the_last_action(bot: Bot, server: TelegramServer) -> None:
    anna = server.user(1)
    bot.say("старое")
    anna.send("дальше")
    with pytest.raises(NotCome, match="старое"):
        anna.wait("старое", timeout=0.01)
    assert anna.wait("старое", since=0).text == "старое"
    later = threading.Timer(0.03, bot.say, ["новое"])
    later.start()
    assert anna.wait(lambda message: message.text == "новое").text == "новое"
    later.join()  # the stand-in closes after the test; the answer to this call comes before


def test_a_hostile_update_reaches_the_bot_as_it_is(bot: Bot, server: TelegramServer) -> None:
    server.raw_update({"message": {"chat": None}})
    assert bot.ok("getUpdates", offset=-1)[0]["message"] == {"chat": None}
