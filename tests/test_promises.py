"""Promises that no other test holds.

What the tables keep of a user and a text, what a prompt is made of, what it costs, what the admins are told of every
service, and how the bot shows itself.

Where every promise of the bot stands, and which test proves it: docs/requirements.md.
"""

from __future__ import annotations

import inspect
import json
import re
import time
from collections.abc import Callable

import pytest

from ai.provider import CallFailure
from conversation.steps import ADMIN_COMMANDS, COMMANDS, SHELF_COMMANDS, SHOP_COMMANDS
from core.errors import ModelBusy
from gpt import GPT
from handlers import router
from monitoring.alerts import WINDOW_S, ModelErrorAlerts
from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from tests.chatting import ask, asked, chatting
from tests.harness import ADMIN_ID, ROOT, BotHarness, until
from tests.recordings import recording
from tests.test_voice import say
from yandex_gpt import YandexProvider, build_prompt

# ---------------------------------------------------------------------- what is kept


def test_a_registration_keeps_id_names_and_time_and_follows_a_new_name(harness: BotHarness) -> None:
    before = int(time.time())
    harness.telegram.user(41, "Анна", username="annushka", last_name="Каренина").send("/start")
    harness.telegram.user(41).wait("Кнопки под сообщением")
    names = {"id": 41, "username": "annushka", "first_name": "Анна", "last_name": "Каренина"}
    [user] = harness.db.rows("user")
    assert user | names | {"balance": 30_000, "requests": 0, "spent": 0} == user
    assert before <= harness.db.value("user", "registered_at") <= time.time()
    assert harness.db.value("user", "last_request_at") is None
    changed = {"id": 41, "is_bot": False, "first_name": "Анна", "last_name": "Вронская", "username": "anna_v"}
    chat = {"id": 41, "type": "private", "first_name": "Анна"}
    harness.telegram.raw_update(
        {"message": {"message_id": 900, "date": 1, "chat": chat, "from": changed, "text": "/help"}}
    )
    harness.telegram.user(41).wait("Мы пишем историю вдвоём")
    [user] = harness.db.rows("user")
    assert user | {"id": 41, "username": "anna_v", "first_name": "Анна", "last_name": "Вронская"} == user


def test_each_text_is_kept_with_its_user_role_and_tokens_and_each_user_with_tokens_and_sessions(
    harness: BotHarness,
) -> None:
    person = harness.writer(words="Маяк погас.")
    harness.says("Дверь скрипнула.")
    person.send("Смотритель встал.")
    person.wait("Дверь скрипнула.")
    prompts = harness.db.rows("prompt")
    assert [(row["user_id"], row["role"], row["text"], row["tokens"] > 0) for row in prompts] == [
        (1, "assistant", "Маяк погас.", True),
        (1, "user", "Смотритель встал.", False),
        (1, "assistant", "Дверь скрипнула.", True),
    ]
    assert harness.db.value("user", "sessions") == 1 and harness.db.value("user", "requests") == 2
    spent = harness.db.value("user", "spent")
    assert spent == harness.db.total("call", "charged") == 30_000 - harness.db.balance()
    assert time.time() - 60 < harness.db.value("user", "last_request_at") <= time.time()


def test_a_prompt_is_made_of_what_stands_in_the_tables(harness: BotHarness) -> None:
    person = harness.writer(words="Маяк погас.")
    harness.db.change("story", genre="Комедия", hero="Кок", setting="Камбуз", extra="Без чаек")
    harness.db.change("prompt", text="Суп кипел.")
    harness.says("Суп убежал.")
    person.press("▶️ Дальше")
    person.wait("Суп убежал.")
    system, *turns = harness.prompts()[-1]
    for line in ("Жанр: Комедия", "Герой: Кок", "Место: Камбуз", "Без чаек"):
        assert line in system["text"]
    assert "Суп кипел." in str(turns) and "Маяк" not in str(turns)


def test_a_picture_of_ones_own_words_is_left_on_no_disk(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("/image кот")
    person.wait("Нарисую")
    person.tap("🎨 Нарисовать")
    person.wait(lambda message: message.attachment is not None)
    until(harness.settled)
    left = {file.name for file in harness.folder.iterdir()}
    assert left <= {"bot.db", "bot.db-wal", "bot.db-shm", "bot.db.lock", "log.txt"}
    assert harness.db.count("outbox") == 0


# ---------------------------------------------------------------------- what it costs


def test_a_streamed_answer_is_charged_for_its_prompt_and_its_answer_by_the_vendors_figures(harness: BotHarness) -> None:
    person = chatting(harness)
    before = harness.db.balance()
    ask(harness, person, "слово " * 100, "Ответ. " * 20 + "Всё.", chunks=5)
    read, written = (harness.db.value("call", column) for column in ("input", "output"))
    assert read > 100 and written > 20
    assert harness.db.value("call", "estimated") == 0
    assert before - harness.db.balance() == read + written


def test_an_answer_stopped_in_the_middle_is_charged_for_its_prompt_too(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Один. Два. Три.", chunks=3, hang_after=2)
    person.send("слово " * 100)
    person.wait_draft("Два.")
    person.send("стоп")
    person.wait("Остановил")
    assert harness.db.value("call", "input") > 100 and harness.db.value("call", "charged") > 100


# ---------------------------------------------------------------------- replies


def test_in_private_an_answer_replies_to_nothing(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Вопрос.", "Ответ.")
    assert person.last.text == "Ответ." and person.last.reply_to is None


def test_a_reply_to_a_voice_message_puts_its_words_into_the_question(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.models.faults.order(Behaviour(heard="Поезд уходит в семь с третьего пути"), kind="stt")
    harness.says("Запомнил.")
    voice = person.voice(recording())
    person.wait("Запомнил.")
    ask(harness, person, "А погода?", "Не знаю.")
    harness.says("В семь.")
    person.send("Когда это?", reply_to=voice)
    person.wait("В семь.")
    assert "Поезд уходит в семь с третьего пути" in asked(harness)[-1][1] and asked(harness)[-1][1].endswith(
        "Когда это?"
    )


def test_a_reply_to_a_picture_puts_its_caption_into_the_question(harness: BotHarness) -> None:
    person = chatting(harness)
    person.send("/image кот на маяке")
    person.wait("Нарисую")
    person.tap("🎨 Нарисовать")
    picture = person.wait(lambda message: message.attachment is not None).id
    harness.says("Там кот.")
    person.send("Кто там?", reply_to=picture)
    person.wait("Там кот.")
    assert "кот на маяке" in asked(harness)[-1][1]


def test_a_question_that_was_said_is_answered_and_its_words_are_kept(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Четыре.")
    say(harness, person, "Сколько будет дважды два?")
    person.wait("Четыре.")
    assert asked(harness) == [("user", "Сколько будет дважды два?")]


# ---------------------------------------------------------------------- what admins hear


@pytest.fixture
def debugger(harness: BotHarness) -> ChatUser:
    """Return an admin whose debug mode is on."""
    admin = harness.new_person(ADMIN_ID, "Админ")
    admin.send("/debug")
    admin.wait("Отладка включена")
    return admin


def test_the_debug_mode_hears_of_pictures_speech_and_voices_too(harness: BotHarness, debugger: ChatUser) -> None:
    person = harness.writer()
    faults = harness.models.faults
    faults.order(Behaviour(status=500, message="bad picture"), kind="image")
    person.send("/image кот")
    person.wait("Нарисую")
    person.tap("🎨 Нарисовать")
    assert "HTTP 500" in debugger.wait("🐞 image").text
    person.wait("Не получилось")
    faults.order(Behaviour(status=500, message="bad recording"), kind="stt")
    person.voice(recording())
    assert "пользователь 1" in debugger.wait("🐞 stt").text
    person.wait("Не получилось")
    faults.order(Behaviour(status=500, message="bad voice"), kind="tts")
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🔊 Озвучить")
    person.wait("Каким голосом")
    person.tap("Даша")
    assert "HTTP 500" in debugger.wait("🐞 tts").text


def test_the_debug_mode_hears_of_healed_tries_and_of_the_tokenizer(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness(MAX_TOKENS_PER_REQUEST=1400)  # so few have a prompt of their own
    harness.start()
    admin = harness.new_person(ADMIN_ID, "Админ")
    admin.send("/debug")
    admin.wait("Отладка включена")
    person = harness.writer()
    harness.models.faults.order(Behaviour(status=503))
    harness.says("Дошло.")
    person.press("▶️ Дальше")
    person.wait("Дошло.")
    assert "потом прошло" in admin.wait("HTTP 503").text
    held = harness.db.value("call", "reserved")
    harness.stop()
    harness.settings |= {"MAX_TOKENS_PER_ANSWER": "300", "MAX_TOKENS_PER_REQUEST": str((held - 800) * 11 // 10)}
    harness.models.faults.rule = lambda received: Behaviour(status=500) if received.kind == "tokenizer" else None
    harness.start()
    other = harness.at_summary(2)
    harness.says("Начало второе.")
    other.press("✨ Начать историю")
    other.wait("Начало второе.")
    assert "HTTP 500" in admin.wait("🐞 tokenizer").text


def test_the_debug_mode_hears_of_credentials_that_cannot_be_had(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(YANDEX_API_KEY="")
    harness.models.faults.rule = lambda received: Behaviour(status=503) if received.kind == "metadata" else None
    harness.start()
    admin = harness.new_person(ADMIN_ID, "Админ")
    admin.send("/debug")
    admin.wait("Отладка включена")
    person = harness.at_summary()
    person.press("✨ Начать историю")
    person.wait("Не получилось обработать запрос")
    admin.wait("🐞")


def test_equal_faults_within_a_minute_come_as_one_with_a_count(harness: BotHarness, debugger: ChatUser) -> None:
    app, moment = harness.app, [1000.0]
    assert app is not None
    alerts = ModelErrorAlerts(app.config, app.db, app.delivery, app.locales, clock=lambda: moment[0])
    failure = CallFailure(time.time(), "part", 1, 1, 1, False, "yandexgpt-lite", ModelBusy("too many", status=429))
    for _ in range(4):
        alerts.report(failure)
        moment[0] += 1
    debugger.wait("HTTP 429")
    alerts.flush()
    moment[0] += WINDOW_S
    alerts.flush()
    debugger.wait("ещё 3 раза за последнюю минуту")
    assert len([message for message in debugger.bot_messages if "HTTP 429" in message.text]) == 1
    alerts.report(failure)
    debugger.wait("HTTP 429")


# ---------------------------------------------------------------------- how it shows itself


def test_the_bot_has_a_name_a_face_descriptions_and_a_menu_of_eight_commands(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness()
    harness.sets_profile = True
    harness.start()
    profile = harness.telegram.state.profile
    until(lambda: len(harness.telegram.called("setMyCommands")) == 4 and harness.telegram.called("setMyProfilePhoto"))
    assert harness.app is not None and harness.app.bot.get_my_name().name == "Соавтор"
    assert "Вы придумываете, я пишу" in profile["descriptions"][""] and profile["shorts"][""]
    menus = {
        json.loads(call.params["scope"])["type"]: [one["command"] for one in json.loads(call.params["commands"])]
        for call in harness.telegram.called("setMyCommands")
    }
    expected = ["new_story", "stories", "chat", "characters", "image", "balance", "cancel", "help"]
    assert sorted(menus["all_private_chats"]) == sorted(expected)
    assert set(menus["all_group_chats"]) == {"story", "clear", "modes", "t", "help"}


def test_the_modules_are_where_the_brief_wants_them() -> None:
    assert inspect.isclass(GPT) and {"stream", "ask", "count"} <= set(dir(GPT))
    assert callable(build_prompt) and inspect.isclass(YandexProvider) and inspect.isclass(router.Router)
    for name in ("bot.py", "gpt.py", "yandex_gpt.py", "config.py", "requirements.txt", "README.md", ".env.example"):
        assert (ROOT / name).is_file(), name
    assert "register_message_handler" in (ROOT / "handlers" / "router.py").read_text("utf-8")


def test_info_names_every_command_that_is_open_to_all(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("/help")
    assert "Все команды: /info" in person.wait("Мы пишем историю вдвоём").text
    person.send("/info")
    said, hidden = person.wait("ℹ️ Соавтор").text, SHOP_COMMANDS | SHELF_COMMANDS
    assert [
        command for command in sorted(COMMANDS - ADMIN_COMMANDS - hidden) if not re.search(rf"{command}\b", said)
    ] == []
    assert not [command for command in ADMIN_COMMANDS | hidden if re.search(rf"{command}\b", said)]
